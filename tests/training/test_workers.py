"""Worker processes: one that dies, crashes or hangs is named with its own words, and none is ever left behind."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from odd_environments import Failing, Obedient, deed

from mimicrl.errors import WorkerDied
from mimicrl.training import workers
from mimicrl.training.workers import WatchedSubprocVecEnv

# New processes come from a server in which PyTorch has been imported: seconds saved on each.
multiprocessing.get_context("forkserver").set_forkserver_preload(["mimicrl.training.train"])
STILL = deed("<lambda>")
AGAIN = "run the same command again to continue"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Close without the patience that a busy machine needs."""
    monkeypatch.setattr(workers, "_REAP_S", 0.3)
    monkeypatch.setattr(workers, "_POLL_S", 0.05)


@pytest.fixture
def make() -> Iterator[Callable[[], WatchedSubprocVecEnv]]:
    """Makes two environments; afterwards nothing of them may be left."""
    made: list[WatchedSubprocVecEnv] = []

    def make() -> WatchedSubprocVecEnv:
        made.append(WatchedSubprocVecEnv(Obedient, 2))
        return made[-1]

    yield make
    for environments in made:
        environments.close()
        environments.close()
        assert_reaped(environments)


def assert_reaped(environments: WatchedSubprocVecEnv) -> None:
    assert multiprocessing.active_children() == []
    for process in environments.processes:
        assert process.exitcode is not None
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)
    assert not Path(environments._words.name).exists()


def act(environments: WatchedSubprocVecEnv, *deeds: float) -> list[float]:
    return environments.step(np.array(deeds)[:, None])[0][:, 0].tolist()


def test_healthy_workers_do_what_stable_baselines3s_do(make) -> None:
    environments = make()
    assert environments.reset().tolist() == [[0.0], [0.0]]
    assert act(environments, STILL, STILL) == [1.0, 1.0]
    assert act(environments, STILL, STILL) == [2.0, 2.0]
    assert environments.env_is_wrapped(Obedient) == [False, False]
    assert [process.is_alive() for process in environments.processes] == [True, True]


@pytest.mark.parametrize(
    ("name", "how", "traceback"),
    [
        ("raise_an_error", "exit code 1, ValueError: the knee is gone", "in raise_an_error"),
        ("be_killed", "killed by SIGKILL", None),
        ("crash", "killed by SIGSEGV, Fatal Python error: Segmentation fault", "in crash"),
        ("leave", "exit code 7", None),
    ],
)
def test_one_that_dies_is_named_with_its_own_words(
    make, capsys: pytest.CaptureFixture[str], name: str, how: str, traceback: str | None
) -> None:
    environments = make()
    environments.reset()
    with pytest.raises(WorkerDied) as caught:
        act(environments, STILL, deed(name))
    process = environments.processes[1]
    assert str(caught.value) == (f"a worker process died — environment 1, process {process.pid} — got {how} — {AGAIN}")
    assert caught.value.exit_code == 75
    told = capsys.readouterr().err
    if traceback is None:
        assert told == ""
    else:
        assert told.startswith("environment 1:\n") and traceback in told and "odd_environments.py" in told
    environments.close()
    assert capsys.readouterr().err == "", "its words are told once"


def test_one_that_is_gone_is_noticed_when_something_is_sent_to_it(make) -> None:
    environments = make()
    environments.processes[0].kill()
    environments.processes[0].join()
    with pytest.raises(WorkerDied, match=r"^a worker process died — environment 0, .* — got killed by SIGKILL — "):
        environments.reset()


@pytest.mark.parametrize("name", ["hang", "work"])
def test_one_that_does_not_answer_is_named_and_ended(make, name: str) -> None:
    environments = make()
    environments.reset()
    environments.remotes[0]._patience_s = 0.5
    with pytest.raises(WorkerDied) as caught:
        act(environments, deed(name), STILL)
    process = environments.processes[0]
    assert str(caught.value) == (
        f"a worker process does not answer — environment 0, process {process.pid} — got nothing for 0.5 s — {AGAIN}"
    )
    assert process.is_alive()
    environments.close()
    assert process.exitcode == -9


def test_one_that_is_stopped_is_ended(make) -> None:
    environments = make()
    os.kill(environments.processes[1].pid, 19)
    environments.close()
    assert environments.processes[1].exitcode == -9


def test_closing_after_all_have_died_is_quiet(make) -> None:
    environments = make()
    environments.reset()
    environments.step_async(np.full((2, 1), deed("be_killed")))
    for process in environments.processes:
        process.join()
    environments.close()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "raise_an_error",
            r"a worker process died — environment \d, .* — got exit code 1, ValueError: the knee is gone",
        ),
        ("be_killed", r"a worker process died — environment \d, .* — got killed by SIGKILL — "),
        ("leave", r"a worker process died — environment \d, .* — got exit code 7 — "),
    ],
)
def test_one_that_dies_while_it_starts_is_named_and_the_others_are_ended(tmp_path: Path, name: str, told: str) -> None:
    with watched() as made, pytest.raises(WorkerDied, match=f"^{told}"):
        WatchedSubprocVecEnv(Failing(tmp_path / "place", name), 2)
    assert len(made) == 1
    assert_reaped(made[0])


def test_one_that_hangs_while_it_starts_is_named(tmp_path: Path) -> None:
    # The first answer may take five times as long; that of the one that does start here too, on a busy machine.
    told = r"^a worker process does not answer — environment \d, process \d+ — got nothing for (2|0.4) s — "
    with watched() as made, pytest.raises(WorkerDied, match=told):
        WatchedSubprocVecEnv(Failing(tmp_path / "place", "hang"), 2, timeout_s=0.4)
    assert_reaped(made[0])


@contextlib.contextmanager
def watched() -> Iterator[list[WatchedSubprocVecEnv]]:
    """Notes the environments that close themselves."""
    closed: list[WatchedSubprocVecEnv] = []
    close = WatchedSubprocVecEnv.close
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WatchedSubprocVecEnv, "close", lambda self: (closed.append(self), close(self))[1])
        yield closed


def test_an_error_that_nobody_wrote_down_is_told_by_its_code(make, capsys: pytest.CaptureFixture[str]) -> None:
    environments = make()
    environments._words.cleanup()
    environments.reset()
    with pytest.raises(WorkerDied, match=re.escape("— got exit code 1 — run")):
        act(environments, deed("raise_an_error"), STILL)
    assert capsys.readouterr().err == ""
