"""Evaluation: what the deterministic policy does from evenly spread starts."""
