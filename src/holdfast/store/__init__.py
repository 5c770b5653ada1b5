"""Floor 5: adapters that run plans on a database."""
