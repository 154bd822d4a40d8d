"""The imitation reward: four kernels of the error against the reference, total and terms.

Kernels have DeepMimic's form, weight · exp(−scale · squared error) (Peng et al., *DeepMimic*, ACM TOG 37(4), 2018,
section 5, eqs. 3-7). Each kernel returns values from 0 to 1, shape ``(N,)``; 1 is the reference itself.
"""

from __future__ import annotations

import numpy as np

from mimicrl.config.mdp import RewardsConfig, RootKernelConfig
from mimicrl.mimic.state import BodyState
from mimicrl.motions.reference import ReferenceFrame
from mimicrl.rotations import Array

TERMS = ("pose", "velocity", "end_effector", "root")


def pose(state: BodyState, reference: ReferenceFrame, scale: float) -> Array:
    """Root orientation and joint angles: exp(−scale (Σ Δq² + angle²)) [rad], after DeepMimic eq. 4."""
    return np.exp(
        -scale
        * (
            _squared(state.joint_angles_rad - reference.joint_angles_rad)
            + rotation_error(state.root_quat_w, reference.root_quat_w) ** 2
        )
    )


def velocity(state: BodyState, reference: ReferenceFrame, scale: float) -> Array:
    """Joint velocities and the root's turning: exp(−scale (Σ Δq̇² + |Δω|²)) [rad/s], DeepMimic eq. 5."""
    return np.exp(
        -scale
        * (
            _squared(state.joint_velocities - reference.joint_velocities)
            + _squared(state.root_angular_velocity_b - reference.root_angular_velocity_b)
        )
    )


def end_effector(state: BodyState, reference: ReferenceFrame, scale: float) -> Array:
    """Heels and balls relative to the root: exp(−scale Σ |Δp|²) [m], DeepMimic eq. 6."""
    return np.exp(-scale * _squared(state.feet_h - reference.feet_h))


def root(state: BodyState, reference: ReferenceFrame, scales: RootKernelConfig) -> Array:
    """Root height, horizontal velocity and place beside the line, in the place of DeepMimic's centre of mass, eq. 7.

    exp(−a Δz² − b (Δvx² + Δvy²) − c Δy²) in metres and m/s; b and c are not DeepMimic's: they hold the walker
    at the reference's speed and on its line.
    """
    offset = state.root_position_w - reference.root_position_w
    slip = state.root_velocity_w - reference.root_velocity_w
    return np.exp(
        -scales.height_scale * offset[:, 2] ** 2
        - scales.velocity_scale * (slip[:, 0] ** 2 + slip[:, 1] ** 2)
        - scales.lateral_scale * offset[:, 1] ** 2
    )


def imitation(state: BodyState, reference: ReferenceFrame, config: RewardsConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return the reward and its weighted terms.

    Returns:
        The reward in [0, 1], float32, shape ``(N,)``, and its terms in the order of `TERMS`, float32, shape
        ``(N, 4)``. A state that is not finite earns 0.
    """
    terms = np.empty((len(state.phase), len(TERMS)))
    terms[:, 0] = config.pose.weight * pose(state, reference, config.pose.scale)
    terms[:, 1] = config.velocity.weight * velocity(state, reference, config.velocity.scale)
    terms[:, 2] = config.end_effector.weight * end_effector(state, reference, config.end_effector.scale)
    terms[:, 3] = config.root.weight * root(state, reference, config.root)
    np.copyto(terms, 0.0, where=np.isnan(terms))
    total = terms[:, 0] + terms[:, 1] + terms[:, 2] + terms[:, 3]
    return total.astype(np.float32), terms.astype(np.float32)


def rotation_error(quat: Array, reference: Array) -> Array:
    """Return the angle [rad] between orientations, shape ``(N,)``: 4 asin(|q ∓ r| / 2), of q and −q the nearer one.

    Unit quaternions a rotation of angle θ apart are a chord of 2 sin(θ / 4) apart (Huynh 2009, eq. 19), which, unlike
    their product, tells small angles exactly.
    """
    chord = np.sqrt(np.minimum(_squared(quat - reference), _squared(quat + reference)))
    return 4.0 * np.arcsin(np.minimum(0.5 * chord, 1.0))


def _squared(rows: Array) -> Array:
    # einsum sums a row in the same order whatever the number of rows; @ and sum() may not.
    return np.einsum("ij,ij->i", rows, rows)
