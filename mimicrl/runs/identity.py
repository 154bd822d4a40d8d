"""Whether the files of a run belong together."""

from __future__ import annotations

from mimicrl import artifacts
from mimicrl.errors import ArtifactError
from mimicrl.runs.layout import Run
from mimicrl.runs.records import RunRecord


def verify(run: Run) -> RunRecord:
    """Return ``run.json``, after checking that it belongs to the files beside it and to what was read of them.

    Raises:
        ArtifactError: A file was changed since `mimicrl init`, or the run was initialised again.
    """
    record = RunRecord.read(run.run_file)
    for file, expected in (
        (run.config_file, record.config_sha256),
        (run.motion_file, record.motion_sha256),
        (run.walker_file, record.walker_sha256),
        *((run.plugin_file(name), sha256) for name, sha256 in record.plugins_sha256.items()),
    ):
        found = artifacts.file_sha256(file)
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
