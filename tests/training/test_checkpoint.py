"""Checkpoints: a state written and restored is the same to the last bit, and damage is noticed."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mimicrl.mimic.task import Task
from mimicrl.training import checkpoint, vec_envs
from mimicrl.training.ppo import MimicPPO


@pytest.fixture(scope="module")
def learners(prepare, tmp_path_factory: pytest.TempPathFactory) -> list[MimicPPO]:
    """Two learners of one run, from different seeds; the first has learned a little."""
    run = prepare(tmp_path_factory.mktemp("checkpoint") / "run")
    models = []
    for seed in (1, 2):
        environments = vec_envs.make(run, Task.of_run(run), 1)
        environments.seed(seed)
        models.append(MimicPPO(run.config.training, environments, seed))
    models[0].learn(256)
    return models


@pytest.fixture
def saved(learners: list[MimicPPO], tmp_path: Path) -> Path:
    """A folder with checkpoints of 128, 256 and 384 samples, of which two are left."""
    model, samples = learners[0], learners[0].num_timesteps
    for model.num_timesteps in (128, 256, 384):
        checkpoint.save(tmp_path / "checkpoints", model, {"seconds": 1.5})
    model.num_timesteps = samples
    return tmp_path / "checkpoints"


def draw() -> list[float]:
    """One number of each global generator."""
    return [random.random(), np.random.random(), float(torch.rand(()))]  # noqa: NPY002


def draw_normal() -> tuple[float, float]:
    return random.gauss(0, 1), float(np.random.standard_normal())  # noqa: NPY002


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def damage(path: Path, how: str) -> None:
    tensors = path / "tensors.safetensors"
    if how == "cut":
        tensors.write_bytes(tensors.read_bytes()[:-1])
    elif how == "changed":
        data = bytearray(tensors.read_bytes())
        data[len(data) // 2] ^= 1
        tensors.write_bytes(data)
    elif how == "lost":
        tensors.unlink()
    elif how == "unfinished":
        (path / "manifest.json").unlink()
    elif how == "garbled":
        (path / "manifest.json").write_text("{")
    else:
        (path / "manifest.json").write_text(json.dumps({"format": 99}))


DAMAGE = {
    "cut": "a checkpoint's file was cut — .*tensors.safetensors — got .* bytes, expected",
    "changed": "a checkpoint's file was changed — .*tensors.safetensors — got another sha256",
    "lost": "a checkpoint is incomplete — .*tensors.safetensors — got No such file",
    "unfinished": "cannot be read — .*manifest.json — got No such file",
    "garbled": "not valid JSON — .*manifest.json",
    "format": "unknown checkpoint format — .* — got 99, expected 1",
}


def test_the_last_two_are_kept(saved: Path) -> None:
    assert names(saved) == ["step-000000000256", "step-000000000384"]
    assert names(saved / "step-000000000384") == ["manifest.json", "state.json", "tensors.safetensors"]


def test_restoring_gives_back_everything_bitwise(learners: list[MimicPPO], tmp_path: Path) -> None:
    one, other = learners
    path = checkpoint.save(tmp_path, one, {"offsets": {"metrics": 7}})
    drawn = draw()
    found, problems = checkpoint.newest(tmp_path)
    assert found is not None and problems == [] and found.path == path
    assert (found.samples, found.state["extra"]) == (one.num_timesteps, {"offsets": {"metrics": 7}})
    checkpoint.restore(found, other)
    assert draw() == drawn
    checkpoint.restore(found, other)
    again = checkpoint.save(tmp_path / "again", other, {"offsets": {"metrics": 7}})
    for file in ("tensors.safetensors", "state.json", "manifest.json"):
        assert (path / file).read_bytes() == (again / file).read_bytes(), file


@pytest.mark.parametrize("spare", [False, True], ids=["none in store", "one in store"])
def test_normal_numbers_that_were_drawn_in_pairs_go_on_where_they_were(
    learners: list[MimicPPO], tmp_path: Path, spare: bool
) -> None:
    # Both generators make normal numbers two at a time and keep the second for the next call.
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    for _ in range(1 + (not spare)):
        draw_normal()
    assert np.random.get_state(legacy=False)["has_gauss"] == spare  # noqa: NPY002
    path = checkpoint.save(tmp_path, learners[0], {})
    drawn = [draw_normal() for _ in range(3)]
    found, _ = checkpoint.newest(tmp_path)
    assert found is not None and found.path == path
    draw_normal()
    checkpoint.restore(found, learners[1])
    assert [draw_normal() for _ in range(3)] == drawn


def test_an_absent_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoint.newest(tmp_path / "none") == (None, [])


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_told_and_the_older_one_taken(saved: Path, how: str) -> None:
    damage(saved / "step-000000000384", how)
    found, problems = checkpoint.newest(saved)
    assert found is not None and found.samples == 256
    assert len(problems) == 1
    assert re.search(DAMAGE[how], problems[0])


def test_all_damage_is_told(saved: Path) -> None:
    damage(saved / "step-000000000384", "cut")
    damage(saved / "step-000000000256", "changed")
    found, problems = checkpoint.newest(saved)
    assert found is None and ["cut" in problems[0], "changed" in problems[1]] == [True, True]


def test_what_an_interrupted_write_left_is_no_checkpoint(saved: Path, monkeypatch, learners: list[MimicPPO]) -> None:
    def full(_: Any) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(
        checkpoint.artifacts, "json_bytes", lambda value: b"{}" if "num_timesteps" in value else full(0)
    )
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(saved, learners[0], {})
    assert names(saved) == ["step-000000000256", "step-000000000384"]


def test_checkpoints_beyond_the_start_are_removed(saved: Path) -> None:
    checkpoint.remove_newer(saved, 256)
    assert names(saved) == ["step-000000000256"]
    checkpoint.remove_newer(saved, 0)
    assert names(saved) == []
