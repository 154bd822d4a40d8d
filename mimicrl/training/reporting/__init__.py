"""Where a training reports to: append-only files, TensorBoard, Weights & Biases, the terminal."""
