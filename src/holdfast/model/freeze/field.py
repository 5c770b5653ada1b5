"""How one field of a class becomes a FieldSpec. Its rules stay as written; `freeze.rule` settles them when all fields are known."""

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

from holdfast.base.errors import Misconfigured
from holdfast.base.hint import suggest
from holdfast.model.catalog import FieldSpec, OnDelete, Secret
from holdfast.model.field import OPTION_NAMES, Options
from holdfast.model.freeze.bound import BOUND_NAMES
from holdfast.model.freeze.default import check_default
from holdfast.model.freeze.hint import read_hint, split_optional
from holdfast.model.freeze.type import TypeReader
from holdfast.model.names import RESERVED_COLUMNS, RESERVED_FIELDS, is_member
from holdfast.model.rule import Rule
from holdfast.model.stored import to_stored
from holdfast.model.types import Document, Integer, Items, Reference, Text, TextFormat, Timestamp, Uuid

_FLAGS = ("unique", "index", "search", "readonly", "immutable", "deprecated")
_RULES = ("readable_by", "writable_by")

_FIRST = (
    FieldSpec("id", "id", Uuid(), required=False, system=True, immutable=True, unique=True),
    FieldSpec("version", "version", Integer(ge=1), required=False, system=True, readonly=True),
)
_LAST = (
    FieldSpec("created_at", "created_at", Timestamp(), required=False, system=True, readonly=True),
    FieldSpec("updated_at", "updated_at", Timestamp(), required=False, system=True, readonly=True),
    FieldSpec("created_by", "created_by_id", Uuid(), nullable=True, required=False, system=True, readonly=True),
)


def add_system_fields(declared: tuple[FieldSpec, ...]) -> tuple[FieldSpec, ...]:
    """All fields of a resource in the order in which they are shown."""
    return (*map(dataclasses.replace, _FIRST), *declared, *map(dataclasses.replace, _LAST))


def freeze_field(cls: type[Any], declared: "dataclasses.Field[Any]", reader: TypeReader, beside: Mapping[str, type[Any]]) -> FieldSpec:
    """Read one field; the first mistake in it is raised as Misconfigured."""
    place = f"{cls.__name__}.{declared.name}"
    _check_name(place, declared.name)
    given = _read_options(place, declared)
    hint, nullable = split_optional(read_hint(cls, declared.name, beside))
    type_ = reader.read(place, hint, {name: given[name] for name in BOUND_NAMES if name in given})
    spec = _build_spec(place, declared, given, FieldSpec(declared.name, declared.name, type_, nullable))
    _check_reference(place, spec, given)
    _check_secret(place, spec)
    _check_finding(place, spec)
    _check_default(place, spec)
    _check_examples(place, spec)
    return spec


def _check_name(place: str, name: str) -> None:
    if name == "access":
        raise Misconfigured(place, "access is no field, so it has no type.", "Write access = Access(...).")
    if name in RESERVED_FIELDS:
        raise Misconfigured(place, f"The name {name} belongs to Holdfast.", "Choose another name.")
    if not is_member(name):
        raise Misconfigured(place, f"{name} cannot be a column.", "Use 1 to 48 ASCII letters, digits and _, beginning with a letter.")
    if name.lower() in RESERVED_COLUMNS or name.lower().startswith("hf_"):
        raise Misconfigured(place, f"The database keeps the name {name} for itself.", "Choose another name.")


def _read_options(place: str, declared: "dataclasses.Field[Any]") -> Mapping[str, Any]:
    given: Mapping[str, Any] = declared.metadata[Options].given if Options in declared.metadata else {}
    for name, value in given.items():
        if name not in OPTION_NAMES:
            raise Misconfigured(place, f"field() knows no {name}.", suggest(name, sorted(OPTION_NAMES)))
        if name in _FLAGS and not isinstance(value, bool):
            raise Misconfigured(place, f"{name} is {value!r}.", f"Write {name}=True or leave it out.")
        if name == "examples" and not isinstance(value, list | tuple):
            raise Misconfigured(place, f"examples is {value!r}.", "Write examples=[...].")
        if name in _RULES and not isinstance(value, Rule):
            raise Misconfigured(place, f"{name} is {value!r}, which is no rule.", f'Write {name}=role("editor"), for example.')
    return given


def _build_spec(place: str, declared: "dataclasses.Field[Any]", given: Mapping[str, Any], base: FieldSpec) -> FieldSpec:
    optional = declared.default is not dataclasses.MISSING or declared.default_factory is not dataclasses.MISSING
    return dataclasses.replace(
        base,
        member=f"{base.name}_id" if base.reference else base.name,
        required=not optional,
        default=None if declared.default is dataclasses.MISSING else declared.default,
        factory=None if declared.default_factory is dataclasses.MISSING else declared.default_factory,
        secret=_one_of(place, "secret", Secret, given["secret"]) if "secret" in given else None,
        on_delete=_one_of(place, "on_delete", OnDelete, given.get("on_delete", "restrict")),
        was=_text(place, "was", given.get("was")),
        reverse=_text(place, "reverse", given.get("reverse")),
        description=_text(place, "description", given.get("description")) or "",
        examples=tuple(given.get("examples", ())),
        **{name: given[name] for name in (*_FLAGS, *_RULES) if name in given},
    )


def _one_of(place: str, name: str, kind: type[Enum], value: object) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise Misconfigured(place, f"{name} is {value!r}.", suggest(str(value), [each.value for each in kind])) from None


def _text(place: str, name: str, value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and value):
        raise Misconfigured(place, f"{name} is {value!r}.", f"Give {name} as text.")
    return value


def _check_reference(place: str, spec: FieldSpec, given: Mapping[str, Any]) -> None:
    for name in ("on_delete", "reverse"):
        if name in given and not isinstance(spec.type, Reference):
            raise Misconfigured(place, f"{name} is for a Ref alone.", f"Leave {name} out.")
    if spec.on_delete is OnDelete.SET_NULL and not spec.nullable:
        raise Misconfigured(place, "on_delete is set_null, but null is not accepted.", "Write Ref[...] | None, or another on_delete.")


def _check_secret(place: str, spec: FieldSpec) -> None:
    if spec.secret is None:
        return
    if not isinstance(spec.type, Text) or spec.type.format is not TextFormat.PLAIN:
        raise Misconfigured(place, "A secret is text.", "Write its type as str or str | None.")
    for name, says in (
        ("unique", spec.unique),
        ("index", spec.index),
        ("search", spec.search),
        ("readable_by", spec.readable_by is not None),
    ):
        if says:
            raise Misconfigured(place, f"A secret is never looked at, so {name} has no meaning.", f"Leave {name} out.")


def _check_finding(place: str, spec: FieldSpec) -> None:
    if spec.search and not isinstance(spec.type.item if isinstance(spec.type, Items) else spec.type, Text):
        raise Misconfigured(place, "Only text is searched.", "Leave search out, or make the field a str or list[str].")
    for name, says in (("unique", spec.unique), ("index", spec.index)):
        if says and isinstance(spec.type, Document):
            raise Misconfigured(
                place, f"A list, dict or nested object is stored as one document, so {name} has no meaning.", f"Leave {name} out."
            )


def _check_default(place: str, spec: FieldSpec) -> None:
    if not spec.required:
        check_default(place, spec.type, spec.default, spec.factory, nullable=spec.nullable)
    elif spec.readonly:
        raise Misconfigured(place, "It is readonly, so nobody can give its first value.", "Give it a default.")


def _check_examples(place: str, spec: FieldSpec) -> None:
    for example in spec.examples:
        try:
            to_stored(spec.type, example)
        except ValueError as error:
            raise Misconfigured(place, f"An example is not valid: {error}.", "Mend the example.") from None
