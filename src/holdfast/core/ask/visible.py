"""What a caller may see, as far as asking goes: the one seam between permission and lists, filters, sorts and views."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.core.condition import Condition
from holdfast.model.catalog import FieldSpec, ResourceSpec

_NOTHING: frozenset[str] = frozenset()
_UNMASKED: Mapping[str, Condition] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Visible:
    """Which fields a caller may read, and which rows of each resource. What is not visible is unknown, never dropped.

    hidden  resource path -> members that the caller may not read; secret fields are hidden from everyone
    guards  resource path -> the condition that a row must meet to be seen through a reference or an include
    masks   resource path -> member -> the condition that a row must meet for its member to be shown. Such a member is no name to ask
            by: what is filtered or sorted by it would tell of rows where it may not be read
    """

    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    guards: Mapping[str, Condition] = field(default_factory=dict)
    masks: Mapping[str, Mapping[str, Condition]] = field(default_factory=dict)

    def hidden_in(self, resource: ResourceSpec) -> frozenset[str]:
        """The members of a resource that the caller may read in no row, secret ones aside."""
        return self.hidden.get(resource.path, _NOTHING)

    def masks_of(self, resource: ResourceSpec) -> Mapping[str, Condition]:
        """The members of a resource that the caller may read in some rows alone."""
        return self.masks.get(resource.path, _UNMASKED)

    def fields(self, resource: ResourceSpec) -> tuple[FieldSpec, ...]:
        """The fields that the caller may read in every row, in catalog order."""
        hidden, masks = self.hidden_in(resource), self.masks_of(resource)
        return tuple(each for each in resource.fields if each.secret is None and each.member not in hidden and each.member not in masks)

    def guard(self, resource: ResourceSpec) -> Condition | None:
        """The rows that the caller may see; None: every row."""
        return self.guards.get(resource.path)


EVERYTHING = Visible()
"""Every field that is not secret, every row."""
