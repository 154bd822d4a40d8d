"""`mimicrl train`: from a run directory to its policies, starting or continuing."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import asdict

import pandas as pd
import torch
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import KVWriter

from mimicrl import artifacts, faultpoints, provenance, seeding
from mimicrl.envs.task import Task
from mimicrl.errors import ArtifactError, ConfigError, MimicError, TrainingDiverged
from mimicrl.evaluation import evaluator
from mimicrl.mdp.terminations import reasons
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training import checkpoint, describe, devices, machine, resuming, saving, stopping, vec_envs
from mimicrl.training.attempts import Attempt
from mimicrl.training.callbacks import EpisodeCallback, LogCallback
from mimicrl.training.evaluation import EvaluationCallback
from mimicrl.training.logs import JsonLines, MetricsWriter, TensorBoardWriter, Terminal, read_json_lines
from mimicrl.training.outcome import Outcome
from mimicrl.training.ppo import MimicPPO
from mimicrl.training.progress import Progress, Stopwatch
from mimicrl.training.resuming import Resume
from mimicrl.training.rows import OrderedLogger
from mimicrl.training.saving import CheckpointCallback
from mimicrl.training.stopping import StopRequest
from mimicrl.training.wandb import WandbWriter


def train(
    run: RunDirectory, *, resume: Resume = "auto", record_divergence: bool = False, threads: int | None = None
) -> Outcome:
    """Train a run to its budget, from its newest checkpoint where there is one.

    Args:
        run: The run.
        resume: ``never`` starts from nothing, ``must`` fails where there is no checkpoint.
        record_divergence: Return the outcome of a training that diverged instead of raising.
        threads: Threads of the physics and the learner, and with more than PyTorch's own a process that evaluates; any
            number gives the same weights.

    Raises:
        ArtifactError: There are checkpoints and none is valid, or there is none and one must be; or the history does
            not go as far as the checkpoint.
        ConfigError: The configuration asks for more torch threads than there are, for something that this machine does
            not compute with (`mimicrl.training.devices`), or for fewer samples than were taken.
        Interrupted: A signal stopped training; a checkpoint was written.
        MachineError: The disk or a graphics card's memory is full, or a checkpoint cannot be read.
        RunLocked: Another process trains in this run.
        TrainingDiverged: Training diverged; the last finite policy is the final one.
    """
    with run.training_lock():
        return train_locked(run, resume=resume, record_divergence=record_divergence, threads=threads)


def train_locked(
    run: RunDirectory, *, resume: Resume = "auto", record_divergence: bool = False, threads: int | None = None
) -> Outcome:
    """Train a run whose lock the caller holds; see `train`."""
    started = provenance.now()
    threads = threads or provenance.usable_cores()
    torch_threads = run.config.training.torch_threads
    _set_torch_threads(torch_threads, threads)
    run.identity()

    def sign() -> None:
        run.write_provenance("train", started, physics=threads, torch=torch_threads)

    stop = StopRequest()
    with stopping.handled_by(stop):
        _sweep(run)
        try:
            with contextlib.closing(_Training(run, resume, threads, stop)) as training:
                return training.learn(record_divergence, sign)
        except BaseException:
            sign()
            raise


class _Training:
    """A learner with all that belongs to it: environments, files, callbacks."""

    @devices.card_memory()
    def __init__(self, run: RunDirectory, resume: Resume, threads: int, stop: StopRequest) -> None:
        self.run, self.config = run, run.config
        self.task = Task.of_run(run)
        found, problems = resuming.find(run, resume)
        self._resumed = found is not None  # perhaps from a checkpoint of no samples
        extra, best_policy = saving.read(found) if found else (saving.fresh(), None)
        streams = seeding.streams(self.config.seed)
        self._about = describe.policy(run, self.task)
        self._token = secrets.token_hex(8)
        folder = run.training_directory / "checkpoints"
        with contextlib.ExitStack() as opened:  # closes what is open already when something fails here
            self.environments = vec_envs.make(run, self.task, threads)
            opened.callback(self.environments.close)
            self.model = MimicPPO(self.config.training, self.environments, streams.policy, threads)
            self.environments.seed(streams.environments)
            if found:
                checkpoint.restore(found, self.model)
            else:
                checkpoint.remove_all(folder)  # before the history is cut that they know
            self.lines: dict[str, JsonLines] = {}
            for name, offset in asdict(extra.offsets).items():
                self.lines[name] = lines = JsonLines(run.training_directory / f"{name}.jsonl", offset)
                opened.callback(lines.close)
                read_json_lines(lines.path)  # damage is told now, not when all is done
            self._from = self.model.num_timesteps
            left = self._from < self.config.training.total_timesteps
            evaluates = evaluator.make(run, self.task, threads if left else 1)
            opened.callback(evaluates.close)
            checkpoint.set_aside_newer(folder, self._from)
            self.terminal = Terminal(self.config, self._from)
            opened.callback(self.terminal.close)
            self.stopwatch = Stopwatch(extra.seconds)
            self.evaluation = EvaluationCallback(
                run,
                evaluates,
                self._about,
                self.lines["evaluations"],
                self.terminal,
                self.stopwatch,
                extra.evaluation,
                best_policy,
            )
            machines, changed = machine.history(extra.machines, self.config.training.device)
            progress = Progress(run, self.terminal, self._from, self._token)
            self.checkpoints = CheckpointCallback(
                run, self.evaluation, self.lines, self.stopwatch, progress, stop, self._from, machines
            )
            self.model.set_logger(self._logger(extra.tensorboard))
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

    def learn(self, record_divergence: bool, sign: Callable[[], None]) -> Outcome:
        """Train to the budget and write the results.

        Args:
            record_divergence: Return the outcome of a training that diverged instead of raising.
            sign: Writes where the results come from.
        """
        why = "failed"
        attempt = Attempt(self.run.training_directory, self.run.progress_file, self._from, self._token)
        try:
            self._publish_start()
            problem = self._learn()
            outcome = self._finish(problem, sign)
            why = outcome.status
        except MimicError as error:
            why = error.what
            raise
        finally:
            attempt.end(self.model.num_timesteps, why)
        if problem is not None and not record_divergence:
            raise problem
        return outcome

    def _publish_start(self) -> None:
        """Write the policies of this training by now, where the run may have trained another configuration since."""
        initial, target = self.run.training_directory / "policies" / "init", self.run.policy_directory("init")
        if not self._resumed:
            policy = self.model.export(self._about | {"samples": 0})
            policy.save(initial)  # it belongs to this training, whatever the run trains next
            policy.save(target)
            return
        with contextlib.suppress(ArtifactError):  # damaged since; an evaluation of another training's is refused
            Policy.load(initial).save(target)
        if self.evaluation.best_policy:
            self.evaluation.best_policy.save(self.run.policy_directory("best"))

    @devices.card_memory()
    def _learn(self) -> TrainingDiverged | None:
        """Train to the budget; return what diverged."""
        remaining = self.config.training.total_timesteps - self.model.num_timesteps
        dumps = self.run.training_directory / "diverged"
        callbacks = CallbackList(
            [
                self.evaluation,
                EpisodeCallback(dumps, reasons(self.config.mdp.terminations)[1:]),
                LogCallback(),
                self.checkpoints,
            ]
        )
        callbacks.init_callback(self.model)  # also where nothing is left to learn
        try:
            if remaining > 0:
                # No log interval: Stable-Baselines3 would write the row before the update it is about.
                self.model.learn(remaining, callbacks, log_interval=None, reset_num_timesteps=False)  # type: ignore[arg-type]
        except TrainingDiverged as error:
            return error
        return None

    def close(self) -> None:
        """Close everything, also after an error and where closing one thing fails."""
        self._opened.close()

    def _finish(self, problem: TrainingDiverged | None, sign: Callable[[], None]) -> Outcome:
        """Write the final and the best policy, the tables, where they come from and, last, the outcome."""
        faultpoints.reach("train.finished")
        run, model, state = self.run, self.model, self.evaluation.state
        self.evaluation.finish()
        if problem:
            model.dump_logs()  # what the update that diverged reported
        first = state.first_success
        outcome = Outcome(
            status="diverged" if problem else "completed",
            samples=model.num_timesteps,
            total_timesteps=self.config.training.total_timesteps,
            fingerprint=run.fingerprint,
            first_success_samples=first,
            first_success_simulated_s=None if first is None else first / self.config.mdp.control_hz,
            best=state.best.as_json() if state.best else None,
            train_seconds=round(self.stopwatch.seconds, 3),
            evaluation_seconds=round(state.seconds, 3),
            problem=str(problem) if problem else None,
        )
        final = model.export(self._about | {"samples": model.num_timesteps})
        final.save(run.policy_directory("final"))
        faultpoints.reach("train.policy")
        # Where no evaluation fell into the budget, the final one is the best there is.
        (self.evaluation.best_policy or final).save(run.policy_directory("best"))
        for name, target in (("metrics", run.metrics_file), ("evaluations", run.evaluations_file)):
            artifacts.write_parquet(target, pd.DataFrame(read_json_lines(self.lines[name].path)))
        sign()
        artifacts.write_json(run.outcome_file, asdict(outcome))
        self.checkpoints.finish(outcome.status)
        return outcome

    def _logger(self, tensorboard: dict[str, int]) -> OrderedLogger:
        """Return the learner's logger; TensorBoard's files are cut back to the lengths the checkpoint knows."""
        writers: list[KVWriter] = [MetricsWriter(self.lines["metrics"])]
        if self.config.logging.tensorboard:
            writers.append(TensorBoardWriter(self.run.tensorboard_directory, tensorboard))
        if self.config.logging.wandb != "disabled":
            history = read_json_lines(self.lines["metrics"].path)
            writers.append(WandbWriter(self.config, self.run.training_directory / "wandb", self.terminal.say, history))
        return OrderedLogger(writers)


def _sweep(run: RunDirectory) -> None:
    """Remove what a killed training left, but not what another verb may be writing beside it."""
    own = run.training_directory
    for folder in (own, own / "checkpoints", own / "diverged", *own.glob("policies/*"), *run.path.glob("policies/*")):
        artifacts.sweep(folder)
    results = (run.metrics_file, run.evaluations_file, run.outcome_file, run.progress_file)
    for file in (*results, run.path / "provenance" / "train.json"):
        artifacts.sweep(file.parent, file.name)


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
