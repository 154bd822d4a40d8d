"""A training from its first sample, or from a checkpoint, to its end."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable

import torch
from stable_baselines3.common.callbacks import CallbackList

from mimicrl import faultpoints, seeding
from mimicrl.envs.task import Task
from mimicrl.errors import ArtifactError, MimicError, TrainingDiverged
from mimicrl.evaluation.evaluator import Evaluator
from mimicrl.learning.ppo import MimicPPO
from mimicrl.mdp.terminations import reasons
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.runs.records import Outcome
from mimicrl.training import describe, stopping, vec_envs
from mimicrl.training.callbacks import BoundaryCallback, EpisodeCallback
from mimicrl.training.checkpoints import resume as resuming
from mimicrl.training.checkpoints import snapshot, store
from mimicrl.training.checkpoints.resume import Resume
from mimicrl.training.checkpoints.writer import CheckpointWriter
from mimicrl.training.evaluation import Evaluations
from mimicrl.training.reporting.attempts import CurrentAttempt
from mimicrl.training.reporting.history import History
from mimicrl.training.reporting.progress import Reporter
from mimicrl.training.stopping import StopRequest


class Trainer:
    """A learner with all that belongs to it: environments, evaluations, checkpoints, history.

    Args:
        run: The run, whose lock the caller holds.
        resume: Which checkpoint to continue from: ``never`` none, ``must`` fails where there is none.
        cores: Cores to use; any number gives the same weights. The physics takes so many threads, and with two or more
            the critic learns beside the actor.
        stop: Whether a signal has asked to stop.

    Attributes:
        problem: What diverged, once training has ended so; the last finite policy is the final one.

    Raises:
        ArtifactError: There are checkpoints and none is valid, or there is none and one must be; or the history does
            not go as far as the checkpoint.
        ConfigError: The configuration asks for fewer samples than were taken.
        MachineError: The disk is full, or a checkpoint cannot be read.
    """

    def __init__(self, run: Run, resume: Resume, cores: int, stop: StopRequest) -> None:
        torch.set_num_threads(1)  # in each operation: with more a product has other last digits
        self._run, self._stop = run, stop
        self._token = secrets.token_hex(8)
        self.problem: TrainingDiverged | None = None
        task = Task.of_run(run)
        self._about = describe.policy(run, task)
        point = resuming.find(run, resume)
        self._resumed = point.checkpoint is not None  # perhaps from a checkpoint of no samples
        streams = seeding.streams(run.config.seed)
        with contextlib.ExitStack() as opened:  # closes what is open already when something fails here
            with vec_envs.naming_dead_workers():
                environments = vec_envs.make(run, task, cores)
            opened.callback(vec_envs.close, environments)
            self._model = MimicPPO(run.config.training, environments, streams.policy, cores)
            opened.callback(self._model.learner.close)
            environments.seed(streams.environments)
            if point.checkpoint is None:
                store.remove_all(run.training.checkpoints_directory)  # before the history is cut that they know
            else:
                with vec_envs.naming_dead_workers(environments):
                    snapshot.restore(point.checkpoint, point.record, self._model)
            self._start = self._model.num_timesteps
            self._progress = Reporter(run, self._start, self._token)
            opened.callback(self._progress.close)
            self._history = History(run, point.record.offsets, point.record.tensorboard, self._progress.say)
            opened.callback(self._history.close)
            self._model.set_logger(self._history.logger)
            store.set_aside_newer(run.training.checkpoints_directory, self._start)
            evaluator = Evaluator(task, run.config.evaluation, cores)
            self._evaluations = Evaluations(run, evaluator, point.record.evaluation, point.best_policy)
            self._checkpoints = CheckpointWriter(run, self._start, point.platforms)
            self._earlier_seconds, self._begin = point.record.seconds, time.monotonic()
            parameters = sum(parameter.numel() for parameter in self._model.policy.parameters())
            title, *introduction = describe.training(run, task, parameters, self._start)
            self._progress.say(title)
            for line in introduction:
                self._progress.detail(line)
            for warning in point.warnings:
                self._progress.say(f"warning: {warning}")
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close everything, also after an error and where closing one thing fails."""
        self._opened.close()

    def train(self, publish: Callable[[Outcome], None]) -> Outcome:
        """Train to the budget and write the results, also those of a training that diverged.

        Args:
            publish: Writes ``outcome.json``, when all that it tells of is there.

        Raises:
            Interrupted: A signal stopped training; a checkpoint was written.
        """
        why = "failed"
        attempt = CurrentAttempt(self._run.training, self._run.progress_file, self._start, self._token)
        try:
            self._publish_start()
            with vec_envs.naming_dead_workers(self._model.normalizer):
                self._learn()
            outcome = self._finish(publish)
            why = outcome.status
        except MimicError as error:
            why = error.what
            raise
        finally:
            attempt.end(self._model.num_timesteps, why)
        return outcome

    def _publish_start(self) -> None:
        """Write the policies of this training by now, where the run may have trained another configuration since."""
        initial, target = self._run.training.initial_policy_directory, self._run.policy_directory("init")
        if not self._resumed:
            policy = self._policy()
            policy.save(initial)  # it belongs to this training, whatever the run trains next
            policy.save(target)
            return
        with contextlib.suppress(ArtifactError):  # damaged since; an evaluation of another training's is refused
            Policy.load(initial).save(target)
        if self._evaluations.best_policy:
            self._evaluations.best_policy.save(self._run.policy_directory("best"))

    def _seconds(self) -> float:
        """Return the seconds of training so far, over all its attempts."""
        return self._earlier_seconds + time.monotonic() - self._begin

    def _policy(self) -> Policy:
        """Return the policy as it is now."""
        return self._model.export(self._about | {"samples": self._model.num_timesteps})

    def _learn(self) -> None:
        """Train to the budget, or until it diverges."""
        remaining = self._run.config.training.total_timesteps - self._start
        if remaining <= 0:
            return
        episodes = EpisodeCallback(
            self._run.training.divergences_directory, reasons(self._run.config.mdp.terminations)[1:]
        )
        callbacks = CallbackList([episodes, BoundaryCallback(self._at_boundary)])
        try:
            # No log interval: Stable-Baselines3 would write the row before the update it is about.
            self._model.learn(remaining, callbacks, log_interval=None, reset_num_timesteps=False)  # type: ignore[arg-type]
            self._save()
        except TrainingDiverged as error:
            self.problem = error

    def _at_boundary(self) -> None:
        """Do what is due between an update and the next rollout, in this order: a checkpoint knows all before it."""
        faultpoints.reach("train.rollout")
        samples = self._model.num_timesteps
        if self._evaluations.due(samples):
            self._evaluate(samples)
        if samples > self._start:  # else no update came before
            self._model.dump_logs()  # one row: the rollout, the update and the evaluation
        if self._checkpoints.due(samples):
            self._save()
        self._tell("running")
        if self._stop.number is not None:
            self._save()
            self._tell("stopped")
            raise stopping.interruption(self._stop.number, f"after {samples} samples")

    def _evaluate(self, samples: int) -> None:
        earlier = self._evaluations.state.first_success
        row = self._evaluations.evaluate(self._policy(), samples)
        clocks = {"training_seconds": self._seconds(), "cpu_seconds": time.process_time()}
        self._history.evaluations.append(row | clocks)
        summary = self._evaluations.last
        assert summary is not None
        for name, value in summary.as_dict().items():
            self._model.logger.record(f"eval/{name}", value)
        self._progress.detail(f"{samples:>9,} samples: {summary.describe()}")
        first = self._evaluations.state.first_success
        if first is not None and earlier is None:
            self._progress.say(f"first success after {first:,} samples: all episodes stable, twice in a row")

    def _save(self) -> None:
        self._checkpoints.save(self._model, self._evaluations, self._history, self._seconds())

    def _tell(self, state: str) -> None:
        lengths = [episode["l"] for episode in self._model.ep_info_buffer or []]
        self._progress.tell(state, self._model.num_timesteps, self._evaluations.last, lengths)

    def _finish(self, publish: Callable[[Outcome], None]) -> Outcome:
        """Write the final and the best policy, the tables and, last, the outcome."""
        faultpoints.reach("train.finished")
        run, evaluated = self._run, self._evaluations.state
        if self.problem:
            self._model.dump_logs()  # what the update that diverged reported
        first = evaluated.first_success
        # An evaluation that all episodes of the last policies passed is remembered until one fails.
        walks = "falls" if evaluated.passed is None else "walks"
        outcome = Outcome(
            status="diverged" if self.problem else "completed",
            verdict=walks if evaluated.best else None,
            samples=self._model.num_timesteps,
            total_timesteps=run.config.training.total_timesteps,
            fingerprint=run.fingerprint,
            first_success_samples=first,
            first_success_simulated_s=None if first is None else first / run.config.mdp.control_hz,
            best=evaluated.best.as_json() if evaluated.best else None,
            train_seconds=round(self._seconds(), 3),
            evaluation_seconds=round(evaluated.seconds, 3),
            problem=str(self.problem) if self.problem else None,
        )
        final = self._policy()
        final.save(run.policy_directory("final"))
        faultpoints.reach("train.policy")
        # Where no evaluation fell into the budget, the final one is the best there is.
        (self._evaluations.best_policy or final).save(run.policy_directory("best"))
        self._history.write_tables(run)
        publish(outcome)
        self._tell(outcome.status)
        return outcome
