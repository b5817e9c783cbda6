"""Models: weights we hold. What one job made may teach the next."""
