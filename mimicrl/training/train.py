"""`mimicrl train`: from a run directory to its policies, starting or continuing."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd
import torch
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import KVWriter, Logger

from mimicrl import artifacts, faultpoints, provenance, seeding
from mimicrl.errors import ArtifactError, ConfigError, MimicError, TrainingDiverged
from mimicrl.mimic.task import Task
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training import checkpoint, describe, machine, vec_envs
from mimicrl.training.attempts import Attempt
from mimicrl.training.callbacks import (
    CheckpointCallback,
    EpisodeCallback,
    EvaluationCallback,
    LogCallback,
    Stopwatch,
    publish,
)
from mimicrl.training.logs import JsonLines, MetricsWriter, TensorBoardWriter, Terminal, read_json_lines
from mimicrl.training.ppo import MimicPPO
from mimicrl.training.wandb import WandbWriter

Resume = Literal["auto", "never", "must"]


@dataclass(frozen=True)
class Outcome:
    """How a training ended; the content of ``outcome.json``.

    Attributes:
        status: ``completed`` or ``diverged``.
        samples: Environment steps taken.
        total_timesteps: The budget.
        fingerprint: The training state.
        first_success_samples: Samples at the first of two evaluations in a row in which all episodes were stable.
        first_success_simulated_s: The same in simulated seconds.
        best: The best evaluation.
        train_seconds: Wall time of training, all attempts together.
        evaluation_seconds: Of which evaluations took.
        problem: What diverged.
    """

    status: Literal["completed", "diverged"]
    samples: int
    total_timesteps: int
    fingerprint: str
    first_success_samples: int | None
    first_success_simulated_s: float | None
    best: dict[str, Any] | None
    train_seconds: float
    evaluation_seconds: float
    problem: str | None


def train(
    run: RunDirectory, *, resume: Resume = "auto", record_divergence: bool = False, threads: int | None = None
) -> Outcome:
    """Train a run to its budget, from its newest checkpoint where there is one.

    Args:
        run: The run.
        resume: ``never`` starts from nothing, ``must`` fails where there is no checkpoint.
        record_divergence: Return the outcome of a training that diverged instead of raising.
        threads: Threads of the physics; any number gives the same weights.

    Raises:
        ArtifactError: There are checkpoints and none is valid, or there is none and one must be.
        ConfigError: The configuration asks for more torch threads than there are, or for fewer samples than were taken.
        Interrupted: A signal stopped training; a checkpoint was written.
        RunLocked: Another process trains in this run.
        TrainingDiverged: Training diverged; the last finite policy is the final one.
    """
    started = provenance.now()
    threads = threads or provenance.usable_cores()
    _set_torch_threads(run.config.training.torch_threads, threads)
    with run.training_lock():
        run.identity()
        _sweep(run)
        try:
            with contextlib.closing(_Training(run, resume, threads)) as training:
                outcome = training.learn(record_divergence)
        finally:
            run.write_provenance("train", started, physics=threads, torch=run.config.training.torch_threads)
    return outcome


class _Training:
    """A learner with all that belongs to it: environments, files, callbacks."""

    def __init__(self, run: RunDirectory, resume: Resume, threads: int) -> None:
        self.run, self.config = run, run.config
        self.task = Task.of_run(run)
        found, problems = _find_checkpoint(run, resume)
        self._resumed = found is not None  # perhaps from a checkpoint of no samples
        extra: dict[str, Any] = found.state["extra"] if found else {}
        streams = seeding.streams(self.config.seed)
        self._about = describe.policy(run, self.task)
        with contextlib.ExitStack() as opened:  # closes what is open already when something fails here
            self.environments = vec_envs.make(run, self.task, threads)
            opened.callback(self.environments.close)
            self.model = MimicPPO(self.config.training, self.environments, streams.policy)
            self.environments.seed(streams.environments)
            if found:
                checkpoint.restore(found, self.model)
            checkpoint.remove_newer(run.training_directory / "checkpoints", self.model.num_timesteps)
            self._from = self.model.num_timesteps
            offsets = extra.get("offsets", {})
            self.lines = {
                name: JsonLines(run.training_directory / f"{name}.jsonl", offsets.get(name, 0))
                for name in ("metrics", "evaluations")
            }
            for lines in self.lines.values():
                opened.callback(lines.close)
            self.terminal = Terminal(self.config, self._from)
            opened.callback(self.terminal.close)
            self.stopwatch = Stopwatch(extra.get("seconds", 0.0))
            self.evaluation = EvaluationCallback(
                run,
                self.task,
                self._about,
                self.lines["evaluations"],
                self.terminal,
                threads,
                self.stopwatch,
                extra.get("evaluation"),
            )
            machines, changed = machine.history(extra.get("machines", []))
            self.checkpoints = CheckpointCallback(
                run, self.evaluation, self.lines, self.terminal, self.stopwatch, self._from, machines
            )
            self.model.set_logger(self._logger(extra.get("tensorboard", {})))
            opened.callback(self.model.logger.close)
            self._introduce(problems, changed)
            self._opened = opened.pop_all()

    def _introduce(self, problems: list[str], changed: list[str]) -> None:
        parameters = sum(parameter.numel() for parameter in self.model.policy.parameters())
        for line in describe.training(self.run, self.task, parameters, self._from):
            self.terminal.say(line)
        for problem in problems:
            self.terminal.say(f"warning: going on from an older checkpoint: {problem}")
        if changed:
            self.terminal.say(f"warning: bitwise promise void: {'; '.join(changed)}")

    def learn(self, record_divergence: bool) -> Outcome:
        """Train to the budget and write the results."""
        model, why, problem = self.model, "failed", None
        attempt = Attempt(self.run.training_directory, self.run.progress_file, self._from)
        remaining = self.config.training.total_timesteps - model.num_timesteps
        callbacks = CallbackList(
            [
                self.evaluation,
                EpisodeCallback(self.run.training_directory / "diverged"),
                LogCallback(),
                self.checkpoints,
            ]
        )
        try:
            if not self._resumed:
                publish(self.run, "init", model.export(self._about | {"samples": 0}))
            else:
                self._publish_again()
            callbacks.init_callback(model)  # also where nothing is left to learn
            with _stopping_on_signals(self.checkpoints):
                if remaining > 0:
                    # No log interval: Stable-Baselines3 would write the row before the update it is about.
                    model.learn(remaining, callbacks, log_interval=None, reset_num_timesteps=False)  # type: ignore[arg-type]
            why = "completed"
        except TrainingDiverged as error:
            why, problem = "diverged", error
        except MimicError as error:
            why = error.what
            raise
        finally:
            attempt.end(model.num_timesteps, why)
        outcome = self._finish(problem)
        if problem is not None and not record_divergence:
            raise problem
        return outcome

    def _publish_again(self) -> None:
        """Put back the policies of this training, where the run has trained another configuration since."""
        for name in ("init", "best"):
            # One that was being written when the process was killed is written again in the course of training.
            with contextlib.suppress(ArtifactError):
                Policy.load(self.run.training_directory / "policies" / name).save(self.run.policy_directory(name))

    def close(self) -> None:
        """Close everything, also after an error and where closing one thing fails."""
        self._opened.close()

    def _finish(self, problem: TrainingDiverged | None) -> Outcome:
        """Write the final policy, the tables and, last, the outcome."""
        faultpoints.reach("train.finished")
        run, model, state = self.run, self.model, self.evaluation.state
        if problem:
            model.dump_logs()  # what the update that diverged reported
        first = state["first_success"]
        outcome = Outcome(
            status="diverged" if problem else "completed",
            samples=model.num_timesteps,
            total_timesteps=self.config.training.total_timesteps,
            fingerprint=run.fingerprint,
            first_success_samples=first,
            first_success_simulated_s=None if first is None else first / self.config.mimic.control_hz,
            best=state["best"],
            train_seconds=round(self.stopwatch.seconds, 3),
            evaluation_seconds=round(state["seconds"], 3),
            problem=str(problem) if problem else None,
        )
        final = model.export(self._about | {"samples": model.num_timesteps})
        final.save(run.policy_directory("final"))
        faultpoints.reach("train.policy")
        if state["best"] is None:  # no evaluation fell into the budget
            final.save(run.policy_directory("best"))
        for name, target in (("metrics", run.metrics_file), ("evaluations", run.evaluations_file)):
            artifacts.write_parquet(target, pd.DataFrame(read_json_lines(self.lines[name].path)))
        artifacts.write_json(run.outcome_file, asdict(outcome))
        self.checkpoints.finish(outcome.status)
        return outcome

    def _logger(self, tensorboard: dict[str, int]) -> Logger:
        """Return the learner's logger; TensorBoard's files are cut back to the lengths the checkpoint knows."""
        writers: list[KVWriter] = [MetricsWriter(self.lines["metrics"])]
        if self.config.logging.tensorboard:
            writers.append(TensorBoardWriter(self.run.tensorboard_directory, tensorboard))
        if self.config.logging.wandb != "disabled":
            history = read_json_lines(self.lines["metrics"].path)
            writers.append(WandbWriter(self.config, self.run.training_directory / "wandb", self.terminal.say, history))
        return Logger(None, writers)


def _sweep(run: RunDirectory) -> None:
    """Remove what a killed training left, but not what another verb may be writing beside it."""
    own = run.training_directory
    for folder in (own, own / "checkpoints", own / "diverged", *own.glob("policies/*"), *run.path.glob("policies/*")):
        artifacts.sweep(folder)
    results = (run.metrics_file, run.evaluations_file, run.outcome_file, run.progress_file)
    for file in (*results, run.path / "provenance" / "train.json"):
        artifacts.sweep(file.parent, file.name)


def _find_checkpoint(run: RunDirectory, resume: Resume) -> tuple[checkpoint.Checkpoint | None, list[str]]:
    if resume == "never":
        return None, []
    training = run.config.training
    limit = training.total_timesteps + training.n_envs * training.n_steps - 1
    directory = run.training_directory / "checkpoints"
    # Not from an older checkpoint either: the longer training's best policy has replaced what was best by then.
    if any(samples > limit for samples in checkpoint.samples_saved(directory)):
        raise ConfigError(
            "the training has gone further than its budget",
            where=directory,
            got=f"total_timesteps {training.total_timesteps}",
            fix="raise total_timesteps, or start from nothing with --resume never",
        )
    found, problems = checkpoint.newest(directory, run.fingerprint)
    if problems and not found:
        raise ArtifactError(
            "no checkpoint can be read",
            where=directory,
            got="; ".join(problems),
            fix="start from nothing with --resume never",
        )
    if resume == "must" and not found:
        raise ArtifactError("there is no checkpoint to continue from", where=directory, fix="run without --resume must")
    return found, problems


def _set_torch_threads(wanted: int, available: int) -> None:
    if wanted > available:
        raise ConfigError(
            "more torch threads than this job may use",
            where="training.torch_threads",
            got=wanted,
            expected=f"at most {available}",
            fix="lower it, or give the job more threads",
        )
    torch.set_num_threads(wanted)


@contextlib.contextmanager
def _stopping_on_signals(checkpoints: CheckpointCallback) -> Iterator[None]:
    """Stop at the next rollout boundary on SIGTERM, SIGUSR1 or Ctrl-C, while the block runs."""
    # Python allows handlers in the main thread only; elsewhere the program that called decides.
    main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT) if main else ()
    before = {number: signal.signal(number, checkpoints.request_stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
