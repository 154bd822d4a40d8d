"""Callbacks: when evaluations and checkpoints happen, what is best, what first success is, how a signal stops."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.logger import Logger

from mimicrl import artifacts
from mimicrl.errors import Interrupted
from mimicrl.evaluation.rollout import Episodes
from mimicrl.mimic.task import Task
from mimicrl.mimic.terminations import Reason
from mimicrl.runs import RunDirectory
from mimicrl.training import callbacks
from mimicrl.training.callbacks import (
    BoundaryCallback,
    CheckpointCallback,
    EpisodeCallback,
    EvaluationCallback,
    Stopwatch,
)
from mimicrl.training.logs import JsonLines, TensorBoardWriter, Terminal, read_json_lines

EPISODES, INTERVAL = 4, 256


class _FakePolicy:
    """Writes down which samples it is of."""

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "samples").write_text(str(self.samples))


def episodes(stable: int, reward: float) -> Episodes:
    """Four episodes of which `stable` went far enough."""
    ones = np.ones(EPISODES)
    return Episodes(
        start_phase=np.arange(EPISODES) / EPISODES,
        duration_s=0.5 * ones,
        reason=np.where(np.arange(EPISODES) < stable, Reason.TIME, Reason.FALL),
        distance_m=ones,
        lateral_drift_m=0 * ones,
        reward=reward * ones,
        terms=np.full((EPISODES, 4), reward / 4),
        joint_error_rad=np.zeros((EPISODES, 8)),
        upright=ones,
    )


class _Evaluations:
    """An evaluation callback whose evaluations come out as told."""

    def __init__(self, run: RunDirectory, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any] | None = None) -> None:
        self.run, self.starts, self.results = run, [], []
        monkeypatch.setattr(callbacks, "roll_out", self._roll_out)
        self.lines = JsonLines(run.training_directory / "evaluations.jsonl")
        terminal = Terminal(run.config, 0)
        self.callback = EvaluationCallback(run, Task.of_run(run), {}, self.lines, terminal, 1, Stopwatch(), state)
        model: Any = SimpleNamespace(logger=Logger(None, []), export=lambda about: _FakePolicy(about["samples"]))
        self.callback.model = model

    def _roll_out(self, policy: Any, batch: Any, phases: np.ndarray) -> Episodes:
        self.starts.append(phases)
        return self.results.pop(0)

    def at(self, samples: int, stable: int = 0, reward: float = 0.5) -> None:
        self.results = [episodes(stable, reward)]
        self.callback.num_timesteps = samples
        self.callback.at_boundary()

    def best(self) -> int:
        return int((self.run.policy_directory("best") / "samples").read_text())


@pytest.fixture
def evaluations(prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Evaluations:
    return _Evaluations(prepare(tmp_path / "run"), monkeypatch)


def test_evaluations_happen_once_an_interval(evaluations: _Evaluations) -> None:
    for samples in (0, 128, 255, 256, 256, 384, 512, 600, 767, 768):
        evaluations.at(samples)
    assert [row["samples"] for row in read_json_lines(evaluations.lines.path)] == [256, 512, 768]


def test_intervals_passed_at_once_count_as_one(evaluations: _Evaluations) -> None:
    for samples in (1000, 1023, 1024):
        evaluations.at(samples)
    assert [row["samples"] for row in read_json_lines(evaluations.lines.path)] == [1000, 1024]


@pytest.mark.parametrize("stride", [256, 512, 768])
def test_starts_alternate_however_many_intervals_a_rollout_takes(evaluations: _Evaluations, stride: int) -> None:
    for number in range(1, 6):
        evaluations.at(number * stride)
    first, second = np.arange(EPISODES) / EPISODES, (np.arange(EPISODES) + 0.5) / EPISODES
    for number, starts in enumerate(evaluations.starts):
        np.testing.assert_array_equal(starts, second if number % 2 else first)


@pytest.mark.parametrize(
    ("stable", "first_success"),
    [
        ([4, 4, 4], 256),
        ([0, 4, 4], 512),
        ([4, 3, 4, 4], 768),
        ([4, 0, 4, 0, 4], None),
        ([3, 3, 3], None),
        ([0, 0, 4], None),
        ([4, 4, 0, 4, 4], 256),
    ],
)
def test_first_success_is_the_first_of_two_full_evaluations_in_a_row(
    evaluations: _Evaluations, stable: list[int], first_success: int | None
) -> None:
    for number, count in enumerate(stable, start=1):
        evaluations.at(number * INTERVAL, count)
    assert evaluations.callback.state["first_success"] == first_success


@pytest.mark.parametrize(
    ("results", "best"),
    [
        ([(0, 0.1)], 1),
        ([(2, 0.9), (3, 0.1)], 2),
        ([(3, 0.1), (2, 0.9)], 1),
        ([(3, 0.1), (3, 0.2)], 2),
        ([(3, 0.2), (3, 0.1)], 1),
        ([(3, 0.2), (3, 0.2)], 1),
        ([(0, 0.1), (4, 0.3), (4, 0.5), (4, 0.4)], 3),
    ],
)
def test_best_is_the_most_stable_then_the_most_rewarded(
    evaluations: _Evaluations, results: list[tuple[int, float]], best: int
) -> None:
    for number, result in enumerate(results, start=1):
        evaluations.at(number * INTERVAL, *result)
    assert evaluations.best() == best * INTERVAL == evaluations.callback.state["best"]["samples"]


def test_the_state_carries_an_evaluation_on(evaluations: _Evaluations, prepare, tmp_path: Path, monkeypatch) -> None:
    evaluations.at(256, 2, 0.9)
    evaluations.at(512, 4)
    other = _Evaluations(prepare(tmp_path / "other"), monkeypatch, dict(evaluations.callback.state))
    other.at(512, 4)  # done already
    other.at(768, 4)
    assert other.callback.state["first_success"] == 512
    assert len(other.starts) == 1 and other.starts[0][0] == 0


@pytest.fixture
def checkpoints(evaluations: _Evaluations, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A checkpoint callback that notes when it saves; its run's interval is 128 samples."""
    run = evaluations.run
    callback = CheckpointCallback(
        run, evaluations.callback, {"evaluations": evaluations.lines}, Terminal(run.config, 0), Stopwatch(7.0), 0
    )
    writers: list[Any] = []
    callback.model = SimpleNamespace(  # type: ignore[assignment]
        ep_info_buffer=[{"l": 3}, {"l": 5}], logger=Logger(None, writers)
    )
    saved: list[tuple[int, dict[str, Any]]] = []

    def save(directory: Path, fingerprint: str, _: Any, extra: dict[str, Any]) -> None:
        assert fingerprint == run.fingerprint
        (directory / f"step-{callback.num_timesteps:012d}").mkdir(parents=True)
        saved.append((callback.num_timesteps, extra))

    monkeypatch.setattr(callbacks.checkpoint, "save", save)
    return SimpleNamespace(callback=callback, saved=saved, run=run, lines=evaluations.lines, writers=writers)


def reach(callback: BoundaryCallback, samples: int) -> None:
    callback.num_timesteps = samples
    callback.at_boundary()


def test_checkpoints_are_written_by_samples(checkpoints: Any) -> None:
    for samples in (0, 64, 127, 128, 129, 255, 300, 300, 1000):
        reach(checkpoints.callback, samples)
    assert [samples for samples, _ in checkpoints.saved] == [128, 300, 1000]


def test_checkpoints_are_written_by_time(checkpoints: Any, monkeypatch) -> None:
    monkeypatch.setattr(callbacks, "CHECKPOINT_SECONDS", -1.0)
    for samples in (1, 2, 2):
        reach(checkpoints.callback, samples)
    assert [samples for samples, _ in checkpoints.saved] == [1, 2]


def test_a_checkpoint_knows_the_files_and_the_time(checkpoints: Any) -> None:
    checkpoints.lines.append({"samples": 1})
    reach(checkpoints.callback, 128)
    extra = checkpoints.saved[0][1]
    assert extra["offsets"] == {"evaluations": checkpoints.lines.path.stat().st_size}
    assert extra["seconds"] >= 7.0 and extra["evaluation"]["count"] == 0
    assert extra["tensorboard"] == {}


def test_a_checkpoint_knows_the_length_of_tensorboards_file(checkpoints: Any, tmp_path: Path) -> None:
    writer = TensorBoardWriter(tmp_path / "tb", {})
    checkpoints.writers.append(writer)
    writer.write({"loss": 1.0}, {"loss": ()}, 128)
    reach(checkpoints.callback, 128)
    told = checkpoints.saved[0][1]["tensorboard"]
    writer.close()
    assert told == {file.name: file.stat().st_size for file in (tmp_path / "tb").iterdir()} and len(told) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)])
def test_a_signal_saves_at_the_next_boundary_and_stops(checkpoints: Any, number: signal.Signals, code: int) -> None:
    checkpoints.callback.request_stop(number)
    assert checkpoints.saved == [], "only at a boundary is the state complete"
    with pytest.raises(
        Interrupted, match=rf"^stopped by {number.name} — after 5 samples — run the same command again"
    ) as stopped:
        reach(checkpoints.callback, 5)
    assert stopped.value.exit_code == code
    assert [samples for samples, _ in checkpoints.saved] == [5]
    assert artifacts.read_json(checkpoints.run.progress_file)["state"] == "stopped"


def test_a_second_signal_leaves_at_once(checkpoints: Any, monkeypatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(callbacks.os, "_exit", codes.append)
    checkpoints.callback.request_stop(signal.SIGTERM)
    assert codes == []
    checkpoints.callback.request_stop(signal.SIGTERM)
    assert codes == [128 + signal.SIGTERM]


def test_progress_tells_how_far_it_is(checkpoints: Any) -> None:
    reach(checkpoints.callback, 100)
    progress = artifacts.read_json(checkpoints.run.progress_file)
    assert (progress["state"], progress["samples"], progress["total_timesteps"]) == ("running", 100, 512)
    assert progress["steps_per_s"] > 0 and progress["eta_s"] is not None and progress["last_evaluation"] is None


def test_the_stopwatch_goes_on_from_earlier_attempts_whatever_the_clock_on_the_wall(monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(callbacks.time, "time", lambda: -1e9)
    first = Stopwatch()
    now[0] += 5.0
    second = Stopwatch(first.seconds)
    now[0] += 2.5
    assert (first.seconds, second.seconds) == (7.5, 7.5)


def test_progress_before_the_first_step_has_no_estimate(checkpoints: Any) -> None:
    reach(checkpoints.callback, 0)
    assert artifacts.read_json(checkpoints.run.progress_file)["eta_s"] is None


@pytest.fixture
def watched(tmp_path: Path) -> EpisodeCallback:
    """A callback at the start of a training."""
    callback = EpisodeCallback(tmp_path / "diverged")
    callback.model = SimpleNamespace(logger=Logger(None, []))  # type: ignore[assignment]
    callback._on_training_start()
    return callback


def test_episodes_are_summed_up_by_rollout(watched: EpisodeCallback) -> None:
    callback = watched
    terms = {"pose": 0.2, "velocity": 0.1, "end_effector": 0.1, "root": 0.3}
    callback.locals = {"infos": [{}, {"mimic": {"reason": "fall", **terms}}]}
    callback._on_step()
    callback.locals = {"infos": [{"mimic": {"reason": "time", **terms, "pose": 0.4}}, {}]}
    callback._on_step()
    callback._on_rollout_end()
    logged = dict(callback.logger.name_to_value)
    assert logged["reward/pose"] == pytest.approx(0.3) and logged["reward/root"] == pytest.approx(0.3)
    shares = {name: logged[f"rollout/ended_by_{name}"] for name in ("time", "tracking", "fall", "diverged")}
    assert shares == {"time": 0.5, "tracking": 0, "fall": 0.5, "diverged": 0}
    callback.logger.name_to_value.clear()
    callback._on_rollout_end()  # no episode ended
    assert not callback.logger.name_to_value


def diverge(callback: EpisodeCallback, samples: int, *environments: int) -> None:
    """Let episodes end whose last configurations tell samples and environment."""
    callback.num_timesteps = samples
    infos: list[dict[str, Any]] = [{} for _ in range(4)]
    for environment in environments:
        infos[environment] = {"trace": np.full((5, 15), samples + environment / 10)}
    callback.locals = {"infos": infos}
    callback._on_step()


def dumps(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "diverged").glob("*"))


def test_the_last_three_divergences_are_kept(watched: EpisodeCallback, tmp_path: Path) -> None:
    diverge(watched, 4, 1)
    diverge(watched, 8)
    assert dumps(tmp_path) == ["000000000004-environment-1.npy"]
    diverge(watched, 12, 0, 3)
    diverge(watched, 1000, 2)
    names = ["000000000012-environment-0.npy", "000000000012-environment-3.npy", "000000001000-environment-2.npy"]
    assert dumps(tmp_path) == names
    for name, content in zip(names, (12.0, 12.3, 1000.2), strict=True):
        rows = np.load(tmp_path / "diverged" / name, allow_pickle=False)
        assert rows.shape == (5, 15) and (rows == content).all()


def test_divergences_of_samples_that_are_taken_again_are_forgotten(watched: EpisodeCallback, tmp_path: Path) -> None:
    for samples in (128, 129, 300):
        diverge(watched, samples, 0)
    watched.num_timesteps = 128
    watched._on_training_start()
    assert dumps(tmp_path) == ["000000000128-environment-0.npy"]
    watched.num_timesteps = 0
    watched._on_training_start()
    assert dumps(tmp_path) == []
