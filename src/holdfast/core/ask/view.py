"""Views: `fields` and `include` become what of a record is shown, and the salt of its ETags."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import assert_never

from holdfast.base.errors import Refused
from holdfast.base.hint import quote, suggest
from holdfast.base.limits import INCLUDES_MAX, PATH_STEPS_MAX
from holdfast.core.ask.path import find_field, find_reference
from holdfast.core.ask.visible import EVERYTHING, Visible
from holdfast.core.view import Include, Mask, View
from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
    Duration,
    FieldType,
    Float,
    Integer,
    Items,
    Mapping,
    Nested,
    Number,
    Reference,
    Text,
    Time,
    Timestamp,
    Uuid,
)

_ALWAYS_SHOWN = ("id", "version")
_VIEWS_KEPT_MAX = 256


@dataclass(slots=True)
class _Branch:
    """The includes below one record, by the name of the Ref field."""

    below: "dict[str, _Branch]" = field(default_factory=dict)

    def key(self) -> tuple[object, ...]:
        return tuple((name, branch.key()) for name, branch in sorted(self.below.items()))


class ViewReader:
    """Builds the views of one resource. Equal asks get the very same View object, so that the store can know it by identity."""

    def __init__(self, catalog: Catalog, resource: ResourceSpec) -> None:
        self._catalog, self._resource = catalog, resource
        self._kept: dict[object, View] = {}
        self._names_max = len(resource.shown_fields)
        self.default = self._build(None, _Branch(), EVERYTHING)

    def read(self, fields: Sequence[str] | None, include: Sequence[str] | None, visible: Visible = EVERYTHING) -> View:
        """The view of the named members (None: all) with what is included; refuses unknown_parameter."""
        if fields is None and include is None:
            return self.whole(visible)
        members = None if fields is None else self._read_fields(fields, visible)
        tree = _Branch() if include is None else self._read_include(include, visible)
        return self._kept_view(members, tree, visible)

    def whole(self, visible: Visible) -> View:
        """The view of every member that the caller may read."""
        sight = visible.sights[self._resource.path]
        if not sight.masks and not sight.hidden:
            return self.default
        key = visible if sight.masks else sight.hidden
        return self._kept.get(key) or self._keep(key, self._build(None, _Branch(), visible))

    def _kept_view(self, members: frozenset[str] | None, tree: _Branch, visible: Visible) -> View:
        """Guards and masks hold the caller's values, so what may have them is kept for that caller alone."""
        bound = visible is not EVERYTHING and (tree.below or visible.masks_of(self._resource))
        key = (members, tree.key(), visible if bound else visible.hidden_in(self._resource))
        return self._kept.get(key) or self._keep(key, self._build(members, tree, visible))

    def _keep(self, key: object, view: View) -> View:
        if len(self._kept) >= _VIEWS_KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = view
        return view

    def _build(self, members: frozenset[str] | None, tree: _Branch, visible: Visible) -> View:
        return _build_view(self._catalog, self._resource, members, tree, visible)

    def _read_fields(self, names: Sequence[str], visible: Visible) -> frozenset[str]:
        masks = visible.masks_of(self._resource)
        if len(names) > self._names_max:
            raise Refused("unknown_parameter", "`fields` names more members than there are.", hint="Name each once.")
        for name in names:
            if name not in masks and find_field(self._resource, name, visible) is None:
                raise _unknown_field(self._resource, name, visible)
        return frozenset((*names, *_ALWAYS_SHOWN))

    def _read_include(self, paths: Sequence[str], visible: Visible) -> _Branch:
        tree, count = _Branch(), 0
        for path in paths:
            names = path.split(".")
            if len(names) > PATH_STEPS_MAX:
                raise Refused("unknown_parameter", f"`include` goes too deep at {quote(path)}.", hint=f"At most {PATH_STEPS_MAX} steps.")
            count += self._plant(tree, names, visible)
        if max(count, len(paths)) > INCLUDES_MAX:
            raise Refused(
                "unknown_parameter",
                f"`include` names {max(count, len(paths))} references.",
                hint=f"At most {INCLUDES_MAX} can be included.",
            )
        return tree

    def _plant(self, tree: _Branch, names: list[str], visible: Visible) -> int:
        """Add one include path to the tree; returns how many references are new in it."""
        resource, new = self._resource, 0
        for position, name in enumerate(names):
            spec = _references(resource, visible).get(name)
            if spec is None:
                raise _unknown_include(resource, names[:position], name, visible)
            new += name not in tree.below
            tree = tree.below.setdefault(name, _Branch())
            resource = self._catalog.target(spec)
        return new


def _unknown_field(resource: ResourceSpec, name: str, visible: Visible) -> Refused:
    spec = find_reference(resource, name.partition(".")[0], visible)
    if spec is None:
        hint = suggest(name, [*(each.member for each in visible.fields(resource)), *visible.masks_of(resource)])
        return Refused("unknown_parameter", f"`fields` names {quote(name)}, which is unknown.", hint=hint)
    hint = f"`{spec.name}` is a reference: name its id, `{spec.member}`; `include={spec.name}` shows the record itself."
    return Refused("unknown_parameter", f"`fields` names {quote(name)}, which is no field of this record.", hint=hint)


def _unknown_include(resource: ResourceSpec, before: list[str], name: str, visible: Visible) -> Refused:
    prefix = "".join(f"{each}." for each in before)
    hint = suggest(name, tuple(_references(resource, visible)), prefix=prefix)
    reason = "is no reference" if find_field(resource, name, visible) is not None else "is unknown"
    return Refused("unknown_parameter", f"`include` names {quote(prefix + name)}, which {reason}.", hint=hint)


def _build_view(catalog: Catalog, resource: ResourceSpec, members: frozenset[str] | None, tree: _Branch, visible: Visible) -> View:
    """Fields and includes stand in catalog order, whatever the order of asking, so that one view has one spelling."""
    fields = tuple(each for each in visible.fields(resource) if members is None or each.member in members)
    includes = tuple(
        _build_include(catalog, resource, each, tree.below[name], visible)
        for name, each in (_references(resource, visible).items() if tree.below else ())
        if name in tree.below
    )
    masks = tuple(
        Mask(resource.by_member[member], where)
        for member, where in visible.masks_of(resource).items()
        if members is None or member in members
    )
    return View(resource, fields, includes, _salt(resource, (*fields, *(each.field for each in masks)), includes), masks)


def _build_include(catalog: Catalog, resource: ResourceSpec, spec: FieldSpec, tree: _Branch, visible: Visible) -> Include:
    target, where = catalog.target(spec), visible.masks_of(resource).get(spec.member)
    return Include(spec, _build_view(catalog, target, None, tree, visible), visible.guard(target), where)


def _references(resource: ResourceSpec, visible: Visible) -> dict[str, FieldSpec]:
    """The references that the caller may read in some row, by name, in catalog order."""
    hidden = visible.hidden_in(resource)
    return {each.name: each for each in resource.shown_fields if each.reference is not None and each.member not in hidden}


def _salt(resource: ResourceSpec, fields: tuple[FieldSpec, ...], includes: tuple[Include, ...]) -> str:
    """8 hex digits over everything that shapes the bytes of an answer, so that a new release never meets an old ETag."""
    shown = [f"{each.member}:{describe_type(each.type)}" for each in fields]
    beside = [f"{each.field.name}={each.view.etag_salt}" for each in includes]
    return blake2b("\n".join((resource.path, *shown, "", *beside)).encode(), digest_size=4).hexdigest()


def describe_type(kind: FieldType) -> str:
    """What of a type shapes its stored and shown forms; equal in every process."""
    match kind:
        case Number(places):
            return f"number.{places}"
        case Items(item):
            return f"items[{describe_type(item)}]"
        case Mapping(value):
            return f"mapping[{describe_type(value)}]"
        case Nested(_, members):
            return f"nested[{','.join(f'{each.name}:{describe_type(each.type)}' for each in members)}]"
        case Text() | Integer() | Float() | Boolean() | Date() | Time() | Timestamp() | Duration() | Uuid() | Choice() | Reference():
            return type(kind).__name__.lower()
        case _:
            assert_never(kind)
