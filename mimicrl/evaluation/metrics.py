"""What makes a walk stable, and the figures that sum up an evaluation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from mimicrl.evaluation.rollout import Episodes
from mimicrl.mdp.terminations import TIME

if TYPE_CHECKING:
    import pandas as pd

_SLOW_MPS, _SLOW_SHARE = 0.9, 0.8


def stable_distance(speed_mps: float, seconds: float, distance_m: float) -> float:
    """Return the net way forward [m] that makes an episode stable.

    Args:
        speed_mps: The reference's speed.
        seconds: Length of an episode.
        distance_m: The usual demand; references slower than 0.9 m/s, and episodes too short for
            it, need 80 % of the reference's own way instead.
    """
    way_m = speed_mps * seconds
    return distance_m if speed_mps >= _SLOW_MPS and way_m >= distance_m else _SLOW_SHARE * way_m


def stable(episodes: Episodes, needed_m: float) -> np.ndarray:
    """Return which episodes ran to their end without a fall and got far enough, bool, shape ``(E,)``."""
    return (episodes.reason == TIME) & (episodes.distance_m >= needed_m)


@dataclass(frozen=True)
class Summary:
    """An evaluation in figures; means over its episodes.

    Attributes:
        stable: Number of stable episodes.
        episodes: Number of episodes.
        imitation_reward: Mean reward a step, at most 1.
        speed_mps: Net way forward over duration.
        speed_error: TrackingError of the speed from the reference's, as a share of it.
        joint_error_deg: Mean absolute error over all joints.
        upright: Mean cosine between trunk and vertical.
        distance_m: Net way forward.
        duration_s: Length of the episodes.
        lateral_drift_m: Mean distance from the line at the end.
    """

    stable: int
    episodes: int
    imitation_reward: float
    speed_mps: float
    speed_error: float
    joint_error_deg: float
    upright: float
    distance_m: float
    duration_s: float
    lateral_drift_m: float

    @property
    def all_stable(self) -> bool:
        """Whether every episode was stable."""
        return self.stable == self.episodes

    @property
    def score(self) -> tuple[int, float]:
        """What `best` maximises: stable episodes, then imitation reward.

        The reward counts for as long as the episodes lasted, or a walker that falls at once would pass for good.
        """
        return self.stable, self.imitation_reward * self.duration_s

    def describe(self) -> str:
        """Return the figures in one line."""
        return (
            f"stable {self.stable}/{self.episodes}, reward {self.imitation_reward:.3f}, "
            f"{self.speed_mps:.2f} m/s ({100 * self.speed_error:.0f} % off), "
            f"joint error {self.joint_error_deg:.1f}°, upright {self.upright:.3f}, "
            f"{self.distance_m:.1f} m in {self.duration_s:.1f} s"
        )

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


def summarize(episodes: Episodes, needed_m: float, reference_speed_mps: float) -> Summary:
    """Sum up an evaluation.

    Args:
        episodes: The episodes.
        needed_m: Way forward of a stable one, `stable_distance`.
        reference_speed_mps: The reference's speed.
    """
    speed = float((episodes.distance_m / episodes.duration_s).mean())
    return Summary(
        stable=int(stable(episodes, needed_m).sum()),
        episodes=len(episodes.reason),
        imitation_reward=float(episodes.reward.mean()),
        speed_mps=speed,
        speed_error=abs(speed - reference_speed_mps) / max(abs(reference_speed_mps), 1e-9),
        joint_error_deg=float(np.degrees(episodes.joint_error_rad.mean())),
        upright=float(episodes.upright.mean()),
        distance_m=float(episodes.distance_m.mean()),
        duration_s=float(episodes.duration_s.mean()),
        lateral_drift_m=float(np.abs(episodes.lateral_drift_m).mean()),
    )


def episodes_table(
    episodes: Episodes, needed_m: float, reference_speed_mps: float, joint_names: tuple[str, ...]
) -> pd.DataFrame:
    """Return ``episodes.parquet``: a row an episode."""
    import pandas as pd  # half a second that training's evaluations, beside it, go without

    columns: dict[str, object] = {
        "episode": np.arange(len(episodes.reason)),
        "start_phase": episodes.start_phase,
        "distance_m": episodes.distance_m,
        "speed_mps": episodes.distance_m / episodes.duration_s,
        "reference_speed_mps": np.full(len(episodes.reason), reference_speed_mps),
        "duration_s": episodes.duration_s,
        "reason": [episodes.reasons[reason] for reason in episodes.reason],
        "stable": stable(episodes, needed_m),
        "reward": episodes.reward,
    }
    columns |= {f"reward_{name}": episodes.terms[:, k] for k, name in enumerate(episodes.reward_names)}
    columns |= {f"error_{name}_rad": episodes.joint_error_rad[:, j] for j, name in enumerate(joint_names)}
    columns |= {"upright": episodes.upright, "lateral_drift_m": episodes.lateral_drift_m}
    return pd.DataFrame(columns)
