"""Rolling out a policy from given starts, all in one batch; rows that ended are no longer stepped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from mimicrl.geometry.rotations import Array
from mimicrl.mdp.state import BodyState
from mimicrl.mdp.step import MimicBatch
from mimicrl.mdp.terminations import DIVERGED, RUNNING
from mimicrl.policy import Policy

# Called after each step with the batch, the rows that are still going and finite, and the states of all rows.
Watch = Callable[[MimicBatch, np.ndarray, BodyState], None]


@dataclass(frozen=True, eq=False)
class Episodes:
    """What happened in each of E episodes. All arrays have E rows.

    Attributes:
        start_phase: Where in the cycle the episode started.
        duration_s: How long it lasted.
        reason: Why it ended, an index into `reasons`.
        reasons: Names of the reasons.
        reward_names: Names of the reward's K terms.
        distance_m: Net way forward along the line.
        lateral_drift_m: Distance from the line at the end, left positive.
        reward: Mean imitation reward a step.
        terms: Mean of each reward term, shape ``(E, K)``.
        joint_error_rad: Mean absolute error of each joint, shape ``(E, J)``.
        upright: Mean cosine between the trunk and the vertical.
    """

    start_phase: Array
    duration_s: Array
    reason: np.ndarray
    distance_m: Array
    lateral_drift_m: Array
    reward: Array
    terms: Array
    joint_error_rad: Array
    upright: Array
    reasons: tuple[str, ...]
    reward_names: tuple[str, ...]


def start_phases(episodes: int, *, shifted: bool = False) -> Array:
    """Return evenly spread starts over the cycle; shifted, they lie halfway between the others.

    Args:
        episodes: Number of starts.
        shifted: Take the second set.
    """
    return (np.arange(episodes) + 0.5 * shifted) / episodes


@threadpool_limits.wrap(limits=1, user_api="blas")  # with more threads a product has other last digits
def roll_out(policy: Policy, batch: MimicBatch, phases: Array, watch: Watch | None = None) -> Episodes:
    """Run one episode from each start.

    NumPy's matrix products get one thread meanwhile, for the same bits whatever ``OPENBLAS_NUM_THREADS`` says.

    Args:
        policy: Acts deterministically, always on the whole batch.
        batch: As many simulations as starts, made for evaluation.
        phases: The starts, shape ``(E,)``.
        watch: Sees every step.
    """
    joints = len(batch.walker.joint_names)
    reward, upright = np.zeros(batch.count), np.zeros(batch.count)
    terms, error = np.zeros((batch.count, len(batch.reward_names))), np.zeros((batch.count, joints))
    reason = np.full(batch.count, RUNNING)
    observation = batch.reset(phase=phases)
    position = batch.simulation.qpos[:, :2].copy()  # the last one that was sane
    start = position[:, 0].copy()
    going = np.ones(batch.count, bool)
    rows = None
    while going.any():
        step = batch.step(policy.predict(observation), rows)
        observation, state, reference = step.observation, step.state, step.reference
        np.add(reward, step.reward, out=reward, where=going)
        np.add(terms, step.terms, out=terms, where=going[:, None])
        sane = going & (step.reason != DIVERGED)
        np.add(upright, state.upright, out=upright, where=sane)
        np.add(error, np.abs(state.joint_angles_rad - reference.joint_angles_rad), out=error, where=sane[:, None])
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
        distance_m=position[:, 0] - start,
        lateral_drift_m=position[:, 1],
        reward=reward / steps,
        terms=terms / steps[:, None],
        joint_error_rad=error / steps[:, None],
        upright=upright / steps,
        reasons=batch.reasons,
        reward_names=batch.reward_names,
    )
