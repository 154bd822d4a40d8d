"""What a run is, and whether its files belong together."""

from __future__ import annotations

from collections.abc import Mapping

from mimicrl import artifacts, seeding
from mimicrl.config import RunConfig
from mimicrl.errors import ArtifactError
from mimicrl.runs.fingerprint import fingerprint, walker_sha256
from mimicrl.runs.layout import Run
from mimicrl.runs.records import FORMAT, RunRecord


def describe(
    config: RunConfig, *, settings: bytes, motion: bytes, walker: Mapping[str, bytes], plugins: Mapping[str, bytes]
) -> RunRecord:
    """Return ``run.json`` of a run.

    Args:
        config: Its resolved configuration.
        settings: The content of ``config.yaml``.
        motion: The content of ``motion.npz``.
        walker: The content of each file of the walker's folder, by its name.
        plugins: The content of each plugin, by its name.
    """
    hashes = {"motion_sha256": artifacts.sha256(motion), "walker_sha256": walker_sha256(walker)}
    plugins_sha256 = {name: artifacts.sha256(content) for name, content in plugins.items()}
    return RunRecord(
        format=FORMAT,
        study=config.study,
        experiment=config.experiment,
        seed=config.seed,
        total_timesteps=config.training.total_timesteps,
        seeds=seeding.streams(config.seed)._asdict(),
        fingerprint=fingerprint(config, **hashes, plugins_sha256=plugins_sha256),
        config_sha256=artifacts.sha256(settings),
        plugins_sha256=plugins_sha256,
        **hashes,
    )


def verify(run: Run) -> RunRecord:
    """Return ``run.json``, after checking that it belongs to the files beside it and to what was read of them.

    Raises:
        ArtifactError: A file was changed since `mimicrl init`, or the run was initialised again.
    """
    record = RunRecord.read(run.run_file)
    walker = walker_sha256({file.name: file.read_bytes() for file in run.walker_files})
    for file, expected, found in (
        (run.config_file, record.config_sha256, artifacts.file_sha256(run.config_file)),
        (run.motion_file, record.motion_sha256, artifacts.file_sha256(run.motion_file)),
        (run.walker_directory, record.walker_sha256, walker),
        *(
            (run.plugin_file(name), sha256, artifacts.file_sha256(run.plugin_file(name)))
            for name, sha256 in record.plugins_sha256.items()
        ),
    ):
        if expected != found:
            raise ArtifactError(
                "a file of the run was changed",
                where=file,
                got=f"sha256 {found[:12]}…",
                expected=f"{expected[:12]}…",
                fix="run mimicrl init again",
            )
    if record.fingerprint != run.fingerprint:
        raise ArtifactError(
            "the run was initialised again, or by another version of the program",
            where=run.run_file,
            got=f"fingerprint {record.fingerprint}",
            expected=run.fingerprint,
            fix="run the same command again; if that does not help, mimicrl init",
        )
    return record
