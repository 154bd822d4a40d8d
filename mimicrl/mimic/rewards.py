"""The imitation reward: four kernels of the error against the reference, total and terms.

Kernels have DeepMimic's form, weight · exp(−scale · squared error) (Peng et al., *DeepMimic*, ACM TOG 37(4), 2018,
section 5, eqs. 3-7). One function a kernel returns its exponent, scale · squared error, shape ``(N,)``; 0 is the
reference itself.
"""

from __future__ import annotations

import numpy as np

from mimicrl.config.mdp import RewardsConfig, RootKernelConfig
from mimicrl.mimic.deviation import Deviation
from mimicrl.rotations import Array

TERMS = ("pose", "velocity", "end_effector", "root")


def pose(deviation: Deviation, scale: float) -> Array:
    """Exponent for root orientation and joint angles: scale (Σ Δq² + angle²) [rad], after DeepMimic eq. 4."""
    return scale * (deviation.joint_angles_squared + deviation.rotation_rad**2)


def velocity(deviation: Deviation, scale: float) -> Array:
    """Exponent for joint velocities and the root's turning: scale (Σ Δq̇² + |Δω|²) [rad/s], DeepMimic eq. 5."""
    return scale * deviation.rates_squared


def end_effector(deviation: Deviation, scale: float) -> Array:
    """Exponent for heels and balls relative to the root: scale Σ |Δp|² [m], DeepMimic eq. 6."""
    return scale * deviation.feet_squared


def root(deviation: Deviation, scales: RootKernelConfig) -> Array:
    """Exponent for root height, horizontal velocity and place beside the line, where DeepMimic's eq. 7 has the mass.

    a Δz² + b (Δvx² + Δvy²) + c Δy² in metres and m/s; b and c are not DeepMimic's: they hold the walker at the
    reference's speed and on its line.
    """
    offset, slip = deviation.root_position_w**2, deviation.root_velocity_w**2
    return (
        scales.height_scale * offset[:, 2]
        + scales.velocity_scale * (slip[:, 0] + slip[:, 1])
        + scales.lateral_scale * offset[:, 1]
    )


def imitation(deviation: Deviation, config: RewardsConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return the reward and its weighted terms.

    Returns:
        The reward in [0, 1], float32, shape ``(N,)``, and its terms in the order of `TERMS`, float32, shape
        ``(N, 4)``. A state that is not finite earns 0.
    """
    terms = np.empty((len(TERMS), len(deviation.rotation_rad)))
    terms[0] = pose(deviation, config.pose.scale)
    terms[1] = velocity(deviation, config.velocity.scale)
    terms[2] = end_effector(deviation, config.end_effector.scale)
    terms[3] = root(deviation, config.root)
    np.exp(np.negative(terms, out=terms), out=terms)
    weights = (config.pose.weight, config.velocity.weight, config.end_effector.weight, config.root.weight)
    terms *= np.array(weights)[:, None]
    np.copyto(terms, 0.0, where=np.isnan(terms))
    total = terms[0] + terms[1] + terms[2] + terms[3]
    return total.astype(np.float32), terms.T.astype(np.float32, order="C")
