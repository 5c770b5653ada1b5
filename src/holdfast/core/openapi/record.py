"""The schemas of one resource: what is shown of a record, and what may be sent to make, replace and change one."""

from collections.abc import Iterator
from typing import get_args

import msgspec

from holdfast.base.limits import BULK_ROWS_MAX, INT_MAX, PAGE_LIMIT_MAX
from holdfast.core.journal import Operation
from holdfast.core.openapi import patterns
from holdfast.core.openapi.question import choice_name, references
from holdfast.core.openapi.schema import Schema, Use, build_object, build_schema, maybe, refer
from holdfast.model.catalog import SYSTEM_MEMBERS, Catalog, FieldSpec, ResourceSpec
from holdfast.model.json_form import to_json
from holdfast.model.types import Choice, Text, TextFormat


def build_record_components(catalog: Catalog, resource: ResourceSpec) -> Iterator[tuple[str, Schema]]:
    """(component name, schema) of everything that is sent and shown of a resource.

    Names with a dot are ours: no class can have one, so none can clash with another resource.
    """
    name = resource.name
    yield name, _build_whole(catalog, resource)
    yield f"{name}.part", _build_part(catalog, resource)
    yield f"{name}.shown", {"anyOf": [refer(name), refer(f"{name}.part")]}
    yield f"{name}.create", _build_create(resource)
    yield f"{name}.replace", _build_change(resource, Use.SENT)
    yield f"{name}.patch", _build_change(resource, Use.MERGED)
    yield f"{name}.answer", build_answer(refer(f"{name}.shown"))
    yield f"{name}.answers", build_answer({"type": "array", "items": refer(f"{name}.shown"), "maxItems": BULK_ROWS_MAX})
    yield f"{name}.page", build_page(refer(f"{name}.shown"), refer("list.meta"))
    yield f"{name}.history", _build_history(name)


def build_answer(data: Schema) -> Schema:
    """The envelope of a success."""
    return build_object({"success": {"type": "boolean", "const": True}, "data": data})


def build_page(item: Schema, meta: Schema) -> Schema:
    """The envelope of one page of a list."""
    data = {"type": "array", "items": item, "maxItems": PAGE_LIMIT_MAX}
    return build_object({"success": {"type": "boolean", "const": True}, "data": data, "meta": meta})


def _build_history(name: str) -> Schema:
    image = {"anyOf": [refer(name), {"type": "null"}]}
    properties = {
        **{each: ENTRY[each] for each in ("seq", "operation", "version", "at", "actor_id", "request_id")},
        "before": image | {"description": "The record before; null where there was none, it was erased, or it may not be seen."},
        "after": image | {"description": "The record after; null where there is none, it was erased, or it may not be seen."},
    }
    return build_page(build_object(properties), refer("history.meta"))


ENTRY: dict[str, Schema] = {
    "seq": {"type": "integer", "minimum": 1, "description": "The place of the change in the journal of everything."},
    "operation": {"type": "string", "enum": list(get_args(Operation))},
    "version": {"type": "integer", "minimum": 1, "description": "The version of the record after it; of a deletion, the last one."},
    "at": {"type": "string", "format": "date-time"},
    "actor_id": {"type": ["string", "null"], "description": "Who did it; null for a caller who was not signed in."},
    "request_id": {"type": "string", "description": "The X-Request-Id of the request that did it."},
}
"""The members that every entry of the journal has."""

HISTORY_META = build_object(
    {
        "limit": {"type": "integer", "minimum": 1},
        "next": {"type": ["integer", "null"], "description": "What to send as `after` for older entries; null at the end."},
    }
)
"""The `meta` of a history."""

META = build_object(
    {
        "total": {"type": "integer", "minimum": 0, "description": "All rows of the list; left out with `count=none`."},
        "page": {"type": "integer", "minimum": 1},
        "limit": {"type": "integer", "minimum": 1},
        "next": {"type": ["string", "null"], "description": "The cursor of the next page, for `after`; null at the end."},
    },
    ("page", "limit", "next"),
)
"""The `meta` of a list."""


def _build_whole(catalog: Catalog, resource: ResourceSpec) -> Schema:
    """A record with all its members; those that only some callers may read are not required."""
    schema = _build_shown(catalog, resource)
    return schema | {"required": [each.member for each in resource.shown_fields if each.readable_by is None]}


def _build_part(catalog: Catalog, resource: ResourceSpec) -> Schema:
    schema = _build_shown(catalog, resource)
    return schema | {"description": "What `fields` leaves of a record.", "required": ["id", "version"]}


def _build_shown(catalog: Catalog, resource: ResourceSpec) -> Schema:
    properties = {each.member: _field(resource, each, Use.SHOWN) for each in resource.shown_fields}
    included = {each.name: _included(catalog, each) for each in references(resource)}
    schema: Schema = {"type": "object", "properties": properties | included, "additionalProperties": False}
    return ({"description": resource.description} if resource.description else {}) | schema


def _included(catalog: Catalog, spec: FieldSpec) -> Schema:
    told = f"The record of `{spec.member}`, where `include` names it; null if there is none or it may not be read."
    return {"anyOf": [refer(catalog.target(spec).name), {"type": "null"}], "description": told}


def _build_create(resource: ResourceSpec) -> Schema:
    declared = [each for each in resource.fields if not each.system and not each.readonly]
    chosen = {
        "type": "string",
        "format": "uuid",
        "pattern": patterns.CHOSEN_ID,
        "description": "UUID version 4 or 7.",
    }
    members = {each.member: _with_default(each, _field(resource, each, Use.SENT)) for each in declared}
    return build_object({"id": chosen, **members}, (each.member for each in declared if each.required))


def _build_change(resource: ResourceSpec, use: Use) -> Schema:
    """A body of PUT (SENT) or PATCH (MERGED). What was read can be sent back: such members are accepted if they are unchanged."""
    properties: Schema = {}
    for spec in resource.fields:
        if spec.member == "version":
            properties["version"] = _VERSION
        elif _is_kept(spec):
            properties[spec.member] = _field(resource, spec, Use.SENT) | {"readOnly": True}
        else:
            schema = _field(resource, spec, use)
            properties[spec.member] = _with_default(spec, schema) if use is Use.SENT else schema
    required = [each.member for each in resource.fields if _is_needed(each)] if use is Use.SENT else []
    return {"type": "object", "properties": properties, "additionalProperties": False, **({"required": required} if required else {})}


_VERSION: Schema = {
    "type": "integer",
    "format": "int64",
    "minimum": 1,
    "maximum": INT_MAX,
    "description": "The version that was read, as in If-Match: another one is refused with 409.",
}


def _is_kept(spec: FieldSpec) -> bool:
    """Whether a change leaves the field as it is: sent along, it must equal what is stored."""
    return spec.member in SYSTEM_MEMBERS or spec.readonly or spec.immutable


def _is_needed(spec: FieldSpec) -> bool:
    """Whether PUT must name the field. A secret one keeps its value if left out."""
    return spec.required and not _is_kept(spec) and spec.secret is None


def _field(resource: ResourceSpec, spec: FieldSpec, use: Use) -> Schema:
    plain = refer(choice_name(resource, spec)) if isinstance(spec.type, Choice) else build_schema(spec.type, use)
    schema = maybe(plain, null=spec.nullable)
    told = {
        "description": spec.description,
        "examples": [None if each is None else to_json(spec.type, each) for each in spec.examples] or _usual_examples(spec),
        "deprecated": spec.deprecated,
        "writeOnly": spec.secret is not None,
    }
    return schema | {name: value for name, value in told.items() if value}


def _usual_examples(spec: FieldSpec) -> list[str]:
    return _USUAL.get(spec.type.format, []) if isinstance(spec.type, Text) else []


_USUAL = {TextFormat.EMAIL: ["name@example.org"], TextFormat.URL: ["https://example.org/"]}
"""Examples where the developer gave none: those that tools make up are hard to read."""


def _with_default(spec: FieldSpec, schema: Schema) -> Schema:
    """Tell the default of an optional field in words; one that a function makes is not known here.

    Not by `default`: openapi-typescript takes a member that has one for a member that must be sent.
    """
    if spec.required or spec.factory is not None:
        return schema
    default = None if spec.default is None else to_json(spec.type, spec.default)
    told = f"Default: `{msgspec.json.encode(default).decode()}`."
    return schema | {"description": f"{schema['description']} {told}" if "description" in schema else told}
