"""Floor 4: what the engine needs from the world, as Protocols."""
