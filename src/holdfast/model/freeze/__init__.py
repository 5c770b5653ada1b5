"""Freezing: how the developer's classes become the catalog, one file for each noun. `freeze.catalog` runs the passes."""
