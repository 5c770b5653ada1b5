"""Known names: a refusal tells no member of which its caller may not know."""

from collections.abc import Callable, Iterator, Sequence

from holdfast.base.errors import Detail, detail
from holdfast.model.catalog import ResourceSpec

Known = Callable[[ResourceSpec, str], bool]
"""Whether a caller may know that a resource has this member. Pure."""


def all_known(_resource: ResourceSpec, _member: str) -> bool:
    """Every name is known."""
    return True


def tell(known: Known, resource: ResourceSpec, members: Sequence[str], code: str, together: str = "") -> Iterator[Detail]:
    """A detail at each of the members that is known, at the record itself where that is none.

    together  the message where there are several, with a place for their names
    """
    names = [each for each in members if known(resource, each)]
    message = together.format(", ".join(names)) if len(names) > 1 else None
    return (detail(each, code, message) for each in names or ("",))
