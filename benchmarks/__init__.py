"""Benchmarks of speed and learning: each is one command that prints a table."""

import os

# As the command line sets it, before PyTorch is imported; in one process it is the same for all contenders.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
