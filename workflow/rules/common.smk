# The study: its configuration, checked before anything is planned, and the runs that follow from it.

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from mimicrl.config import load_study, resolve
from mimicrl.errors import ConfigError


envvars:
    "PATH",


# Jobs find `mimicrl` where this Snakemake is installed; a container has a PATH of its own.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def study_file():
    """Return the study's YAML file; Snakemake would silently merge several."""
    if len(workflow.configfiles) != 1 or workflow.config_settings.config:
        raise WorkflowError(
            "A study is exactly one YAML file: give one --configfile and no --config; "
            "edit the file to change a value."
        )
    # Relative, so that a folder that was moved has nothing to do.
    return Path(os.path.relpath(workflow.configfiles[0]))


def checked(call, *arguments):
    """Return what a call returns; show all configuration errors at once, without a traceback."""
    try:
        return call(*arguments)
    except ConfigError as error:
        raise WorkflowError("\n".join([str(error), *error.problems])) from None


STUDY_FILE = study_file()
STUDY = checked(load_study, STUDY_FILE)
STUDY_DIRECTORY = f"results/{STUDY.study}"
RUN = f"{STUDY_DIRECTORY}/{{experiment}}/seed_{{seed}}"
RUN_DIRECTORIES = [RUN.format(experiment=name, seed=seed) for name, seed in STUDY.runs()]
EXPERIMENT_FILES = {
    name: [STUDY_FILE.parent / file for file in (experiment.motion.file, experiment.walker.file) if file]
    for name, experiment in STUDY.experiments.items()
}
MISSING = [
    f"experiments.{name}: {file}" for name, files in EXPERIMENT_FILES.items() for file in files if not file.is_file()
]
if MISSING:
    raise WorkflowError("\n".join(["a motion or walker file does not exist", *MISSING]))


wildcard_constraints:
    experiment=r"[a-z0-9][a-z0-9_-]*",
    seed=r"\d+",


def resolved_run(wildcards):
    """Return a run's resolved configuration: editing one experiment touches its own runs only."""
    return checked(resolve, STUDY, wildcards.experiment, int(wildcards.seed)).model_dump_json()


def experiment_files(wildcards):
    """Return the motion and the walker that an experiment brings along as files."""
    return EXPERIMENT_FILES[wildcards.experiment]


def closing_lines():
    """Return what a user wants to know in the end: the headline of each experiment, and where everything is."""
    headline = Path(STUDY_DIRECTORY, "tables", "headline.txt")
    if not headline.exists():  # only a part of the study was asked for
        return []
    videos = f"{STUDY_DIRECTORY}/*/seed_*/videos/" if STUDY.video else "none asked for"
    return [
        "",
        headline.read_text().rstrip(),
        f"report   {STUDY_DIRECTORY}/report.html",
        f"tables   {STUDY_DIRECTORY}/tables/",
        f"videos   {videos}",
    ]
