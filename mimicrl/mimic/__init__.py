"""The task of imitation as a Markov decision process: pure, batched functions and three views of them."""
