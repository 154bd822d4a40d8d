"""A history that is damaged, or shorter than the checkpoints know, is told before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from resume.trainers import Prepare, checkpoints, digests
from stage_calls import prepare_run, train

from mimicrl.training.reporting.json_lines import read_json_lines


@pytest.mark.fault(54)
@pytest.mark.parametrize(
    ("name", "damage"),
    [("metrics", "gone"), ("evaluations", "cut"), ("metrics", "torn"), ("evaluations", "overwritten")],
)
def test_a_history_that_is_damaged_is_told_before_anything_is_trained(
    mimicrl: Any, prepare: Prepare, tiny: Any, tmp_path: Path, name: str, damage: str
) -> None:
    run = prepare(tmp_path / "run", training={"total_timesteps": 256})
    train(run, cores=1)
    run = prepare_run(tiny(), tmp_path, run.path)
    file = run.training.path / f"{name}.jsonl"
    whole = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        size = len(whole)
        content = {"cut": b"", "torn": whole[: size // 2], "overwritten": whole[: size // 2] + size * b"\x00"}
        file.write_bytes(content[damage])
    before = digests(checkpoints(run)[-1])
    what = "the training's history is damaged" if damage == "overwritten" else "a part of the training's history is"
    for _ in range(2):
        done = mimicrl("train", run.path, "--cores", 1)
        assert done.code == 3
        assert done.last.startswith(f"mimicrl train: {what}")
        assert str(file) in done.last
        assert done.last.endswith(" — restore the file, or start from zero with --resume never")
    assert digests(checkpoints(run)[-1]) == before
    file.write_bytes(whole)
    assert train(run, resume="must", cores=1).samples == 512
    assert [row["samples"] for row in read_json_lines(run.training.metrics_file)] == [128, 256, 384, 512]
