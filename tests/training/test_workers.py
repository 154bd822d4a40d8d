"""Worker processes: one that dies is named, and none is ever left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from odd_environments import Failing, Obedient, deed

from mimicrl.errors import WorkerDied
from mimicrl.training import workers
from mimicrl.training.workers import WorkerVecEnv

# New processes come from a server in which PyTorch has been imported: seconds saved on each.
multiprocessing.get_context("forkserver").set_forkserver_preload(["mimicrl.training.trainer"])
STILL = deed("<lambda>")
AGAIN = "run the same command again to continue"
ENDINGS = {
    "raise_an_error": "exit code 1",
    "be_killed": "killed by SIGKILL",
    "crash": "killed by SIGSEGV",
    "leave": "exit code 7",
}


class _NoOptions:
    def __getitem__(self, _: int) -> object:
        raise OSError("no options here")


@pytest.fixture
def make() -> Iterator[Callable[[], WorkerVecEnv]]:
    """Makes two environments; afterwards nothing of them may be left."""
    made: list[WorkerVecEnv] = []

    def make() -> WorkerVecEnv:
        made.append(WorkerVecEnv(Obedient, 2))
        return made[-1]

    yield make
    for environments in made:
        environments.close()
        environments.close()
        for process in environments.processes:
            with pytest.raises(ProcessLookupError):
                os.kill(process.pid, 0)
    assert multiprocessing.active_children() == []


def act(environments: WorkerVecEnv, *deeds: float) -> list[float]:
    return environments.step(np.array(deeds)[:, None])[0][:, 0].tolist()


def test_healthy_workers_do_what_stable_baselines3s_do(make) -> None:
    environments = make()
    assert environments.reset().tolist() == [[0.0], [0.0]]
    assert act(environments, STILL, STILL) == [1.0, 1.0]
    assert act(environments, STILL, STILL) == [2.0, 2.0]
    assert environments.env_is_wrapped(Obedient) == [False, False]
    assert [process.is_alive() for process in environments.processes] == [True, True]


@pytest.mark.fault(41)
@pytest.mark.parametrize("name", ENDINGS)
def test_one_that_dies_is_named_and_the_others_are_ended(make, name: str) -> None:
    environments = make()
    environments.reset()
    with pytest.raises(WorkerDied) as caught:
        act(environments, STILL, deed(name))
    first, second = environments.processes
    assert str(caught.value) == (
        f"a worker process died — environment 1, process {second.pid} — got {ENDINGS[name]} — {AGAIN}"
    )
    assert caught.value.exit_code == 75
    assert first.exitcode == -signal.SIGKILL


DEALINGS: dict[str, Callable[[WorkerVecEnv], object]] = {
    "a reset": lambda environments: environments.reset(),
    "a step": lambda environments: act(environments, STILL, STILL),
    "a method": lambda environments: environments.env_method("close"),
    "an attribute set": lambda environments: environments.set_attr("ready", True),
    "an attribute": lambda environments: environments.get_attr("ready"),
    "whether there is one": lambda environments: environments.has_attr("ready"),
    "whether it is wrapped": lambda environments: environments.env_is_wrapped(Obedient),
}


@pytest.mark.parametrize("dealing", DEALINGS)
def test_one_that_is_gone_is_noticed_whatever_is_wanted_of_it(make, dealing: str) -> None:
    environments = make()
    environments.processes[0].kill()
    environments.processes[0].join()
    with pytest.raises(WorkerDied, match=r"^a worker process died — environment 0, .* — got killed by SIGKILL — "):
        DEALINGS[dealing](environments)


@pytest.mark.fault(41)
@pytest.mark.parametrize("name", ["hang", "work"])
def test_one_that_is_busy_is_ended(make, name: str) -> None:
    environments = make()
    environments.reset()
    environments.step_async(np.array([[deed(name)], [STILL]]))
    environments.close()
    assert [process.exitcode for process in environments.processes] == [-signal.SIGKILL] * 2


def test_one_that_is_stopped_is_ended(make) -> None:
    environments = make()
    os.kill(environments.processes[1].pid, signal.SIGSTOP)
    environments.close()
    assert environments.processes[1].exitcode == -signal.SIGKILL


@pytest.mark.fault(41)
@pytest.mark.parametrize("name", ENDINGS)
def test_one_that_dies_while_it_starts_is_named_and_the_others_are_ended(tmp_path: Path, name: str) -> None:
    told = rf"^a worker process died — environment \d, .* — got {ENDINGS[name]} — "
    with pytest.raises(WorkerDied, match=told):
        WorkerVecEnv(Failing(tmp_path / "place", name), 2).reset()  # the second may die after the first has answered
    assert multiprocessing.active_children() == []


def test_an_error_that_no_death_explains_is_told_as_it_is(make, monkeypatch: pytest.MonkeyPatch) -> None:
    environments = make()
    monkeypatch.setattr(workers, "_REAP_S", 0.05)
    monkeypatch.setattr(environments, "_options", _NoOptions())
    with pytest.raises(OSError, match="no options here"):
        environments.reset()


@pytest.mark.parametrize("number", workers._FOR_THE_TRAINER)
def test_a_hold_of_signals_ends_for_who_held(number: signal.Signals) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with workers._signals_held():
        assert number in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        with workers._signals_held():
            pass
        assert number in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
