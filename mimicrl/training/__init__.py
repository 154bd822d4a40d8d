"""Training: proximal policy optimisation that can be stopped, continued and traced."""
