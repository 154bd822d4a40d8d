"""What a run is, and whether its files belong together."""

from __future__ import annotations

from mimicrl import artifacts, seeding
from mimicrl.config import RunConfig
from mimicrl.errors import ArtifactError
from mimicrl.runs.fingerprint import fingerprint
from mimicrl.runs.layout import Run
from mimicrl.runs.records import FORMAT, RunRecord


def describe(run: Run, config: RunConfig) -> RunRecord:
    """Return ``run.json`` of a run from the other files that `mimicrl init` wrote.

    Args:
        run: The run.
        config: The configuration that was written to ``config.yaml``.
    """
    hashes = run.input_hashes(config.plugins)
    return RunRecord(
        format=FORMAT,
        study=config.study,
        experiment=config.experiment,
        seed=config.seed,
        total_timesteps=config.training.total_timesteps,
        seeds=seeding.streams(config.seed)._asdict(),
        fingerprint=fingerprint(config, **hashes),
        config_sha256=artifacts.file_sha256(run.config_file),
        **hashes,
    )


def verify(run: Run) -> RunRecord:
    """Return ``run.json``, after checking that it belongs to the files beside it and to what was read of them.

    Raises:
        ArtifactError: A file was changed since `mimicrl init`, or the run was initialised again.
    """
    record = RunRecord.read(run.run_file)
    hashes = run.input_hashes(record.plugins_sha256)
    for file, expected, found in (
        (run.config_file, record.config_sha256, artifacts.file_sha256(run.config_file)),
        (run.motion_file, record.motion_sha256, hashes["motion_sha256"]),
        (run.walker_directory, record.walker_sha256, hashes["walker_sha256"]),
        *(
            (run.plugin_file(name), expected, hashes["plugins_sha256"][name])
            for name, expected in record.plugins_sha256.items()
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
