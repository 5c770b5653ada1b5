"""Floor 1: words that everyone uses. Standard library only; no clock, no dice, no I/O."""
