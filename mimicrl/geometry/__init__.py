"""Rotations and frames, as pure functions on arrays."""
