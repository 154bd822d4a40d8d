"""Preparing a run directory: the resolved configuration, the motion on the walker, the walker's MJCF."""

from __future__ import annotations

import contextlib
from pathlib import Path

from mimicrl import artifacts, machine, seeding
from mimicrl.config import MotionConfig, RunConfig, StudyConfig, WalkerConfig, plugins, yaml
from mimicrl.envs.task import walker_for
from mimicrl.errors import ConfigError, MotionError, WalkerError
from mimicrl.mdp import trial
from mimicrl.mdp.step import substeps
from mimicrl.motions import MotionClip, ReferenceTrajectory, gait, readers, validate
from mimicrl.runs import Run, Study, lock, provenance
from mimicrl.runs.fingerprint import fingerprint
from mimicrl.runs.records import FORMAT, ResolvedStudy, RunRecord
from mimicrl.walkers import Walker, registry


def prepare_run(config: RunConfig, base: Path, out: Path) -> Run:
    """Write the files of a run that later steps read; files whose content stays the same are left alone.

    Args:
        config: The resolved configuration.
        base: Folder that file paths in the configuration are relative to.
        out: The run directory.

    Raises:
        ConfigError: The directory belongs to another run or to an older version, or the control rate does not fit.
        MotionError: The motion cannot be used.
        RunLocked: A trainer is working in the directory.
        WalkerError: The walker cannot be used.
    """
    started, run = machine.now(), Run(out)
    _refuse_other_run(run, config)
    # Without run.json, which is written last, there is no run yet that a trainer could open.
    with lock.hold(run.lock_file, "mimicrl init") if run.run_file.exists() else contextlib.nullcontext():
        _write(run, config, base)
    provenance.record("init", started).write(run.provenance_file("init"))
    return run


def _write(run: Run, config: RunConfig, base: Path) -> None:
    xml = _walker_source(config.walker, base)
    walker = walker_for(config.mdp, xml, config.walker.name)
    substeps(config.mdp.control_hz, walker.model.opt.timestep)
    clip = _clip(config.motion, walker, base)
    if clip.loop != "wrap":
        raise MotionError(
            "the motion does not repeat, and walking must",
            where=clip.name,
            got=f"loop mode {clip.loop}",
            fix="cut the clip at whole cycles and set its loop mode to wrap",
        )
    validate.refuse_implausible(clip, walker)
    reference = ReferenceTrajectory(clip, walker)
    if config.plugins:
        _try(config, walker, reference)
    copies = {name: _plugin_source(base / name) for name in config.plugins}
    for name, content in copies.items():
        artifacts.write_if_changed(run.plugin_file(name), content)
    artifacts.write_if_changed(run.walker_file, xml.encode())
    artifacts.write_if_changed(run.motion_file, clip.to_bytes())
    artifacts.write_if_changed(run.config_file, yaml.dump(config.model_dump(mode="json")).encode())
    hashes = {
        "motion_sha256": artifacts.file_sha256(run.motion_file),
        "walker_sha256": artifacts.file_sha256(run.walker_file),
    }
    plugins_sha256 = {name: artifacts.sha256(content) for name, content in copies.items()}
    record = RunRecord(
        format=FORMAT,
        study=config.study,
        experiment=config.experiment,
        seed=config.seed,
        total_timesteps=config.training.total_timesteps,
        seeds=seeding.streams(config.seed)._asdict(),
        fingerprint=fingerprint(config, **hashes, plugins_sha256=plugins_sha256),
        config_sha256=artifacts.file_sha256(run.config_file),
        plugins_sha256=plugins_sha256,
        **hashes,
    )
    artifacts.write_if_changed(run.run_file, artifacts.json_bytes(record.as_json()))


def _try(config: RunConfig, walker: Walker, reference: ReferenceTrajectory) -> None:
    """Refuse a plugin whose terms fail, or return what they may not.

    Raises:
        ConfigError: One does; it names file and line.
    """
    try:
        found = trial.first_fault(config.mdp, walker, reference)
    except Exception as error:
        raise plugins.blame(error) or error from error
    if found is not None and plugins.is_of_plugin(found.term):
        raise plugins.fault(found.term, found.what, found.got, found.expected)


def prepare_study(study: StudyConfig, out: Path) -> None:
    """Write ``study.yaml``: the resolved study and the runs it expects.

    Raises:
        ConfigError: An older version of the program made the one that is there.
    """
    file = Study(out).study_file
    ResolvedStudy.refuse_older(file)
    content = {
        "format": FORMAT,
        **study.model_dump(mode="json", exclude_none=True),
        "expected_runs": [{"experiment": name, "seed": seed} for name, seed in study.runs()],
    }
    ResolvedStudy.model_validate(content)
    artifacts.write_if_changed(file, yaml.dump(content).encode())


def _refuse_other_run(run: Run, config: RunConfig) -> None:
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
    """Return whether a directory without ``run.json``, which comes last, may hold `entry`: a killed preparation may."""
    own = {
        file.name
        for file in (run.logs_directory, run.plugins_directory, run.walker_file, run.motion_file, run.config_file)
    }
    return entry.name in own or artifacts.is_leftover(entry)


def _plugin_source(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            "cannot read a plugin", where=path, got=error.strerror, fix="give its folder as base"
        ) from error


def _walker_source(config: WalkerConfig, base: Path) -> str:
    if config.file is None:
        return registry.source(config.name)
    try:
        return (base / config.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WalkerError("cannot read the walker's MJCF", where=base / config.file, got=error) from error


def _clip(config: MotionConfig, walker: Walker, base: Path) -> MotionClip:
    if config.file is not None:
        return readers.read(base / config.file, walker)
    return gait.generate(walker, config.speed_mps or 0.0)
