"""Benchmarks of speed and learning. Each is one command that prints tables."""

import os

# Before PyTorch is imported: idle threads of the classic stack must not spin on a core where others are timed.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
