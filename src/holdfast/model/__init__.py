"""Floor 2: the developer's classes, frozen into plain descriptions. No I/O, no SQL, no HTTP."""
