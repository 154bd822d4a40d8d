"""Walkers: simulated bodies described in MJCF."""

from mimicrl.walkers.registry import load, names
from mimicrl.walkers.walker import Walker

__all__ = ["Walker", "load", "names"]
