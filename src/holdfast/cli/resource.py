"""Finds the resource that a command names."""

from difflib import get_close_matches

from holdfast.base.errors import Misconfigured
from holdfast.model.catalog import Catalog, ResourceSpec


def find_resource(catalog: Catalog, name: str) -> ResourceSpec:
    """The resource of this path ("books") or class name ("Book"); Misconfigured with the nearest one."""
    for each in catalog.resources.values():
        if name in {each.path, each.name}:
            return each
    paths = list(catalog.resources)
    near = get_close_matches(name.lower(), paths, n=1)
    raise Misconfigured(name, "There is no such resource.", f"Did you mean {near[0]}?" if near else f"There are: {', '.join(paths)}.")
