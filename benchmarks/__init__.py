"""Benchmarks of speed and learning: each is one command that prints a table."""
