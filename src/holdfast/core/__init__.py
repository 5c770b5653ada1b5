"""Floor 3: what a request means. Values in, values out: no I/O, no clock, no dice, no logging."""
