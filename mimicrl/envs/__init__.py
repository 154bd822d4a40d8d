"""Three views of the task: Gymnasium, Stable-Baselines3 (batched), and the task itself."""
