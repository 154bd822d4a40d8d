"""Which files belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from mimicrl.errors import ArtifactError
from mimicrl.runs import Run, identity


@pytest.mark.parametrize("name", ["config.yaml", "motion.npz", "walker/walker.xml", "walker/walker.yaml"])
def test_an_edited_file_is_noticed(prepare, tmp_path: Path, name: str) -> None:
    run = prepare(tmp_path / "run")
    assert identity.verify(run).fingerprint == run.fingerprint
    file = run.path / name
    file.write_bytes(file.read_bytes() + b"\n")
    place, change = name.split("/")[0], r"got sha256 .{12}…, expected .{12}… — run mimicrl init"
    with pytest.raises(ArtifactError, match=rf"^a file of the run was changed — .*{place} — {change}"):
        identity.verify(Run(run.path))


def test_a_run_that_was_initialised_again_is_not_the_one_that_was_read(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    assert identity.verify(run).fingerprint == run.fingerprint
    again = prepare(run.path, training={"gamma": 0.9})
    with pytest.raises(ArtifactError) as caught:
        identity.verify(run)
    assert str(caught.value) == (
        f"the run was initialised again, or by another version of the program — {run.run_file} — "
        f"got fingerprint {again.fingerprint}, expected {run.fingerprint} — "
        "run the same command again; if that does not help, mimicrl init"
    )
    assert identity.verify(again).fingerprint == again.fingerprint
