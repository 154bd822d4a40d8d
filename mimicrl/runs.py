"""A run's directory: what lies where, who may write, and which training state belongs to its configuration."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TextIO

from mimicrl import artifacts, provenance
from mimicrl.config import RunConfig, load_run
from mimicrl.errors import ArtifactError, ConfigError, MachineError, RunLocked
from mimicrl.schema import essence

Checkpoint = Literal["init", "best", "final"]
FORMULA = 2
"""Version of the `fingerprint`'s formula: another one names every training state anew."""


@dataclass(frozen=True)
class RunDirectory:
    """The directory of one run, ``results/STUDY/EXPERIMENT/seed_K``.

    Args:
        path: The directory.
    """

    path: Path

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Return an initialised run directory.

        Raises:
            ConfigError: It is none.
        """
        run = cls(path)
        missing = [f.name for f in (run.config_file, run.run_file, run.motion_file, run.walker_file) if not f.is_file()]
        if missing:
            raise ConfigError(
                "not a run directory",
                where=path,
                got=f"no {', '.join(missing)}",
                fix=f"mimicrl init STUDY.yaml --experiment NAME --seed K --out {path}",
            )
        return run

    @property
    def config_file(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def run_file(self) -> Path:
        """What the run is: names, hashes, seeds."""
        return self.path / "run.json"

    @property
    def motion_file(self) -> Path:
        """The motion clip on the walker."""
        return self.path / "motion.npz"

    @property
    def walker_file(self) -> Path:
        """The walker's MJCF."""
        return self.path / "walker.xml"

    @property
    def lock_file(self) -> Path:
        """What a trainer holds locked."""
        return self.path / "lock"

    @property
    def outcome_file(self) -> Path:
        """How training ended."""
        return self.path / "outcome.json"

    @property
    def progress_file(self) -> Path:
        """How far training is."""
        return self.path / "progress.json"

    @property
    def metrics_file(self) -> Path:
        """Training metrics, written at the end."""
        return self.path / "metrics.parquet"

    @property
    def evaluations_file(self) -> Path:
        """Evaluations during training, written at the end."""
        return self.path / "evaluations.parquet"

    @property
    def training_directory(self) -> Path:
        """The training state that belongs to the configuration."""
        return self.path / "training" / self.fingerprint

    @property
    def tensorboard_directory(self) -> Path:
        """TensorBoard files."""
        return self.path / "tb_logs" / self.fingerprint

    def policy_directory(self, checkpoint: Checkpoint) -> Path:
        """The policy before training, of the best evaluation, or at the end."""
        return self.path / "policies" / checkpoint

    def episodes_file(self, checkpoint: Checkpoint) -> Path:
        """The episodes of an evaluation after training."""
        return self.path / ("episodes.parquet" if checkpoint == "final" else f"episodes-{checkpoint}.parquet")

    def summary_file(self, checkpoint: Checkpoint) -> Path:
        """What that evaluation came to."""
        return self.path / ("summary.json" if checkpoint == "final" else f"summary-{checkpoint}.json")

    def gait_cycle_file(self, checkpoint: Checkpoint) -> Path:
        """Joint angles over the gait cycle in that evaluation."""
        return self.path / ("gait_cycle.parquet" if checkpoint == "final" else f"gait_cycle-{checkpoint}.parquet")

    def video_file(self, name: str) -> Path:
        """A video, such as ``final.mp4``."""
        return self.path / "videos" / name

    @cached_property
    def config(self) -> RunConfig:
        """The resolved configuration."""
        return load_run(self.config_file)

    @cached_property
    def fingerprint(self) -> str:
        """The name of what weights and ``best`` depend on; see `fingerprint`."""
        return fingerprint(
            self.config,
            motion_sha256=artifacts.file_sha256(self.motion_file),
            walker_sha256=artifacts.file_sha256(self.walker_file),
        )

    def identity(self) -> dict[str, Any]:
        """Return ``run.json``, after checking that it belongs to the files beside it and to what was read of them.

        Raises:
            ArtifactError: A file was changed since `mimicrl init`, or the run was initialised again.
        """
        run = artifacts.read_json(self.run_file)
        files = {"config": self.config_file, "motion": self.motion_file, "walker": self.walker_file}
        for key, file in ((f"{name}_sha256", file) for name, file in files.items()):
            found = artifacts.file_sha256(file)
            if run.get(key) != found:
                raise ArtifactError(
                    "a file of the run was changed",
                    where=file,
                    got=f"sha256 {found[:12]}…",
                    expected=f"{str(run.get(key))[:12]}…",
                    fix="run mimicrl init again",
                )
        if run.get("fingerprint") != self.fingerprint:
            raise ArtifactError(
                "the run was initialised again, or by another version of the program",
                where=self.run_file,
                got=f"fingerprint {run.get('fingerprint')}",
                expected=self.fingerprint,
                fix="run the same command again; if that does not help, mimicrl init",
            )
        return run

    def write_provenance(
        self, verb: str, started: str, *, result: dict[str, Any] | None = None, **threads: int
    ) -> None:
        """Record where a verb's results come from, and a `result` that stands nowhere else."""
        record = provenance.record(verb, started, **threads)
        if result is not None:
            record["result"] = result
        artifacts.write_json(self.path / "provenance" / f"{verb}.json", record)

    @contextlib.contextmanager
    def training_lock(self) -> Iterator[None]:
        """Hold the trainer's lock of this run; the system releases it however the process ends.

        Raises:
            MachineError: The lock cannot be written or taken.
            RunLocked: Another process trains in this run, or writes its configuration.
        """
        with self._lock("mimicrl train"):
            yield

    @contextlib.contextmanager
    def no_trainer(self) -> Iterator[None]:
        """Keep all trainers away while the run's files are written.

        Raises:
            MachineError: The lock cannot be written or taken.
            RunLocked: One works in this run, or someone else writes its files.
        """
        # Without run.json, which is written last, there is no run yet that a trainer could open.
        with self._lock("mimicrl init") if self.run_file.exists() else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def _lock(self, verb: str) -> Iterator[None]:
        with artifacts.machine_errors(self.lock_file):
            file = self.lock_file.open("a+", encoding="utf-8")
        with file:
            _take(file, self.lock_file)
            with artifacts.machine_errors(self.lock_file):
                file.truncate(0)
                # Not through the file's buffer, which would be tried again when the file is closed.
                owner = f"{verb} on host {provenance.host()}, process {os.getpid()}, since {provenance.now()}\n"
                os.write(file.fileno(), owner.encode())
            yield


def _take(lock: TextIO, path: Path) -> None:
    """Take a run's lock until the file is closed, or tell who has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        raise RunLocked(
            "another trainer works in this run",
            where=path.parent,
            got=lock.read().strip() or "an unnamed owner",
            fix="wait for it or stop it",
        ) from error
    except OSError as error:
        raise MachineError(
            "the lock of a run cannot be taken",
            where=path,
            got=error.strerror,
            fix="put the results on a file system that has locks",
        ) from error


def fingerprint(config: RunConfig, *, motion_sha256: str, walker_sha256: str) -> str:
    """Return the name of a training state: 12 hexadecimal digits.

    It covers all that weights and ``best`` depend on: walker and motion by content, MDP, training, evaluation, seed.
    It leaves out names, logging, what is off (`mimicrl.schema.essence`), and the budget where no schedule stretches
    with it, so that a longer budget extends a training.
    """
    training = essence(config.training)
    if not (config.training.learning_rate.follows_budget or config.training.clip_range.follows_budget):
        del training["total_timesteps"]
    content = {
        "formula": FORMULA,
        "walker": walker_sha256,
        "motion": motion_sha256,
        "mdp": essence(config.mdp),
        "training": training,
        "evaluation": essence(config.evaluation),
        "seed": config.seed,
    }
    return artifacts.sha256(artifacts.canonical_json(content).encode())[:12]
