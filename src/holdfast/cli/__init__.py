"""Floor 8: the command line, one file for each command; loaded lazily."""
