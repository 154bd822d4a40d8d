"""When checkpoints are written, what they know besides the learner, and where a signal stops."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.logger import Logger

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, Interrupted
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training import checkpoint, saving
from mimicrl.training.checkpoint import Checkpoint
from mimicrl.training.evaluation import EvaluationState
from mimicrl.training.logs import JsonLines, TensorBoardWriter, Terminal
from mimicrl.training.progress import Progress, Stopwatch
from mimicrl.training.saving import CheckpointCallback, fresh
from mimicrl.training.stopping import StopRequest


@pytest.fixture
def checkpoints(prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A checkpoint callback that notes when it saves; its run's interval is 128 samples."""
    run: RunDirectory = prepare(tmp_path / "run")
    lines = {name: JsonLines(tmp_path / f"{name}.jsonl") for name in ("metrics", "evaluations")}
    waits: list[bool] = []
    evaluation: Any = SimpleNamespace(
        state=EvaluationState(count=3),
        best_policy=None,
        last=None,
        under_way=False,
        collect=lambda *, wait: waits.append(wait),
    )
    progress, stop = Progress(run, Terminal(run.config, 0), 0, "0123"), StopRequest()
    callback = CheckpointCallback(run, evaluation, lines, Stopwatch(7.0), progress, stop, 0, [{"CPU": "one"}])
    writers: list[Any] = []
    callback.model = SimpleNamespace(  # type: ignore[assignment]
        ep_info_buffer=[{"l": 3}, {"l": 5}], logger=Logger(None, writers)
    )
    saved: list[tuple[int, dict[str, Any]]] = []

    def save(directory: Path, fingerprint: str, _: Any, extra: dict[str, Any], arrays: Any) -> None:
        assert fingerprint == run.fingerprint and arrays == {}
        (directory / f"step-{callback.num_timesteps:012d}").mkdir(parents=True)
        saved.append((callback.num_timesteps, extra))

    monkeypatch.setattr(saving.checkpoint, "save", save)
    return SimpleNamespace(
        callback=callback,
        saved=saved,
        run=run,
        lines=lines,
        writers=writers,
        stop=stop,
        evaluation=evaluation,
        waits=waits,
    )


def reach(callback: CheckpointCallback, samples: int) -> None:
    callback.num_timesteps = samples
    callback.at_boundary()


def test_checkpoints_are_written_by_samples(checkpoints: Any) -> None:
    for samples in (0, 64, 127, 128, 129, 255, 300, 300, 1000):
        reach(checkpoints.callback, samples)
    assert [samples for samples, _ in checkpoints.saved] == [128, 300, 1000]


def test_checkpoints_are_written_by_time(checkpoints: Any, monkeypatch) -> None:
    monkeypatch.setattr(saving, "CHECKPOINT_SECONDS", -1.0)
    for samples in (1, 2, 2):
        reach(checkpoints.callback, samples)
    assert [samples for samples, _ in checkpoints.saved] == [1, 2]


def test_a_checkpoint_that_is_due_lets_training_go_on_beside_an_evaluation(checkpoints: Any) -> None:
    callback, evaluation = checkpoints.callback, checkpoints.evaluation
    evaluation.under_way = True
    for samples in (128, 160, 192):
        reach(callback, samples)
    assert checkpoints.saved == [] and not any(checkpoints.waits)
    evaluation.under_way = False
    reach(callback, 200)
    assert [samples for samples, _ in checkpoints.saved] == [200]
    assert checkpoints.waits[-1], "whatever came up meanwhile belongs into the checkpoint"


def test_it_waits_for_a_while_only(checkpoints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.evaluation.under_way = True
    now = [1000.0]
    monkeypatch.setattr(saving.time, "monotonic", lambda: now[0])
    reach(checkpoints.callback, 128)
    now[0] += saving._PATIENCE_S - 1
    reach(checkpoints.callback, 160)
    assert checkpoints.saved == []
    now[0] += 2
    reach(checkpoints.callback, 192)
    reach(checkpoints.callback, 256)  # the next one waits anew
    assert [samples for samples, _ in checkpoints.saved] == [192]


def test_a_signal_saves_what_an_evaluation_under_way_comes_to(checkpoints: Any) -> None:
    checkpoints.evaluation.under_way = True
    checkpoints.stop(signal.SIGTERM)
    with pytest.raises(Interrupted):
        reach(checkpoints.callback, 5)
    assert [samples for samples, _ in checkpoints.saved] == [5] and checkpoints.waits == [False, True]


def test_a_checkpoint_knows_the_files_and_the_time(checkpoints: Any) -> None:
    checkpoints.lines["evaluations"].append({"samples": 1})
    reach(checkpoints.callback, 128)
    extra = checkpoints.saved[0][1]
    assert extra["offsets"] == {"metrics": 0, "evaluations": checkpoints.lines["evaluations"].path.stat().st_size}
    assert extra["seconds"] >= 7.0 and extra["evaluation"]["count"] == 3
    assert (extra["tensorboard"], extra["best_policy"], extra["machines"]) == ({}, None, [{"CPU": "one"}])


def test_the_history_is_on_the_disk_before_the_checkpoint_that_knows_it(
    checkpoints: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    save = checkpoint.save
    monkeypatch.setattr(JsonLines, "sync", lambda lines: calls.append(lines.path.name))
    monkeypatch.setattr(saving.checkpoint, "save", lambda *words: (calls.append("checkpoint"), save(*words)))
    reach(checkpoints.callback, 128)
    assert calls == ["metrics.jsonl", "evaluations.jsonl", "checkpoint"]


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
    checkpoints.stop(number)
    assert checkpoints.saved == [], "only at a boundary is the state complete"
    with pytest.raises(
        Interrupted, match=rf"^stopped by {number.name} — after 5 samples — run the same command again"
    ) as stopped:
        reach(checkpoints.callback, 5)
    assert stopped.value.exit_code == code
    assert [samples for samples, _ in checkpoints.saved] == [5]
    told = artifacts.read_json(checkpoints.run.progress_file)
    assert (told["state"], told["samples"]) == ("stopped", 5)


@pytest.fixture
def found(trained_run: RunDirectory) -> Checkpoint:
    """The last checkpoint of a run, whose best policy it has."""
    found, _ = checkpoint.newest(trained_run.training_directory / "checkpoints", trained_run.fingerprint)
    assert found is not None
    return found


def test_what_a_checkpoint_knows_comes_back(found: Checkpoint, trained_run: RunDirectory) -> None:
    extra, best = saving.read(found)
    assert asdict(extra) == found.state["extra"]
    assert best is not None and extra.evaluation.best is not None
    assert extra.evaluation.best.as_json() == {
        key: tuple(value) if key == "score" else value
        for key, value in artifacts.read_json(trained_run.outcome_file)["best"].items()
    }
    published = Policy.load(trained_run.policy_directory("best"))
    assert (best.weights(), best.description()) == (published.weights(), published.description())


def test_a_training_without_an_evaluation_has_no_best_policy(found: Checkpoint) -> None:
    assert saving.read(replace(found, state={"extra": asdict(fresh())}, arrays={})) == (fresh(), None)


def lacking(extra: dict[str, Any]) -> list[dict[str, Any]]:
    """The same, each without one of its entries, at any depth."""
    found = []
    for key, value in extra.items():
        if key == "values":  # which may be any, but for those that the best policy is chosen by
            found += [
                extra | {key: {name: value[name] for name in value if name != gone}}
                for gone in ("reward", "duration_s")
            ]
        found.append({name: extra[name] for name in extra if name != key})
        if isinstance(value, dict) and key in ("evaluation", "offsets", "best", "summary"):
            found += [extra | {key: changed} for changed in lacking(value)]
    return found


def test_whatever_is_missing_is_told(found: Checkpoint) -> None:
    told = 0
    for extra in lacking(found.state["extra"]):
        with pytest.raises(ArtifactError, match=rf"^a checkpoint's counters are damaged — {found.path} — got "):
            saving.read(replace(found, state={"extra": extra}))
        told += 1
    assert told > 15


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda extra: extra | {"evaluation": []}, "extra.evaluation: "),
        (lambda extra: extra | {"evaluation": extra["evaluation"] | {"count": "1"}}, "extra.evaluation.count: "),
        (lambda extra: extra | {"evaluation": extra["evaluation"] | {"best": [1]}}, "extra.evaluation.best: "),
        (lambda extra: extra | {"offsets": {"metrics": -1, "evaluations": 0}}, "extra.offsets.metrics: "),
        (lambda extra: extra | {"offsets": {"metrics": 1.5, "evaluations": 0}}, "extra.offsets.metrics: "),
        (lambda extra: extra | {"tensorboard": {"events": None}}, "extra.tensorboard.events: "),
        (lambda extra: extra | {"seconds": "1"}, "extra.seconds: "),
        (lambda extra: extra | {"seconds": float("nan")}, "extra.seconds: "),
        (lambda extra: extra | {"machines": [1]}, "extra.machines.0: "),
        (lambda extra: extra | {"machines": {}}, "extra.machines: "),
        (lambda extra: extra | {"best_policy": None}, "a part of the best policy"),
        (lambda extra: extra | {"evaluation": extra["evaluation"] | {"best": None}}, "a part of the best policy"),
        (lambda extra: extra | {"more": 1}, "entries that are unknown or missing"),
        (lambda extra: extra | {"best_policy": extra["best_policy"] | {"samples": 1}}, "the best policy after 1 samp"),
    ],
)
def test_what_has_another_shape_is_told(
    found: Checkpoint, change: Callable[[dict[str, Any]], dict[str, Any]], got: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        saving.read(replace(found, state={"extra": change(found.state["extra"])}))
    assert str(caught.value).startswith(f"a checkpoint's counters are damaged — {found.path} — got {got}")
    assert str(caught.value).endswith(" — start from nothing with --resume never")


@pytest.mark.parametrize("weights", [b"", b"\x00" * 64])
def test_another_best_policy_than_the_described_one_is_told(found: Checkpoint, weights: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"^a policy's weights are not those it describes — "):
        saving.read(replace(found, arrays={"best_policy": np.frombuffer(weights, np.uint8)}))
    with pytest.raises(ArtifactError, match=r"^a checkpoint's counters are damaged — .* — got a part of the best"):
        saving.read(replace(found, arrays={}))
