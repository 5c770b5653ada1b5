"""Pure rendering of plans to SQL with SQLAlchemy Core; no driver, no I/O."""
