"""A view: which members of a record are shown, in which order, and what is included beside them."""

import msgspec

from holdfast.core.condition import Condition
from holdfast.model.catalog import FieldSpec, ResourceSpec


class Include(msgspec.Struct, frozen=True, cache_hash=True):
    """A record shown inside another, under the Ref field's name; null where there is none or it is hidden.

    guard  must hold for it
    where  must hold for the other one, which shows its reference in some rows alone
    """

    field: FieldSpec
    view: "View"
    guard: Condition | None = None
    where: Condition | None = None


class Mask(msgspec.Struct, frozen=True, cache_hash=True):
    """A field that is shown in some rows alone: where it does not hold, the member is left out."""

    field: FieldSpec
    where: Condition


class View(msgspec.Struct, frozen=True, cache_hash=True):
    """What of a resource is shown. `etag_salt` is the short hash of everything here that changes the bytes of an answer.

    fields  shown in every row
    masks   shown after those, each where its condition holds
    """

    resource: ResourceSpec
    fields: tuple[FieldSpec, ...]
    includes: tuple[Include, ...] = ()
    etag_salt: str = ""
    masks: tuple[Mask, ...] = ()


def view_of_id(resource: ResourceSpec) -> View:
    """The view of the id alone: whether a record is there."""
    return View(resource, (resource.by_member["id"],))
