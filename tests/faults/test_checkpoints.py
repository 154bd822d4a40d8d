"""Checkpoints killed or out of disk while they are saved, and damaged afterwards: a run loses one interval at most."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checkpoint_files import unreadable
from resume.trainers import Prepare, assert_same, attempts, digests, kill
from stage_calls import train

from mimicrl import artifacts, faultpoints
from mimicrl.errors import MachineError
from mimicrl.faultpoints import POINTS, VARIABLE
from mimicrl.runs import Run
from mimicrl.training.checkpoints import store

# Of the four checkpoints of the tiny run, of 128 to 512 samples, the third is the first to have two before it.
SAVED, OLDER, OLDEST = 384, 256, 128
TRIED = {name: 3 for name in POINTS if name.startswith(("checkpoint.", "directory."))} | {"directory.trashed": 1}
# After these points the third checkpoint is complete and has its name; after the last ones the first is gone.
COMPLETE = ("directory.renamed", "checkpoint.saved", "directory.trashed", "checkpoint.pruned")


def directory(run: Run) -> Path:
    return run.training.checkpoints_directory


def valid(run: Run) -> list[int]:
    """The samples of the valid checkpoints, newest first."""
    found = []
    copy = run.path / "looked-at"
    shutil.copytree(directory(run), copy)
    while (newest := store.newest(copy, run.fingerprint)[0]) is not None:
        found.append(newest.samples)
        shutil.rmtree(newest.path)
    shutil.rmtree(copy)
    return found


def left_over(run: Run) -> list[Path]:
    return [path for path in run.path.rglob("*") if artifacts.is_leftover(path)]


def expected(name: str) -> list[int]:
    """The samples of the checkpoints that are valid after a fault at a point, newest first."""
    if name not in COMPLETE:
        return [OLDER, OLDEST]
    return [SAVED, OLDER] if name in COMPLETE[2:] else [SAVED, OLDER, OLDEST]


@pytest.mark.fault(2)
@pytest.mark.parametrize("name", TRIED)
def test_a_kill_while_saving(prepare: Prepare, trained_run: Run, tmp_path: Path, name: str) -> None:
    run = prepare(tmp_path / "run")
    kill(run, f"{name}:kill:{TRIED[name]}")
    assert store.newest(directory(run), run.fingerprint)[1] == [], "what is not complete has no name yet"
    assert valid(run) == expected(name)
    assert bool(left_over(run)) == (name not in ("checkpoint.saved", "checkpoint.pruned", "directory.renamed"))
    train(run, resume="must", cores=1)
    assert left_over(run) == []
    newest = expected(name)[0]
    assert attempts(run) == [(0, newest, "killed"), (newest, 512, "completed")]
    assert_same(run, trained_run)


# One point at which nothing is complete, one at which the new checkpoint has its name, and one of removing an old one.
@pytest.mark.fault(4)
@pytest.mark.parametrize("name", ["checkpoint.tensors", "directory.renamed", "directory.trashed"])
def test_a_full_disk_while_saving(
    prepare: Prepare, trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run = prepare(tmp_path / "run")
    monkeypatch.setattr(faultpoints, "_reached", Counter())
    with monkeypatch.context() as patch:
        patch.setenv(VARIABLE, f"{name}:raise:{TRIED[name]}")
        with pytest.raises(MachineError, match=os.strerror(errno.ENOSPC)) as caught:
            train(run, cores=1)
    told = directory(run) / f"step-{OLDEST if name == 'directory.trashed' else SAVED:012d}"
    assert str(caught.value).startswith(f"the disk is full — {told} — got ")
    assert valid(run) == expected(name)
    assert attempts(run) == [(0, SAVED, "the disk is full")]
    train(run, resume="must", cores=1)
    assert left_over(run) == []
    assert_same(run, trained_run)


@pytest.mark.fault(7)
@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
def test_a_damaged_file_costs_one_interval_and_a_warning_and_is_set_aside(
    mimicrl: Any, copied_run: Run, trained_run: Run, name: str
) -> None:
    damaged = directory(copied_run) / "step-000000000512" / name
    content = damaged.read_bytes()[:-40]
    damaged.write_bytes(content)
    done = mimicrl("train", copied_run.path, "--cores", 1)
    assert done.code == 0
    (warning,) = (line for line in done.err.splitlines() if "warning" in line)
    assert str(damaged) in warning
    assert warning.startswith("warning: going on from an older checkpoint: ")
    assert attempts(copied_run)[-1][0] == 384
    assert (directory(copied_run) / "aside-step-000000000512" / name).read_bytes() == content
    assert valid(copied_run) == [512, 384]
    assert_same(copied_run, trained_run)


@pytest.fixture
def untouched(copied_run: Run) -> Iterator[None]:
    """Checks that the test leaves the training as it is."""
    before = digests(copied_run.training.path)
    yield
    assert digests(copied_run.training.path) == before


@pytest.mark.fault(9)
@pytest.mark.parametrize("resume", [[], ["--resume", "must"]], ids=["auto", "must"])
def test_when_none_is_valid_each_is_told_and_nothing_is_touched(
    mimicrl: Any, copied_run: Run, resume: list[str]
) -> None:
    (directory(copied_run) / "step-000000000512" / "manifest.json").write_text("[]")
    os.truncate(directory(copied_run) / "step-000000000384" / "state.json", 7)
    before = digests(copied_run.training.path)
    done = mimicrl("train", copied_run.path, "--cores", 1, *resume)
    assert done.code == 3
    assert done.last.startswith(f"mimicrl train: no checkpoint can be read — {directory(copied_run)} — got ")
    assert done.last.endswith(" — start from zero with --resume never")
    for told in ("a checkpoint's manifest is damaged", "000512", "a checkpoint's file was cut", "000384"):
        assert told in done.last
    assert digests(copied_run.training.path) == before


@pytest.mark.fault(11)
def test_a_checkpoint_of_another_configuration_is_not_gone_on_from(
    mimicrl: Any, prepare: Prepare, copied_run: Run, tmp_path: Path
) -> None:
    other = prepare(tmp_path / "other", training={"gamma": 0.9})
    shutil.copytree(directory(copied_run), directory(other))
    before = digests(other.training.path)
    done = mimicrl("train", other.path, "--cores", 1)
    assert done.code == 3
    assert done.last.count(f"a checkpoint of another fingerprint — {directory(other)}") == 2
    assert done.last.count(f"got {copied_run.fingerprint}, expected {other.fingerprint}") == 2
    assert digests(other.training.path) == before


@pytest.mark.fault(12)
@pytest.mark.usefixtures("untouched")
def test_a_checkpoint_of_another_program_is_refused_by_name(
    mimicrl: Any, copied_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FORMAT", store.FORMAT + 1)
    done = mimicrl("train", copied_run.path, "--cores", 1)
    assert done.code == 3
    assert done.last.count(f"a checkpoint of another format — {directory(copied_run)}") == 2
    assert f"got {store.FORMAT - 1}, expected {store.FORMAT}" in done.last


@pytest.mark.usefixtures("untouched")
def test_a_checkpoint_that_does_not_fit_the_simulation_is_refused_by_name(
    mimicrl: Any, copied_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mimicrl.mdp.step import MimicBatch

    get_state = MimicBatch.get_state
    monkeypatch.setattr(MimicBatch, "get_state", lambda self: get_state(self) | {"more": self.phase.copy()})
    done = mimicrl("train", copied_run.path, "--cores", 1)
    told = (
        f"a checkpoint does not fit this training — {directory(copied_run)}/step-000000000512 — got environments.more"
    )
    assert done.code == 3
    assert done.last.startswith(f"mimicrl train: {told} nothing, expected float64 (4,) — start from zero")


@pytest.mark.fault(9)
@pytest.mark.parametrize("place", ["", "step-000000000512/state.json", "step-000000000512/manifest.json"])
def test_one_that_cannot_be_read_now_stops_the_training_and_is_not_touched(
    mimicrl: Any, copied_run: Run, trained_run: Run, place: str
) -> None:
    before = digests(copied_run.training.path)
    with pytest.MonkeyPatch.context() as patch:
        unreadable(patch, directory(copied_run) / place, errno.EIO)
        done = mimicrl("train", copied_run.path, "--cores", 1)
    assert done.code == 5
    told = f"a checkpoint cannot be read — {directory(copied_run) / place} — got Input/output error — check the disk"
    assert done.last.startswith(f"mimicrl train: {told}")
    assert digests(copied_run.training.path) == before
    train(copied_run, resume="must", cores=1)
    assert attempts(copied_run)[-1][0] == 512
    assert_same(copied_run, trained_run)


def test_leftovers_of_a_killed_training_are_swept_and_those_of_others_are_not(copied_run: Run) -> None:
    own, others = copied_run.training.path, copied_run.path
    swept = [
        *(own / name for name in (".tmp-0123abcd-attempt.json", "checkpoints/.tmp-0123abcd-step-000000000640/a")),
        *(own / name for name in ("policies/init/.tmp-0123abcd-policy.json", "diverged/.tmp-0123abcd-000.npy")),
        *(others / name for name in ("policies/final/.tmp-0123abcd-policy.json", ".tmp-0123abcd-outcome.json")),
        *(others / name for name in (".tmp-0123abcd-metrics.parquet", "provenance/.tmp-0123abcd-train.json")),
    ]
    kept = [others / name for name in (".tmp-0123abcd-episodes.parquet", "provenance/.tmp-0123abcd-evaluate.json")]
    for path in (*swept, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    train(copied_run, cores=1)
    assert set(left_over(copied_run)) == set(kept), "an evaluation may be writing beside it"
