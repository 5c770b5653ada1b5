"""Floor 5: the order of steps, and every await."""
