"""A training that was interrupted, damaged or extended ends with the bits of one that was not."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from checkpoint_files import change_state
from resume.trainers import assert_same, checkpoints
from stage_calls import prepare_run, train

from mimicrl import artifacts, faultpoints
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.runs import Run
from mimicrl.training.checkpoints import machines
from mimicrl.training.logs import read_json_lines
from mimicrl.training.trainer import Trainer


def state(run: Run) -> dict[Path, str]:
    """What the files of the training hold."""
    files = (path for path in run.training.path.rglob("*") if path.is_file())
    return {path: artifacts.file_sha256(path) for path in files}


@pytest.mark.parametrize("kind", ["batched", "dummy"])
def test_a_longer_budget_extends(prepare, tiny, tmp_path: Path, kind: str) -> None:
    half, whole = ({"total_timesteps": total, "vec_env": kind} for total in (384, 768))
    run = prepare(tmp_path / "run", training=half)
    train(run, cores=1)
    extended = prepare_run(tiny(training=whole), tmp_path, run.path)
    assert extended.fingerprint == run.fingerprint
    assert train(extended, cores=1).samples == 768
    at_once = prepare(tmp_path / "at_once", training=whole)
    train(at_once, cores=1)
    assert_same(extended, at_once)


# Of the checkpoints of 384 and 512 samples that are kept, the older one would do for a budget of 384, but the newer
# one would be lost.
@pytest.mark.parametrize(("budget", "resume"), [(128, "auto"), (128, "must"), (384, "auto")])
def test_a_shorter_budget_than_the_training_took_is_refused(
    tiny, trained_run: Run, tmp_path: Path, budget: int, resume: Any
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    shorter = prepare_run(tiny(training={"total_timesteps": budget}), tmp_path, run.path)
    assert shorter.fingerprint == trained_run.fingerprint
    before = state(shorter)
    message = (
        r"^the training has gone further than its budget — .*/checkpoints — got total_timesteps "
        rf"{budget} — raise total_timesteps, or start from nothing with --resume never$"
    )
    with pytest.raises(ConfigError, match=message):
        train(shorter, resume=resume, cores=1)
    assert state(shorter) == before, "the longer training is all there"
    again = prepare_run(tiny(), tmp_path, run.path)
    assert train(again, cores=1).samples == 512
    assert_same(again, trained_run)


def test_a_shorter_budget_starts_from_nothing_when_asked_to(prepare, tiny, trained_run: Run, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    shorter = prepare_run(tiny(training={"total_timesteps": 128}), tmp_path, run.path)
    assert train(shorter, resume="never", cores=1).samples == 128
    assert [path.name for path in checkpoints(shorter)] == ["step-000000000128"]
    at_once = prepare(tmp_path / "at_once", training={"total_timesteps": 128})
    train(at_once, cores=1)
    assert_same(shorter, at_once)


def test_a_finished_run_stays_as_it_is(prepare, trained_run: Run, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    train(run, cores=1)
    assert_same(run, trained_run)


@pytest.fixture
def damaged(trained_run: Run, tmp_path: Path) -> Run:
    """A finished run whose newest checkpoint, of 512 samples, was cut; one of 384 is left."""
    run = Run(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    cut(checkpoints(run)[-1])
    return run


def cut(path: Path) -> None:
    os.truncate(path / "tensors.safetensors", 100)


def test_a_damaged_checkpoint_falls_back_to_the_older_and_says_so(
    damaged: Run, trained_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    train(damaged, cores=1)
    assert read_json_lines(damaged.training.attempts_file)[-1]["from"] == 384
    assert_same(damaged, trained_run)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert "a checkpoint's file was cut" in warnings[0] and "step-000000000512" in warnings[0]


@pytest.mark.fault(9)
def test_when_all_checkpoints_are_damaged_nothing_is_overwritten(damaged: Run) -> None:
    cut(checkpoints(damaged)[0])
    before = state(damaged)
    message = (
        r"^no checkpoint can be read — .*/checkpoints — got .*000512.*; .*000384.* — start .* with --resume never$"
    )
    with pytest.raises(ArtifactError, match=message):
        train(damaged, cores=1)
    assert state(damaged) == before


def test_starting_anew_ignores_and_removes_what_was_there(damaged: Run, trained_run: Run) -> None:
    cut(checkpoints(damaged)[0])
    train(damaged, resume="never", cores=1)
    assert read_json_lines(damaged.training.attempts_file)[-1]["from"] == 0
    assert_same(damaged, trained_run)


@pytest.mark.parametrize("samples", [0, 128])
def test_starting_anew_removes_every_checkpoint_before_the_first_step(
    trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: int
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    checkpoints(run)[0].rename(checkpoints(run)[0].with_name(f"step-{samples:012d}"))
    monkeypatch.setenv(faultpoints.VARIABLE, "train.step:raise:1")
    monkeypatch.setattr(faultpoints, "_reached", Counter())
    with pytest.raises(OSError, match="No space"):
        train(run, resume="never", cores=1)
    assert checkpoints(run) == []
    for name in ("metrics", "evaluations"):
        assert read_json_lines(run.training.path / f"{name}.jsonl") == []


def test_a_run_started_anew_and_killed_does_not_fall_back_into_the_old_history(
    prepare, trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    reach = Trainer._at_boundary

    def killed(self: Trainer) -> None:
        reach(self)
        if self._model.num_timesteps == 128:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_at_boundary", killed)
        with pytest.raises(KeyboardInterrupt):
            train(run, resume="never", cores=1)
    assert [path.name for path in checkpoints(run)] == ["step-000000000128"]
    train(run, cores=1)
    assert_same(run, trained_run)


def test_continuing_needs_a_checkpoint_when_asked_to(prepare, tmp_path: Path) -> None:
    message = r"^there is no checkpoint to continue from — .*/checkpoints — run without --resume must$"
    with pytest.raises(ArtifactError, match=message):
        train(prepare(tmp_path / "run"), resume="must", cores=1)


@pytest.mark.fault(49)
def test_another_machine_is_told_once(
    trained_run: Run, prepare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    elsewhere = {"CPU": "Babbage 1", "numpy": "1.0"}
    for path in checkpoints(run):
        change_state(path, lambda state: state["extra"]["machines"][0].update(elsewhere))
    shutil.rmtree(checkpoints(run)[-1])
    train(run, cores=1)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    here = machines.describe()
    changes = f"CPU Babbage 1, now {here['CPU']}; numpy 1.0, now {here['numpy']}"
    assert warnings == [f"warning: bitwise promise void: {changes}"]
    told = artifacts.read_json(checkpoints(run)[-1] / "state.json")["extra"]["machines"]
    assert [known["CPU"] for known in told] == ["Babbage 1", here["CPU"]]
    train(run, cores=1)
    assert "warning: " not in capsys.readouterr().err
    assert_same(run, trained_run)
