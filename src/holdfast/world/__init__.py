"""Floor 5: time, dice and secrets of the real world, behind `ports.world`."""
