"""Motions: clips, where they come from, and the reference trajectory a walker follows."""

from mimicrl.motions.clip import MotionClip
from mimicrl.motions.reference import ReferenceTrajectory

__all__ = ["MotionClip", "ReferenceTrajectory"]
