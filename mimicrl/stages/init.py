"""`mimicrl init`: writes the directory of a study, or of a run with its configuration, motion, walker and plugins."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimicrl import artifacts
from mimicrl.errors import ConfigError
from mimicrl.stages.stage import Work, stage

if TYPE_CHECKING:
    from mimicrl.config import RunConfig, StudyConfig
    from mimicrl.envs.task import Task
    from mimicrl.runs import Run


@stage("A run")
def init(
    work: Work,
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study's configuration.")],
    out: Annotated[Path, typer.Option(help="The directory to write.")],
    experiment: Annotated[str | None, typer.Option(help="Write one run of this experiment. Give --seed, too.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the run.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the run.")
    ] = None,
) -> None:
    """Write the directory of a study. With --experiment and --seed, write the directory of one run instead."""
    from mimicrl.config import load_study, resolve

    if (experiment is None) != (seed is None):
        raise ConfigError("a run needs both --experiment and --seed", where="mimicrl init")
    loaded = load_study(study)
    if experiment is None or seed is None:
        if set_:
            raise ConfigError("--set changes a run, not a study", where="mimicrl init", fix="edit the study's YAML")
        init_study(work, loaded, out)
        typer.echo(f"study of {len(loaded.runs())} runs in {out}")
        return
    run = init_run(work, resolve(loaded, experiment, seed, set_ or ()), study.parent, out)
    typer.echo(f"initialised in {run.path}, fingerprint {run.fingerprint}")


def init_study(work: Work, study: StudyConfig, out: Path) -> None:
    """Write ``study.yaml``, which contains the resolved study and the list of its runs.

    Raises:
        ConfigError: The folder has a ``study.yaml`` of an older version of the program.
    """
    from mimicrl import yaml
    from mimicrl.runs import Study
    from mimicrl.runs.records import FORMAT, ResolvedStudy

    folder = Study(out)
    ResolvedStudy.refuse_older(folder.study_file)
    content = {
        "format": FORMAT,
        **study.model_dump(mode="json", exclude_none=True),
        "expected_runs": [{"experiment": name, "seed": seed} for name, seed in study.runs()],
    }
    ResolvedStudy.model_validate(content)
    work.sign_for(folder)
    work.write(folder.study_file, yaml.dump(content).encode())


def init_run(work: Work, config: RunConfig, base: Path, out: Path) -> Run:
    """Write the files of a run that later stages read. A file whose content stays the same is not written again.

    Args:
        work: The stage at work.
        config: The resolved configuration.
        base: File paths in the configuration are relative to this folder.
        out: The run directory.

    Raises:
        ConfigError: The directory belongs to another run or to an older version, a plugin fails, or the control rate
            does not divide the physics rate.
        MotionError: The motion cannot be used.
        RunLocked: Another process trains this run or writes its directory.
        WalkerError: The walker cannot be used.
    """
    from mimicrl import yaml
    from mimicrl.envs.task import Task
    from mimicrl.runs import Run, identity, lock

    run = Run(out)
    _refuse_other_run(run, config)
    # Without run.json, which is written last, no training can open the directory. Then there is nothing to lock.
    with lock.hold(run.lock_file, "mimicrl init") if run.run_file.exists() else contextlib.nullcontext():
        task = Task.of_config(config, base)
        files = {run.plugin_file(name): _plugin_source(base / name) for name in config.plugins}
        if files:
            _try_plugins(config, task)
        if task.walker.inferred:
            typer.echo(
                f"walker {task.walker.name} has no walker.yaml: roles of joints and feet were inferred from names; "
                f"see {run.walker_metadata_file}",
                err=True,
            )
        files |= {
            run.walker_file: task.walker.xml.encode(),
            run.walker_metadata_file: task.walker.metadata.encode(),
            run.motion_file: task.reference.clip.to_bytes(),
            run.config_file: yaml.dump(config.model_dump(mode="json")).encode(),
        }
        work.sign_for(run)
        for file, content in files.items():
            work.write(file, content)
        work.complete(run.run_file, identity.describe(run, config).to_bytes())
    return run


def _try_plugins(config: RunConfig, task: Task) -> None:
    """Refuse plugins whose terms return something wrong.

    Raises:
        ConfigError: A term of a plugin returns something wrong. The error names file and line.
    """
    from mimicrl.config import plugins
    from mimicrl.mdp import trial

    found = trial.first_fault(config.mdp, task.walker, task.reference)
    if found is not None and plugins.is_of_plugin(found.term):
        raise plugins.fault(found.term, found.what, found.got, found.expected)


def _refuse_other_run(run: Run, config: RunConfig) -> None:
    from mimicrl.runs.records import RunRecord

    wanted = {"study": config.study, "experiment": config.experiment, "seed": config.seed}
    if run.run_file.exists():
        there = RunRecord.read(run.run_file).model_dump(include={*wanted})
        if there != wanted:
            raise ConfigError(
                "the directory belongs to another run",
                where=run.path,
                got=there,
                expected=wanted,
                fix="choose another --out",
            )
    elif run.path.is_dir() and not all(_may_precede(run, entry) for entry in run.path.iterdir()):
        raise ConfigError(
            "the directory is no run and not empty",
            where=run.path,
            got=", ".join(sorted(entry.name for entry in run.path.iterdir())[:5]),
            fix="choose another --out",
        )


def _may_precede(run: Run, entry: Path) -> bool:
    """Return whether a directory without ``run.json``, which is written last, may contain `entry`."""
    own = [run.logs_directory, run.plugins_directory, run.provenance_directory]
    own += [run.walker_directory, run.motion_file, run.config_file]
    return entry in own or artifacts.is_leftover(entry)


def _plugin_source(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            "cannot read a plugin", where=path, got=error.strerror, fix="give its folder as base"
        ) from error
