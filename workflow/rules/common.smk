# The study: its configuration, checked before anything is planned, and the runs that follow from it.

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_executor_plugins.settings import DeploymentMethod, SharedFSUsage
from snakemake_interface_logger_plugins.common import LogEvent

from mimicrl.config import load_study, resolve
from mimicrl.errors import MimicError
from mimicrl.runs import Study, container, layout
from mimicrl.runs.provenance import code_sha256
from mimicrl.runs.records import ResolvedStudy


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
    except MimicError as error:
        raise WorkflowError("\n".join([str(error), *getattr(error, "problems", ())])) from None


STUDY_FILE = study_file()
STUDY = checked(load_study, STUDY_FILE)
RESULTS = Path("results")
FOLDER = Study(RESULTS / STUDY.study)
RUN = FOLDER.run("{experiment}", "{seed}")
RUNS = [FOLDER.run(name, seed) for name, seed in STUDY.runs()]
EXPERIMENT_FILES = {
    name: [
        *(STUDY_FILE.parent / file for file in [experiment.motion.file] if file),
        *experiment.walker.files(STUDY_FILE.parent),
    ]
    for name, experiment in STUDY.experiments.items()
}
PLUGINS = [STUDY_FILE.parent / name for name in STUDY.plugins]
HERE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
CONTAINED = DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method
# Relative, too: Snakemake takes no image whose path has a space.
IMAGE = Path(os.path.relpath(STUDY_FILE.parent / STUDY.image if STUDY.image else HERE / "../../containers/mimicrl.sif"))
MISSING = [
    f"experiments.{name}: {file}" for name, files in EXPERIMENT_FILES.items() for file in files if not file.is_file()
]
if MISSING:
    raise WorkflowError("\n".join(["a motion or walker file does not exist", *MISSING]))

# Before Snakemake removes what it is about to make again.
checked(ResolvedStudy.refuse_older, FOLDER.study_file)

# What a plain `snakemake` makes; a rule adds its files.
WANTED = []

if CONTAINED:
    checked(container.require, IMAGE)
    # A container sees the working directory. All else that steps use is shown to it, in jobs on other machines too.
    presets = [STUDY_FILE.parent / experiment.use for experiment in STUDY.experiments.values() if experiment.use]
    used = [STUDY_FILE, *presets, *PLUGINS, *sum(EXPERIMENT_FILES.values(), []), RESULTS, FOLDER.path, IMAGE]
    os.environ |= checked(container.environment, used, Path.cwd(), str(FOLDER.image_file))

if SharedFSUsage.SOURCE_CACHE not in workflow.storage_settings.shared_fs_usage:
    # That of the jobs' own Snakemake, too: compute nodes may have no $HOME.
    os.environ.setdefault("XDG_CACHE_HOME", str(Path.cwd() / ".snakemake" / "cache"))


wildcard_constraints:
    experiment=r"[a-z0-9][a-z0-9_-]*",
    seed=r"\d+",


def resolved_run(wildcards):
    """Return a run's resolved configuration: editing one experiment touches its own runs only."""
    return checked(resolve, STUDY, wildcards.experiment, int(wildcards.seed)).model_dump_json()


def training_cores(wildcards):
    """Return the cores that an experiment's trainings ask for."""
    return STUDY.experiments[wildcards.experiment].training.cores


def experiment_files(wildcards):
    """Return the motion and the walker that an experiment brings along as files."""
    return EXPERIMENT_FILES[wildcards.experiment]


def growing(mem_mb):
    """Return the memory of a job [MB] as a function of its attempt: one that had too little gets more."""

    def memory(wildcards, attempt):
        return mem_mb * attempt

    return memory


def be_quiet():
    """Leave Snakemake's account of each job out of the terminal, where it was asked to be quiet about progress.

    The jobs tell of themselves. Snakemake still shows the job that fails, warnings, and all else.
    """
    accounts = {LogEvent.JOB_INFO, LogEvent.GROUP_INFO, LogEvent.JOB_STARTED}
    if Quietness.PROGRESS in (workflow.output_settings.quiet or ()):
        for handler in logger.handlers:
            if handler.name == "DefaultStreamHandler":
                handler.addFilter(
                    lambda record: getattr(record, "event", None) not in accounts
                    and record.getMessage() != "Select jobs to execute..."
                )


def opening_lines():
    """Return where steps run; refuse the host to a study that wants the container."""
    if STUDY.container == "required" and not CONTAINED and os.environ.get("MIMICRL_ALLOW_HOST") != "1":
        raise WorkflowError(
            f"study {STUDY.study} runs in the container only — {STUDY_FILE} — got the host, expected --sdm apptainer — "
            "add it, or set MIMICRL_ALLOW_HOST=1 to run on the host all the same"
        )
    checked(container.refresh, FOLDER.image_file, IMAGE if CONTAINED else None)
    if CONTAINED:
        labels = checked(container.inspect, IMAGE)
        lines = [f"steps run in the container {IMAGE}"]
        if labels.get("mimicrl.code_sha256") != code_sha256():
            lines.append("its code is not that of this checkout; bring it up to date with: make container")
        return lines
    return ["steps run on the host; --sdm apptainer runs them in the container"]


def closing_lines():
    """Return what a user wants to know in the end: the headline of each experiment, and where everything is."""
    if not FOLDER.headline_file.exists():  # only a part of the study was asked for
        return []
    videos = f"{FOLDER.run('*', '*').videos_directory}/" if STUDY.video else "none asked for"
    return [
        "",
        FOLDER.headline_file.read_text().rstrip(),
        f"report   {FOLDER.report_file}",
        f"tables   {FOLDER.tables_directory}/",
        f"videos   {videos}",
    ]
