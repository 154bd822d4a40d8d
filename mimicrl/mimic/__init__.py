"""Preparing a run directory."""
