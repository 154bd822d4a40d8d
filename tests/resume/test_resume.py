"""A training that was interrupted, damaged or extended ends with the bits of one that was not."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from checkpoint_files import change_state
from resume.trainers import Prepare, assert_same, checkpoints, digests, saved
from stage_calls import prepare_run, train

from mimicrl import artifacts, faultpoints
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.runs import Run
from mimicrl.training.checkpoints import platforms
from mimicrl.training.reporting.json_lines import read_json_lines
from mimicrl.training.trainer import Trainer


def test_a_longer_budget_extends(prepare: Prepare, tiny: Any, tmp_path: Path) -> None:
    half, whole = ({"total_timesteps": total} for total in (384, 768))
    run = prepare(tmp_path / "run", training=half)
    train(run, cores=1)
    extended = prepare_run(tiny(training=whole), tmp_path, run.path)
    assert extended.fingerprint == run.fingerprint
    assert train(extended, cores=1).samples == 768
    at_once = prepare(tmp_path / "at_once", training=whole)
    train(at_once, cores=1)
    assert_same(extended, at_once)


# Of the checkpoints of 384 and 512 samples, the older one would do for a budget of 384; the newer one would be lost.
@pytest.mark.parametrize(("budget", "resume"), [(128, "must"), (384, "auto")])
def test_a_shorter_budget_than_the_training_took_is_refused(
    tiny: Any, copied_run: Run, trained_run: Run, tmp_path: Path, budget: int, resume: str
) -> None:
    shorter = prepare_run(tiny(training={"total_timesteps": budget}), tmp_path, copied_run.path)
    assert shorter.fingerprint == trained_run.fingerprint
    before = digests(shorter.training.path)
    message = (
        r"^the training has gone further than its budget — .*/checkpoints — got total_timesteps "
        rf"{budget} — raise total_timesteps, or start from zero with --resume never$"
    )
    with pytest.raises(ConfigError, match=message):
        train(shorter, resume=resume, cores=1)
    assert digests(shorter.training.path) == before, "the longer training is all there"
    again = prepare_run(tiny(), tmp_path, copied_run.path)
    assert train(again, cores=1).samples == 512
    assert_same(again, trained_run)


def test_a_shorter_budget_starts_from_nothing_when_asked_to(
    prepare: Prepare, tiny: Any, copied_run: Run, tmp_path: Path
) -> None:
    shorter = prepare_run(tiny(training={"total_timesteps": 128}), tmp_path, copied_run.path)
    assert train(shorter, resume="never", cores=1).samples == 128
    assert saved(shorter) == [128]
    at_once = prepare(tmp_path / "at_once", training={"total_timesteps": 128})
    train(at_once, cores=1)
    assert_same(shorter, at_once)


def test_a_finished_run_stays_as_it_is(copied_run: Run, trained_run: Run) -> None:
    train(copied_run, cores=1)
    assert_same(copied_run, trained_run)


@pytest.mark.parametrize("samples", [0, 128])
def test_starting_anew_removes_every_checkpoint_before_the_first_step(
    copied_run: Run, monkeypatch: pytest.MonkeyPatch, samples: int
) -> None:
    checkpoints(copied_run)[0].rename(checkpoints(copied_run)[0].with_name(f"step-{samples:012d}"))
    monkeypatch.setenv(faultpoints.VARIABLE, "train.step:raise:1")
    monkeypatch.setattr(faultpoints, "_reached", Counter())
    with pytest.raises(OSError, match="No space"):
        train(copied_run, resume="never", cores=1)
    assert checkpoints(copied_run) == []
    for name in ("metrics", "evaluations"):
        assert read_json_lines(copied_run.training.path / f"{name}.jsonl") == []


@pytest.mark.parametrize("damaged", [False, True])
def test_a_run_started_anew_and_killed_does_not_fall_back_into_the_old_history(
    copied_run: Run, trained_run: Run, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    if damaged:
        for path in checkpoints(copied_run):
            os.truncate(path / "tensors.safetensors", 100)
    reach = Trainer._at_boundary

    def killed(self: Trainer) -> None:
        reach(self)
        if self._model.num_timesteps == 128:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_at_boundary", killed)
        with pytest.raises(KeyboardInterrupt):
            train(copied_run, resume="never", cores=1)
    assert saved(copied_run) == [128]
    train(copied_run, cores=1)
    assert_same(copied_run, trained_run)


def test_continuing_needs_a_checkpoint_when_asked_to(prepare: Prepare, tmp_path: Path) -> None:
    message = r"^there is no checkpoint to continue from — .*/checkpoints — run without --resume must$"
    with pytest.raises(ArtifactError, match=message):
        train(prepare(tmp_path / "run"), resume="must", cores=1)


@pytest.mark.fault(49)
def test_another_machine_is_told_once(copied_run: Run, trained_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = {"CPU": "Babbage 1", "numpy": "1.0"}
    for path in checkpoints(copied_run):
        change_state(path, lambda state: state["platforms"][0].update(elsewhere))
    shutil.rmtree(checkpoints(copied_run)[-1])
    train(copied_run, cores=1)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    here = platforms.describe()
    changes = f"CPU Babbage 1, now {here['CPU']}; numpy 1.0, now {here['numpy']}"
    assert warnings == [f"warning: bitwise promise void: {changes}"]
    told = artifacts.read_json(checkpoints(copied_run)[-1] / "state.json")["platforms"]
    assert [known["CPU"] for known in told] == ["Babbage 1", here["CPU"]]
    train(copied_run, cores=1)
    assert "warning: " not in capsys.readouterr().err
    assert_same(copied_run, trained_run)
