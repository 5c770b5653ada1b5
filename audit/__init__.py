"""Outsiders' tools against the served library: `make audit-self`."""
