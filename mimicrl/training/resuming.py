"""Which checkpoint a training goes on from, if any."""

from __future__ import annotations

from typing import Literal

from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.runs import RunDirectory
from mimicrl.training import checkpoint
from mimicrl.training.checkpoint import Checkpoint

Resume = Literal["auto", "never", "must"]


def find(run: RunDirectory, resume: Resume) -> tuple[Checkpoint | None, list[str]]:
    """Find the checkpoint that a training goes on from.

    Args:
        run: The run.
        resume: ``never`` starts from nothing, ``must`` fails where there is no checkpoint.

    Returns:
        The checkpoint, None at a beginning, and what is wrong with newer ones.

    Raises:
        ArtifactError: There are checkpoints and none is valid, or there is none and one must be.
        ConfigError: The training has gone further than its budget.
        MachineError: One cannot be read.
    """
    if resume == "never":
        return None, []
    training = run.config.training
    limit = training.total_timesteps + training.n_envs * training.n_steps - 1
    directory = run.training_directory / "checkpoints"
    # Not from an older checkpoint either: what the longer training came to would be lost.
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
