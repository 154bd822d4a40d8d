"""Trainings in processes of their own, for the soak: settings, results, memory and files."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mimicrl import api, artifacts, seeding
from mimicrl.config import RunConfig
from mimicrl.config.loading import deep_merge
from mimicrl.envs.task import Task
from mimicrl.learning.ppo import MimicPPO
from mimicrl.runs import Run
from mimicrl.training import vec_envs
from mimicrl.training.checkpoints import record, snapshot, store
from mimicrl.training.reporting.json_lines import read_json_lines

PRESET: dict[str, Any] = {"training": {"total_timesteps": 200_000, "save_freq": 4096}}
TINY: dict[str, Any] = {
    "training": {
        "total_timesteps": 2048,
        "n_envs": 2,
        "n_steps": 32,
        "batch_size": 64,
        "net_arch": {"pi": [16, 16], "vf": [16, 16]},
        "save_freq": 128,
    },
    "evaluation": {"eval_freq": 512, "episodes": 4, "seconds": 0.5},
}
# No more processes than a workstation has cores. A rollout is as long as the preset's.
FEW_PROCESSES = {"n_envs": 4, "n_steps": 256}
_POLL_S = 0.01
_TRACK_S = 0.5
_ORPHAN_S = 10.0


def prepare(path: Path, vec_env: str, *, tiny: bool) -> Run:
    """Make a run's directory.

    Args:
        path: The directory.
        vec_env: ``batched``, ``dummy`` or ``subproc``.
        tiny: Make a run of seconds instead of the default preset with a shortened budget.
    """
    few = FEW_PROCESSES if vec_env == "subproc" and not tiny else {}
    about = {"study": "soak", "experiment": vec_env, "seed": 1, "training": {"vec_env": vec_env, **few}}
    config = deep_merge(TINY if tiny else PRESET, about)
    return api.prepare(RunConfig.model_validate_json(json.dumps(config)), path, base=path.parent)


def result(run: Run) -> tuple[Any, ...]:
    """Return what must not depend on kills: policies, the outcome's best, the history without its times."""
    policies = [(run.policy_directory(name) / "policy.safetensors").read_bytes() for name in ("init", "best", "final")]
    clocks = ("time/", "seconds", "training_seconds", "cpu_seconds")
    history = [
        [{key: value for key, value in row.items() if not key.startswith(clocks)} for row in read_json_lines(file)]
        for file in (run.training.metrics_file, run.training.evaluations_file)
    ]
    return artifacts.read_json(run.outcome_file)["best"], *policies, *history


def samples_trained(run: Run) -> int:
    """Return the samples at the last update of a run whose trainer has ended."""
    file = run.training.metrics_file
    rows = file.read_bytes().splitlines(keepends=True) if file.exists() else []
    return max((json.loads(row)["samples"] for row in rows if row.endswith(b"\n")), default=0)


def samples_saved(run: Run) -> int:
    """Return the samples at a run's newest checkpoint."""
    return max(store.samples_saved(run.training.checkpoints_directory), default=0)


def checkpoint_seconds(run: Run, directory: Path, repeats: int = 20) -> float:
    """Return the median time [s] of writing a run's last checkpoint again.

    Args:
        run: A trained run.
        directory: The folder to write to.
        repeats: Number of repeats.
    """
    found, _ = store.newest(run.training.checkpoints_directory, run.fingerprint)
    assert found is not None
    environments = vec_envs.make(run, Task.of_run(run), 1)
    try:
        environments.seed(seeding.streams(run.config.seed).environments)
        model = MimicPPO(run.config.training, environments, 0)
        known, _ = record.read(found)
        snapshot.restore(found, known, model)
        seconds = []
        for _ in range(repeats):
            model.num_timesteps += 1  # a new name each time, so that older ones are removed as in training
            begin = time.perf_counter()
            state = known.model_copy(update=snapshot.counters(model)).model_dump(mode="json")
            arrays = found.arrays | snapshot.arrays(model)
            store.save(directory, run.fingerprint, model.num_timesteps, arrays, state)
            seconds.append(time.perf_counter() - begin)
    finally:
        environments.close()
    return statistics.median(seconds)


class Trainer:
    """`mimicrl train` in a process group of its own.

    Attributes:
        first_step_s: Time from its start to its first step [s]; None before that.
        track: Every half second since then: time [s], memory [MB], number of open file descriptors.
    """

    def __init__(self, run: Run) -> None:
        self.first_step_s: float | None = None
        self.track: list[tuple[float, float, int]] = []
        self._run, self._begin = run, time.monotonic()
        self._words = run.path.with_name(f"{run.path.name}.txt")
        command = [sys.executable, "-m", "mimicrl", "train", str(run.path)]
        with self._words.open("wb") as words:
            self._process = subprocess.Popen(command, stdout=words, stderr=words, start_new_session=True)

    def live(self, seconds: float = float("inf"), *, from_first_step: bool = False) -> int | None:
        """Let it run for a while.

        Args:
            seconds: The time, from its start.
            from_first_step: Count the time from its first step instead.

        Returns:
            Its exit code if it ended by itself, else None.
        """
        until = None if from_first_step else self._begin + seconds
        while (code := self._process.poll()) is None:
            now = time.monotonic()
            if self.first_step_s is None and self._has_begun():
                self.first_step_s = now - self._begin
                until = now + seconds if until is None else until
            if until is not None and now >= until:
                return None
            if self.first_step_s is not None and (not self.track or now - self.track[-1][0] > _TRACK_S):
                self._look(now)
            time.sleep(_POLL_S)
        return code

    def kill(self) -> bool:
        """Kill it. Return whether a process that it started outlived it by ten seconds."""
        self._process.kill()
        self._process.wait()
        deadline = time.monotonic() + _ORPHAN_S
        while time.monotonic() < deadline:
            try:
                os.killpg(self._process.pid, 0)
            except ProcessLookupError:
                return False
            time.sleep(_POLL_S)
        os.killpg(self._process.pid, signal.SIGKILL)
        return True

    def last_words(self) -> str:
        """Return the last line of its output."""
        return (self._words.read_text(errors="replace").rstrip().splitlines() or [""])[-1]

    def _has_begun(self) -> bool:
        try:  # written at the boundary before the first step
            return artifacts.read_json(self._run.progress_file)["process"] == self._process.pid
        except artifacts.ArtifactError:
            return False

    def _look(self, now: float) -> None:
        process = Path("/proc", str(self._process.pid))
        try:
            pages, files = int((process / "statm").read_text().split()[1]), len(list((process / "fd").iterdir()))
        except OSError:
            return  # it has just ended
        if pages:  # zero if it has ended and nobody has waited for it yet
            self.track.append((now, pages * os.sysconf("SC_PAGE_SIZE") / 1e6, files))
