"""What a caller may see, as far as asking goes: the one seam between permission and lists, filters, sorts and views."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.core.condition import Condition
from holdfast.model.catalog import FieldSpec, ResourceSpec


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What a caller may see of one resource.

    hidden  members that the caller may read in no row; secret fields are hidden from everyone
    guard   the condition that a row must meet to be seen through a reference or an include; None: every row is seen
    masks   member -> the condition that a row must meet for its member to be shown. Such a member is no name to ask by: what is filtered
            or sorted by it would tell of rows where it may not be read
    """

    hidden: frozenset[str] = frozenset()
    guard: Condition | None = None
    masks: Mapping[str, Condition] = field(default_factory=dict)


class Sights(dict[str, Sight]):
    """Resource path -> what is seen of it. A resource of which nothing is said is seen whole."""

    def __missing__(self, path: str) -> Sight:
        return _WHOLE


@dataclass(frozen=True, slots=True, eq=False)
class Visible:
    """Which fields a caller may read, and which rows of each resource. What is not visible is unknown, never dropped."""

    sights: Mapping[str, Sight]

    def hidden_in(self, resource: ResourceSpec) -> frozenset[str]:
        """The members of a resource that the caller may read in no row, secret ones aside."""
        return self.sights[resource.path].hidden

    def masks_of(self, resource: ResourceSpec) -> Mapping[str, Condition]:
        """The members of a resource that the caller may read in some rows alone."""
        return self.sights[resource.path].masks

    def fields(self, resource: ResourceSpec) -> tuple[FieldSpec, ...]:
        """The fields that the caller may read in every row, in catalog order."""
        sight = self.sights[resource.path]
        unseen = sight.hidden | sight.masks.keys()
        return tuple(each for each in resource.shown_fields if each.member not in unseen)

    def guard(self, resource: ResourceSpec) -> Condition | None:
        """The rows that the caller may see; None: every row."""
        return self.sights[resource.path].guard


_WHOLE = Sight()

EVERYTHING = Visible(Sights())
"""Every field that is not secret, every row."""
