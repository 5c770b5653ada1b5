"""Composition: reads settings, picks the adapters and wires them. The only room that names an adapter."""
