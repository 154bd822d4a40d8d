"""Benchmarks of speed and learning: each is one command that prints a table."""

import os

# Before PyTorch is imported: idle threads of the classic stack must not spin on a core that others are timed on.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
