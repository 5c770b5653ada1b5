"""The servers that are measured. Each runs alone, as its users would run it."""
