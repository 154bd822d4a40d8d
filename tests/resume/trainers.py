"""Trainers in processes of their own, and whether two runs ended with the same bits."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pandas as pd

from mimicrl import artifacts, cli, faultpoints
from mimicrl.runs import Run
from mimicrl.training.checkpoints import store
from mimicrl.training.reporting.json_lines import read_json_lines

Prepare = Callable[..., Run]
CLOCKS = ["time/fps", "time/time_elapsed", "seconds", "training_seconds", "cpu_seconds"]
# New processes come from a server in which PyTorch has been imported and nothing else was done: seconds saved on each.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["mimicrl.cli", "mimicrl.training.trainer", "torch._dynamo", "torch.utils.tensorboard", "pytest"]
)
FOR_EVER_S = 120.0


@dataclass(frozen=True)
class Trainer:
    """`mimicrl train` in a new process, which a fault point may hold until `release`."""

    process: BaseProcess
    log: Path
    go: Path

    def await_stall(self) -> None:
        wait_for(lambda: self._stalls() or not self.process.is_alive())
        assert self._stalls(), self.log.read_text()

    def _stalls(self) -> bool:
        return f"{faultpoints.VARIABLE}: stall at" in self.log.read_text()

    def signal(self, number: int) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)

    def release(self) -> None:
        self.go.touch()

    def end(self) -> tuple[int, str]:
        """Return exit code, negative after a signal, and output."""
        self.process.join(FOR_EVER_S)
        assert self.process.exitcode is not None, self.log.read_text()
        return self.process.exitcode, self.log.read_text()


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return the first value of a condition that is something; two minutes are for ever."""
    end = time.monotonic() + FOR_EVER_S
    while not (value := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)
    return value


def start(run: Run, *words: str, fault: str | None = None) -> Trainer:
    """Start a trainer; `fault` is what `MIMICRL_FAULT` says."""
    # A folder of its own, as a trainer looks at all in a run's; numbered, as a run may see many.
    folder = run.path.with_name(f"{run.path.name}-{len(list(run.path.parent.glob(f'{run.path.name}-*')))}")
    folder.mkdir()
    log, go = folder / "output", folder / "go"
    log.touch()
    environment = dict(os.environ)
    if fault:
        environment |= {faultpoints.VARIABLE: fault, faultpoints.GO: str(go)}
    words = ("train", str(run.path), "--cores", "1", *words)
    process = SERVER.Process(target=_mimicrl, args=(words, log, environment))
    process.start()
    return Trainer(process, log, go)


def held(run: Run, fault: str) -> Trainer:
    """Start a trainer and wait until it stalls at a fault point."""
    trainer = start(run, fault=fault)
    trainer.await_stall()
    return trainer


def kill(run: Run, fault: str, *words: str) -> None:
    """Let a trainer get as far as a fault point, where it is killed."""
    code, output = start(run, *words, fault=fault).end()
    assert code == -signal.SIGKILL, output


def finish(run: Run, *words: str) -> None:
    """Let a trainer work to the end."""
    code, output = start(run, *words).end()
    assert code == 0, output


@contextlib.contextmanager
def importing(run: Run, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start `mimicrl train` and hold it while it imports PyTorch.

    Args:
        run: The run.
        folder: Takes what stands for PyTorch.
    """
    reached = folder / "reached"
    (folder / "torch.py").write_text(f"import pathlib, time\npathlib.Path({str(reached)!r}).touch()\ntime.sleep(600)")
    paths = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "mimicrl", "train", str(run.path), "--cores", "1"]
    environment = os.environ | {"PYTHONPATH": paths}
    with subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE) as process:
        try:
            wait_for(lambda: reached.exists() or process.poll() is not None)
            yield process
        finally:
            process.kill()


def _mimicrl(words: tuple[str, ...], log: Path, environment: dict[str, str]) -> None:
    """Be `mimicrl` in this process."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the server may have been started by one that held signals back
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["mimicrl", *words]
    cli.main()


def weights(run: Run, checkpoint: Any = "final") -> bytes:
    return (run.policy_directory(checkpoint) / "policy.safetensors").read_bytes()


def table(file: Path) -> pd.DataFrame:
    return pd.read_parquet(file).drop(columns=CLOCKS, errors="ignore")


def checkpoints(run: Run) -> list[Path]:
    """The folders of the checkpoints, oldest first."""
    return sorted(run.training.checkpoints_directory.glob("step-*"))


def saved(run: Run) -> list[int]:
    """The samples of the checkpoints, oldest first."""
    return store.samples_saved(run.training.checkpoints_directory)[::-1]


def attempts(run: Run) -> list[tuple[int, int, str]]:
    """From how many samples to how many each attempt at the training got, and why it ended."""
    return [(row["from"], row["to"], row["why"]) for row in read_json_lines(run.training.attempts_file)]


def digests(folder: Path) -> dict[Path, str]:
    """What the files of a folder hold."""
    return {path: artifacts.file_sha256(path) for path in folder.rglob("*") if path.is_file()}


def assert_same(one: Run, other: Run) -> None:
    """Check weights, best policy and history."""
    for checkpoint in ("init", "best", "final"):
        assert weights(one, checkpoint) == weights(other, checkpoint), checkpoint
    assert table(one.metrics_file)["samples"].is_unique
    pd.testing.assert_frame_equal(table(one.metrics_file), table(other.metrics_file), check_like=True)
    pd.testing.assert_frame_equal(table(one.evaluations_file), table(other.evaluations_file))
    told = [artifacts.read_json(run.outcome_file) for run in (one, other)]
    for key in ("status", "samples", "fingerprint", "first_success_samples", "best"):
        assert told[0][key] == told[1][key], key
