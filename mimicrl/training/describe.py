"""A training in words: what ``policy.json`` tells besides the network, and what the user is told at the start."""

from __future__ import annotations

from typing import Any

from mimicrl import machine
from mimicrl.envs.task import Task
from mimicrl.runs import Run


def policy(run: Run, task: Task) -> dict[str, Any]:
    """Return where a run's policies come from and what their numbers mean."""
    config = run.config
    return {
        "study": config.study,
        "experiment": config.experiment,
        "seed": config.seed,
        "fingerprint": run.fingerprint,
        "observation": [row._asdict() for row in task.batch(1).observation.rows],
        "action": {"kind": config.mdp.action.name(), "joints": list(task.walker.joint_names)},
        "control_hz": config.mdp.control_hz,
        "mirroring": config.mdp.mirroring,
        "versions": machine.versions(),
    }


def training(run: Run, task: Task, parameters: int, start: int) -> list[str]:
    """Return what is about to be trained: a line for the user, and details for the log.

    Args:
        run: The run.
        task: Its task.
        parameters: Number of the networks' parameters.
        start: Samples taken earlier.
    """
    config, ppo, walker, reference = run.config, run.config.training, task.walker, task.reference
    rows = {
        "walker": f"{walker.name}: {len(walker.joint_names)} joints, {walker.model.body_mass.sum():.1f} kg",
        "motion": f"{reference.clip.name}: {reference.speed_mps:.2f} m/s, cycle {reference.duration_s:.3f} s",
        "task": f"{config.mdp.action.name()} actions at {config.mdp.control_hz} Hz, mirroring {config.mdp.mirroring}",
        "PPO": f"{ppo.n_envs} × {ppo.n_steps} samples an update, batches of {ppo.batch_size}, {ppo.n_epochs} epochs, "
        f"γ {ppo.gamma:g}, λ {ppo.gae_lambda:g}",
        "networks": f"actor {ppo.net_arch.pi}, critic {ppo.net_arch.vf}: {parameters:,} parameters",
        "training state": str(run.training.path),
    }
    title = f"trains {config.study}/{config.experiment}/seed_{config.seed}: {ppo.total_timesteps:,} samples"
    return [title + (f", from {start:,}" if start else ""), *(f"{key:<16}{value}" for key, value in rows.items())]
