"""Finds the resource that a command names."""

from holdfast.base.errors import Misconfigured
from holdfast.base.hint import suggest
from holdfast.model.catalog import Catalog, ResourceSpec


def find_resource(catalog: Catalog, name: str) -> ResourceSpec:
    """The resource of this path ("books") or class name ("Book"); Misconfigured with the nearest one."""
    for each in catalog.resources.values():
        if name in {each.path, each.name}:
            return each
    raise Misconfigured(name, "There is no such resource.", suggest(name, catalog.resources))
