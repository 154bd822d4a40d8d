"""A training's evaluations, one after the other: computed here, or in a process beside the training."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import NamedTuple, Protocol

from mimicrl import processes
from mimicrl.config import EvaluationConfig
from mimicrl.errors import MachineError, WorkerDied
from mimicrl.evaluation.metrics import Summary, judge, summarize
from mimicrl.evaluation.rollout import roll_out, start_phases
from mimicrl.mimic.task import Task
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory

_WORTH_A_PROCESS = 5_000  # steps, about as long as the process takes to start
# How long it may be silent: its imports from a slow disk, and fifty times what a step takes with little to do besides.
_PATIENCE_S, _PATIENCE_STEP_S = 300.0, 0.01
_REAP_S = 5.0


class Result(NamedTuple):
    """What an evaluation came to.

    Attributes:
        summary: Its figures.
        seconds: Time that it took.
        cpu_seconds: Processor time of the process beside this one, so far.
    """

    summary: Summary
    seconds: float
    cpu_seconds: float


class Evaluator(Protocol):
    """Evaluates a policy at a time."""

    def submit(self, policy: Policy, *, shifted: bool) -> None:
        """Take a policy; the `result` of the one before was returned.

        Args:
            policy: The policy.
            shifted: Whether to take the starts half a step later.

        Raises:
            WorkerDied: The process that would evaluate it has ended.
        """

    def result(self, *, wait: bool) -> Result | None:
        """Return the result of the policy submitted last.

        Args:
            wait: Wait for it; else it is None as long as there is none.

        Raises:
            WorkerDied: The process that evaluates it has ended.
        """

    def close(self) -> None:
        """End whatever computes beside."""


class EvaluatorHere:
    """Evaluates in this process, when a policy is submitted.

    Args:
        task: The task.
        settings: How it is evaluated.
        threads: Threads of the physics; any number gives the same result.
    """

    def __init__(self, task: Task, settings: EvaluationConfig, threads: int = 1) -> None:
        self._settings = settings
        self._batch = task.evaluation_batch(settings.episodes, settings.seconds, threads)
        self._result: Result | None = None

    def submit(self, policy: Policy, *, shifted: bool) -> None:
        """Evaluate a policy; see `Evaluator.submit`."""
        begin, settings = time.perf_counter(), self._settings
        episodes = roll_out(policy, self._batch, start_phases(settings.episodes, shifted=shifted))
        self._result = Result(summarize(judge(episodes, settings)), time.perf_counter() - begin, 0.0)

    def result(self, *, wait: bool) -> Result | None:
        """Return the result; see `Evaluator.result`."""
        return self._result

    def close(self) -> None:
        """Do nothing: nothing computes beside."""


class EvaluatorBeside:
    """Evaluates in a process beside this one, with the same results.

    Args:
        run: The run.

    Raises:
        MachineError: No process can be started.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._patience_s = round(_PATIENCE_S + _PATIENCE_STEP_S * _steps(run))
        ours, theirs = socket.socketpair()
        for limited in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            ours.setsockopt(socket.SOL_SOCKET, limited, struct.pack("ll", self._patience_s, 0))
        self._connection = Connection(ours.detach())
        # Not from the current folder, where anything may lie: as little as the installed command does.
        command = [sys.executable, "-P", "-m", "mimicrl.evaluation.beside", str(theirs.fileno()), str(run.path)]
        # It draws nothing, and MuJoCo would look for what this variable names when it is imported.
        environment = os.environ | {"MUJOCO_GL": "disable"}
        with theirs, processes.signals_held():
            try:
                # No fork: this process has threads. Not multiprocessing's: it would import the caller's own program.
                self._process = subprocess.Popen(
                    command,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=environment,
                )
            except OSError as error:
                self._connection.close()
                raise MachineError(
                    "cannot start a process that evaluates",
                    where=sys.executable,
                    got=error.strerror,
                    fix="do without it: mimicrl train --threads 1",
                ) from error

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    def submit(self, policy: Policy, *, shifted: bool) -> None:
        """Hand a policy over; see `Evaluator.submit`."""
        acting = {name: tensor for name, tensor in policy.tensors.items() if not name.startswith("critic.")}
        try:
            self._connection.send((replace(policy, tensors=acting), shifted))
        except OSError as error:
            raise self._lost(error) from error

    def result(self, *, wait: bool) -> Result | None:
        """Return the result where there is one; see `Evaluator.result`."""
        try:
            return self._connection.recv() if wait or self._connection.poll() else None
        except (EOFError, OSError) as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """End the process."""
        self._process.kill()  # it holds nothing
        self._process.wait()
        self._connection.close()

    def _lost(self, error: Exception) -> WorkerDied:
        silent = isinstance(error, BlockingIOError)  # what a socket's time limit comes out as
        if not silent:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_REAP_S)
        return WorkerDied(
            "the process that evaluates does not answer" if silent else "the process that evaluates died",
            where=f"process {self._process.pid}",
            got=f"nothing for {self._patience_s} s" if silent else processes.ending(self._process.returncode),
            fix="run the same command again to continue",
        )


def make(run: RunDirectory, task: Task, threads: int) -> Evaluator:
    """Return what evaluates a training's policies: beside it, where it has a core for that and enough to do.

    Args:
        run: The run.
        task: Its task.
        threads: Threads that the training may use; one more than PyTorch's leaves a core to what comes beside, though
            an update may use that too.
    """
    if threads > run.config.training.torch_threads and _steps(run) >= _WORTH_A_PROCESS:
        return EvaluatorBeside(run)
    return EvaluatorHere(task, run.config.evaluation, threads)


def _steps(run: RunDirectory) -> float:
    """Return the most steps that an evaluation of a run takes."""
    config = run.config
    return config.evaluation.episodes * config.evaluation.seconds * config.mimic.control_hz
