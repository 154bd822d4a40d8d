"""Rolling out a policy from given starts, all in one batch. A simulation whose episode ended is no longer stepped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from mimicrl.evaluation import metrics
from mimicrl.geometry.rotations import Array
from mimicrl.mdp.state import BodyState
from mimicrl.mdp.step import MimicBatch
from mimicrl.mdp.terminations import DIVERGED, RUNNING
from mimicrl.policy import Policy

# Called after each step with the batch, the rows whose episode goes on and is finite, and the states of all rows.
Watch = Callable[[MimicBatch, np.ndarray, BodyState], None]


@dataclass(frozen=True, eq=False)
class Episodes:
    """The results of E episodes. All arrays have E rows.

    Attributes:
        start_phase: Phase of the gait cycle at the start of the episode.
        duration_s: Length of the episode.
        reason: Why the episode ended, an index into `reasons`.
        reasons: Names of the reasons.
        distance_m: Net distance forward along the line.
        lateral_drift_m: Distance from the line at the end, left positive.
        means: Mean of each `StepMetric` over the steps of an episode, by the name of the metric. Each has the shape
            ``(E,)`` or ``(E, K)``.
        reference_speed_mps: Speed of the reference, the same for all episodes.
        reward_names: Names of the reward's terms.
        joint_names: Names of the joints.
    """

    start_phase: Array
    duration_s: Array
    reason: np.ndarray
    reasons: tuple[str, ...]
    distance_m: Array
    lateral_drift_m: Array
    means: dict[str, Array]
    reference_speed_mps: float
    reward_names: tuple[str, ...]
    joint_names: tuple[str, ...]

    @property
    def reason_names(self) -> list[str]:
        """Why each episode ended, by name, length E."""
        return [self.reasons[code] for code in self.reason]


@threadpool_limits.wrap(limits=1, user_api="blas")  # more threads change the last digits of a product
def roll_out(policy: Policy, batch: MimicBatch, phases: Array, watch: Watch | None = None) -> Episodes:
    """Run one episode from each start.

    During the rollout, NumPy's matrix products use one thread. So the bits do not depend on ``OPENBLAS_NUM_THREADS``.

    Args:
        policy: The policy. It acts deterministically, and always on the whole batch.
        batch: As many simulations as starts, made for evaluation.
        phases: The starts, shape ``(E,)``.
        watch: Called after every step.
    """
    measured = [metric for metric in metrics.found() if isinstance(metric, metrics.StepMetric)]
    sums: dict[str, Array] = {}
    reason = np.full(batch.count, RUNNING)
    observation = batch.reset(phase=phases)
    position = batch.simulation.qpos[:, :2].copy()  # the last position before a divergence
    start = position[:, 0].copy()
    going = np.ones(batch.count, bool)
    rows = None
    while going.any():
        step = batch.step(policy.predict(observation), rows)
        observation, state = step.observation, step.state
        sane = going & (step.reason != DIVERGED)
        for metric in measured:
            values, where = metric.of_step(step, batch), going if metric.after_divergence else sane
            total = sums[metric.name] if metric.name in sums else sums.setdefault(metric.name, np.zeros(values.shape))
            np.add(total, values, out=total, where=where if values.ndim == 1 else where[:, None])
        if watch is not None:
            watch(batch, np.flatnonzero(sane), state)
        np.copyto(position, state.root_position_w[:, :2], where=sane[:, None])
        ended = going & (step.terminated | step.truncated)
        if ended.any():
            np.copyto(reason, step.reason, where=ended)
            going &= ~ended
            rows = np.flatnonzero(going)
    steps = batch.steps.astype(float)
    return Episodes(
        start_phase=np.array(phases),
        duration_s=steps * batch.control_dt,
        reason=reason,
        reasons=batch.reasons,
        distance_m=position[:, 0] - start,
        lateral_drift_m=position[:, 1],
        means={name: total / (steps if total.ndim == 1 else steps[:, None]) for name, total in sums.items()},
        reference_speed_mps=batch.reference.speed_mps,
        reward_names=batch.reward_names,
        joint_names=batch.walker.joint_names,
    )
