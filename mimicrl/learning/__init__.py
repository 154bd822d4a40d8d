"""PPO: Stable-Baselines3's, with the fast update or its own; the normaliser, the schedules and the finite check."""
