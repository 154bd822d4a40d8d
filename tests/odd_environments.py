"""Environments that die, crash or hang when they are told to; worker processes import this module by its name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium import spaces

FOR_EVER_S = 1000.0


def raise_an_error() -> None:
    raise ValueError("the knee is gone")


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> None:
    os._exit(7)


def hang() -> None:
    time.sleep(FOR_EVER_S)


def work() -> None:
    end = time.monotonic() + FOR_EVER_S
    while time.monotonic() < end:
        pass


DEEDS: list[Callable[[], None]] = [lambda: None, raise_an_error, be_killed, crash, leave, hang, work]


def deed(name: str) -> float:
    """Return the action that has an environment do something, here one of the functions above."""
    return [function.__name__ for function in DEEDS].index(name) / 10


class Obedient(gymnasium.Env[np.ndarray, np.ndarray]):
    """Does what its action says, then counts on."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self._steps = 0

    def reset(self, **_: object) -> tuple[np.ndarray, dict]:  # type: ignore[override]
        self._steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        DEEDS[round(10 * float(action[0]))]()
        self._steps += 1
        return np.full(1, self._steps, np.float32), 1.0, False, False, {}


@dataclass(frozen=True)
class Failing:
    """Makes environments of which one does its deed while it is made: the first to come to `place`."""

    place: Path
    function: str

    def __call__(self) -> Obedient:
        try:
            self.place.mkdir()
        except FileExistsError:
            return Obedient()
        DEEDS[round(10 * deed(self.function))]()
        return Obedient()
