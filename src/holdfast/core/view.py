"""A view: which members of a record are shown, in which order, and what is included beside them."""

from dataclasses import dataclass

from holdfast.core.condition import Condition
from holdfast.model.catalog import FieldSpec, ResourceSpec


@dataclass(frozen=True, slots=True)
class Include:
    """A record shown inside another, under the Ref field's name; null where there is none or `guard` hides it."""

    field: FieldSpec
    view: "View"
    guard: Condition | None = None


@dataclass(frozen=True, slots=True)
class Mask:
    """A field that is shown in some rows alone: where it does not hold, the member is left out."""

    field: FieldSpec
    where: Condition


@dataclass(frozen=True, slots=True)
class View:
    """What of a resource is shown. `etag_salt` is the short hash of everything here that changes the bytes of an answer.

    fields  shown in every row
    masks   shown after those, each where its condition holds
    """

    resource: ResourceSpec
    fields: tuple[FieldSpec, ...]
    includes: tuple[Include, ...] = ()
    etag_salt: str = ""
    masks: tuple[Mask, ...] = ()

    def __hash__(self) -> int:
        """Of what tells views apart, without walking through all fields: each read looks its statement up by its view."""
        return hash((self.etag_salt, self.includes, self.masks))
