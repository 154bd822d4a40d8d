"""What a training continues from: a checkpoint, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.learning.ppo import MimicPPO
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.training.checkpoints import extra, machines, store
from mimicrl.training.checkpoints.extra import Extra
from mimicrl.training.checkpoints.store import Checkpoint

Resume = Literal["auto", "never", "must"]


@dataclass(frozen=True)
class ResumePoint:
    """What a training continues from.

    Attributes:
        directory: The folder of checkpoints.
        checkpoint: The checkpoint; None where training starts from nothing.
        extra: What it holds besides the learner.
        best_policy: The best policy by then.
        machines: The machines that the training was on, the last one this.
        warnings: What the user should know.
    """

    directory: Path
    checkpoint: Checkpoint | None
    extra: Extra
    best_policy: Policy | None
    machines: list[dict[str, Any]]
    warnings: list[str]

    def restore(self, model: MimicPPO) -> None:
        """Put a fresh learner and its fresh environments where training continues.

        Raises:
            ArtifactError: The checkpoint is not of such a learner; nothing was changed.
        """
        if self.checkpoint is None:
            store.remove_all(self.directory)  # before the history is cut that they know
        else:
            store.restore(self.checkpoint, model)

    def set_aside_newer(self, samples: int) -> None:
        """Rename the checkpoints with more samples; see `store.set_aside_newer`."""
        store.set_aside_newer(self.directory, samples)


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
    known, best_policy = extra.read(found) if found else (extra.fresh(), None)
    known_machines, changed = machines.history(known.machines)
    warnings = [f"going on from an older checkpoint: {problem}" for problem in problems]
    warnings += [f"bitwise promise void: {'; '.join(changed)}"] if changed else []
    return ResumePoint(run.training.checkpoints_directory, found, known, best_policy, known_machines, warnings)


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
            fix="raise total_timesteps, or start from nothing with --resume never",
        )
    found, problems = store.newest(directory, run.fingerprint)
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
