"""Figures, numbers and videos of a motion: what one can look at before anything is trained."""
