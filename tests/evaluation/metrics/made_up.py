"""Episodes that never were, for tests of metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from mimicrl.evaluation.metrics import Evaluation, judge
from mimicrl.evaluation.rollout import Episodes
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.terminations import TIME, reasons
from mimicrl.protocols import Standard

REWARDS, JOINTS = ("pose", "root", "effort"), ("hip_r", "hip_l")


def evaluation(**changes: Any) -> Evaluation:
    """Four good episodes of 20 s at 1 m/s, of which `changes` are facts or means."""
    ones = np.ones(4)
    means: dict[str, Any] = {
        "reward": 0.6 * ones,
        "reward_terms": np.full((4, len(REWARDS)), 0.2),
        "joint_error_deg": np.full((4, len(JOINTS)), np.pi / 180),
        "upright": 0.99 * ones,
    }
    facts: dict[str, Any] = {
        "start_phase": np.arange(4) / 4,
        "duration_s": 20 * ones,
        "reason": np.full(4, TIME),
        "reasons": reasons(MDPConfig().terminations),
        "distance_m": 20 * ones,
        "lateral_drift_m": np.array([0.5, -0.5, 0.1, -0.1]),
        "reference_speed_mps": 1.0,
        "reward_names": REWARDS,
        "joint_names": JOINTS,
    }
    for name, value in changes.items():
        (means if name in means else facts)[name] = value if isinstance(value, float | tuple) else np.asarray(value)
    return judge(Episodes(**facts, means=means), Standard())
