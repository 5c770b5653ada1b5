"""What a caller may see, as far as asking goes: the one seam between permission and lists, filters, sorts and views."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.core.condition import Condition
from holdfast.model.catalog import FieldSpec, ResourceSpec

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Visible:
    """Which fields a caller may read, and which rows of each resource. What is not visible is unknown, never dropped.

    hidden  resource path -> members that the caller may not read; secret fields are hidden from everyone
    guards  resource path -> the condition that a row must meet to be seen through a reference or an include
    """

    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    guards: Mapping[str, Condition] = field(default_factory=dict)

    def hidden_in(self, resource: ResourceSpec) -> frozenset[str]:
        """The members of a resource that the caller may not read, secret ones aside."""
        return self.hidden.get(resource.path, _NOTHING)

    def fields(self, resource: ResourceSpec) -> tuple[FieldSpec, ...]:
        """The fields that the caller may read, in catalog order."""
        hidden = self.hidden_in(resource)
        return tuple(each for each in resource.fields if each.secret is None and each.member not in hidden)

    def guard(self, resource: ResourceSpec) -> Condition | None:
        """The rows that the caller may see; None: every row."""
        return self.guards.get(resource.path)


EVERYTHING = Visible()
"""Every field that is not secret, every row."""
