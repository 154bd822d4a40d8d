"""Pictures of simulated states, without a display."""
