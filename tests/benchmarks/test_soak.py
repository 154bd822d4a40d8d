"""The soak counts what must not happen: a trainer that fails by itself, one that leaves workers behind, other bits."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import soak
from benchmarks.soak import Soak, Storm, failed

FINE = Soak("batched", 512, kills=5, runs=1), Storm(kills=9)


@pytest.mark.parametrize(
    ("soaks", "storm", "expected"),
    [
        ([FINE[0]], FINE[1], False),
        ([FINE[0], replace(FINE[0], same=False)], FINE[1], True),
        ([FINE[0], replace(FINE[0], orphans=1)], FINE[1], True),
        ([FINE[0]], replace(FINE[1], orphans=1), True),
        ([FINE[0]], replace(FINE[1], lost=["other bits"]), True),
    ],
)
def test_what_must_not_happen_fails(soaks: list[Soak], storm: Storm, expected: bool) -> None:
    assert failed(soaks, storm) == expected


class _Trainers:
    """Stands for the processes of trainers, which end as told: None has to be killed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *ends: int | None, orphan: bool = False):
        self.left, self.orphan, self.started, self.bits = list(ends), orphan, 0, "the same"
        self.first_step_s, self.track = 1.0, [(0.0, 1.0, 1)]
        run = SimpleNamespace(
            path=tmp_path / "run", config=SimpleNamespace(training=SimpleNamespace(total_timesteps=9))
        )
        run.outcome_file = run.path / "outcome.json"
        clock = itertools.count()
        replaced = {
            "Trainer": self._start,
            "prepare": lambda *_, **__: run.path.mkdir(exist_ok=True) or run,
            "result": lambda _: self.bits,
            "checkpoint_seconds": lambda *_: 0.01,
            "samples_saved": lambda _: 3,
            "samples_trained": lambda _: 4,
            "_finish": lambda _: self,
            "time": SimpleNamespace(monotonic=lambda: next(clock)),
        }
        for name, stand_in in replaced.items():
            monkeypatch.setattr(soak, name, stand_in)
        monkeypatch.setattr(soak.artifacts, "read_json", lambda _: {"train_seconds": 2.0})

    def _start(self, _: Any) -> _Trainers:
        self.started += 1
        return self

    def live(self, *_: Any, **__: Any) -> int | None:
        return self.left.pop(0)

    def kill(self) -> bool:
        return self.orphan

    def last_words(self) -> str:
        return "its last words"


class _Most(random.Random):
    """Draws the most there is."""

    def randint(self, _: int, most: int) -> int:
        return most

    def uniform(self, _: float, most: float) -> float:
        return most


def storm_of(trainers: _Trainers, folder: Path) -> Storm:
    told = soak.storm(0.05, folder, _Most(1))
    assert (told.runs, trainers.left) == (1, []), "all were started and awaited"
    return told


def test_a_trainer_that_fails_by_itself_is_lost_and_no_other_one_is_started(tmp_path: Path, monkeypatch) -> None:
    trainers = _Trainers(monkeypatch, tmp_path, None, 3)
    told = storm_of(trainers, tmp_path)
    assert (told.lost, told.kills, trainers.started) == (["batched: exit code 3, its last words"], 1, 2)


def test_one_that_is_done_before_its_kill_is_started_once_more(tmp_path: Path, monkeypatch) -> None:
    told = storm_of(_Trainers(monkeypatch, tmp_path, None, None, 0, 0), tmp_path)
    assert (told.lost, told.kills) == ([], 2)


def test_a_storm_counts_orphans_and_other_bits(tmp_path: Path, monkeypatch) -> None:
    kills = soak.MOST_KILLS_A_STORM_RUN
    trainers = _Trainers(monkeypatch, tmp_path, *[None] * kills, 0, orphan=True)
    results = iter(["the same", "others"])
    monkeypatch.setattr(soak, "result", lambda _: next(results))
    told = storm_of(trainers, tmp_path)
    assert (told.lost, told.kills, told.orphans) == (["batched: other bits"], kills, kills)


def test_a_run_that_is_over_too_early_is_followed_by_another_until_all_kills_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainers = _Trainers(monkeypatch, tmp_path, None, 0, None, None, 0, None)
    told = soak.soak("batched", 4, tmp_path, random.Random(1), tiny=True)
    assert (told.kills, told.runs, told.same, trainers.left) == (4, 3, True, [])


def test_a_run_among_them_with_other_bits_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _Trainers(monkeypatch, tmp_path, None, 0, None)
    results = iter(["other bits", "the same", "the same", "the same"])
    monkeypatch.setattr(soak, "result", lambda _: next(results))
    assert not soak.soak("batched", 2, tmp_path, random.Random(1), tiny=True).same


def test_one_that_fails_by_itself_ends_the_soak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _Trainers(monkeypatch, tmp_path, None, 3)
    with pytest.raises(SystemExit, match="ended by itself with 3, its last words"):
        soak.soak("batched", 4, tmp_path, random.Random(1), tiny=True)
