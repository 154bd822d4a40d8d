"""What a training continues from: a checkpoint, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.training.checkpoints import platforms, record, store
from mimicrl.training.checkpoints.record import TrainingRecord
from mimicrl.training.checkpoints.store import Checkpoint

Resume = Literal["auto", "never", "must"]


@dataclass(frozen=True)
class ResumePoint:
    """What a training continues from.

    Attributes:
        checkpoint: The checkpoint; None where training starts from nothing.
        record: What it holds besides arrays.
        best_policy: The best policy by then.
        platforms: The platforms that the training ran on, the last one this.
        warnings: What the user should know.
    """

    checkpoint: Checkpoint | None
    record: TrainingRecord
    best_policy: Policy | None
    platforms: list[dict[str, Any]]
    warnings: list[str]


def find(run: Run, resume: Resume) -> ResumePoint:
    """Find what a training continues from.

    Args:
        run: The run.
        resume: ``never`` starts from nothing, ``must`` fails where there is no checkpoint.

    Raises:
        ArtifactError: There are checkpoints and none is valid, or there is none and one must be.
        ConfigError: The training has gone further than its budget.
        MachineError: One cannot be read.
    """
    found, problems = _newest(run, resume)
    known, best_policy = record.read(found) if found else (TrainingRecord(), None)
    known_platforms, changed = platforms.history(known.platforms)
    warnings = [f"going on from an older checkpoint: {problem}" for problem in problems]
    warnings += [f"bitwise promise void: {'; '.join(changed)}"] if changed else []
    return ResumePoint(found, known, best_policy, known_platforms, warnings)


def _newest(run: Run, resume: Resume) -> tuple[Checkpoint | None, list[str]]:
    """Return the checkpoint that a training continues from, if any, and what is wrong with newer ones."""
    if resume == "never":
        return None, []
    training = run.config.training
    limit = training.total_timesteps + training.n_envs * training.n_steps - 1
    directory = run.training.checkpoints_directory
    # Not from an older checkpoint either: what the longer training came to would be lost.
    if any(samples > limit for samples in store.samples_saved(directory)):
        raise ConfigError(
            "the training has gone further than its budget",
            where=directory,
            got=f"total_timesteps {training.total_timesteps}",
            fix="raise total_timesteps, or start from zero with --resume never",
        )
    found, problems = store.newest(directory, run.fingerprint)
    if problems and not found:
        raise ArtifactError(
            "no checkpoint can be read",
            where=directory,
            got="; ".join(problems),
            fix="start from zero with --resume never",
        )
    if resume == "must" and not found:
        raise ArtifactError("there is no checkpoint to continue from", where=directory, fix="run without --resume must")
    return found, problems
