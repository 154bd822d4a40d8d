"""Checkpoints: their files, what they hold, when they are written, and which one a training continues from."""
