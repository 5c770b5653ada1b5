"""What can be asked of a list: its query parameters, and the JSON query that says the same in a body.

Several values in a query string are one text with commas, not an array: clients that are generated from this document repeat an
array parameter, whatever `explode` says, and a repeated parameter is refused.
"""

from collections.abc import Iterator

from holdfast.base.limits import (
    FILTER_TERMS_MAX,
    IN_VALUES_MAX,
    INCLUDES_MAX,
    OFFSET_MAX,
    PAGE_LIMIT_DEFAULT,
    PAGE_LIMIT_MAX,
    PATH_STEPS_MAX,
    SEARCH_LENGTH_MAX,
    SORT_KEYS_MAX,
)
from holdfast.core.ask.operators import SUBSTRING, asked_type, is_ordered, operators_of, without_bounds
from holdfast.core.openapi import patterns
from holdfast.core.openapi.schema import WITHOUT_NUL, Schema, Use, build_schema, nullable, refer
from holdfast.core.openapi.text_form import build_text_schema, text_pattern
from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
from holdfast.model.names import RESERVED_PARAMETERS
from holdfast.model.types import Choice, Document, FieldType, Items, Number, Reference, Scalar, Uuid

_MEANING = {
    "eq": "`{0}` is this value.",
    "ne": "`{0}` is not this value, or there is none.",
    "gt": "`{0}` is greater.",
    "gte": "`{0}` is greater or equal.",
    "lt": "`{0}` is less.",
    "lte": "`{0}` is less or equal.",
    "in": "`{0}` is one of these values, parted by commas; `\\,` is a comma within one.",
    "nin": "`{0}` is none of these values, parted by commas, or there is none.",
    "between": "`{0}` lies between these two values, parted by a comma, or is one of them.",
    "contains": "`{0}` contains this text, case-sensitive.",
    "icontains": "`{0}` contains this text, in any case.",
    "startswith": "`{0}` starts with this text.",
    "endswith": "`{0}` ends with this text.",
    "null": "`{0}` has no value (true), or has one (false).",
}


def references(resource: ResourceSpec) -> tuple[FieldSpec, ...]:
    """The Ref fields that can be followed."""
    return tuple(each for each in resource.shown_fields if each.reference is not None)


def build_parameters(catalog: Catalog, resource: ResourceSpec) -> Iterator[tuple[str, Schema]]:
    """(component name, parameter) of all that differs between lists: `sort`, `fields`, `include` and the filters."""
    yield f"{resource.name}.sort", _query("sort", _sort_description(), _names_schema(_sort_pattern(catalog, resource), SORT_KEYS_MAX))
    yield from build_view_parameters(resource)
    for spec in resource.shown_fields:
        for operator in operators_of(spec.type):
            yield filter_name(resource, spec, operator), _filter_parameter(resource, spec, operator)


def filter_name(resource: ResourceSpec, spec: FieldSpec, operator: str) -> str:
    """The component of one filter; system members are the same everywhere."""
    return f"{'list' if spec.system else resource.name}.{spec.member}.{operator}"


def build_view_parameters(resource: ResourceSpec) -> Iterator[tuple[str, Schema]]:
    """(component name, parameter) of `fields` and `include`; the latter only where there is something to include."""
    members = [each.member for each in resource.shown_fields]
    told = "The members to show, parted by commas; `id` and `version` always are. Default: all."
    yield f"{resource.name}.fields", _query("fields", told, _names_schema(_one_of(members), len(members)))
    names = [each.name for each in references(resource)]
    if names:
        told = f"Show the records referred to as well, as objects; parted by commas, deeper as `a.b`, at most {INCLUDES_MAX}."
        yield f"{resource.name}.include", _query("include", told, _names_schema(_one_of(names), INCLUDES_MAX))


COMMON_PARAMETERS: dict[str, Schema] = {
    "list.page": {
        "name": "page",
        "in": "query",
        "description": f"The page, from 1, up to offset {OFFSET_MAX:,}; beyond, follow `after`. Does not go with `after`.",
        "schema": {"type": "integer", "minimum": 1, "maximum": OFFSET_MAX + 1, "default": 1},
    },
    "list.limit": {
        "name": "limit",
        "in": "query",
        "description": f"The rows of a page; {PAGE_LIMIT_DEFAULT} if not said.",
        "schema": {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT_MAX, "default": PAGE_LIMIT_DEFAULT},
    },
    "list.count": {
        "name": "count",
        "in": "query",
        "description": "Whether `meta.total` is wanted.",
        "schema": {"type": "string", "enum": ["exact", "none"], "default": "exact"},
    },
    "list.after": {
        "name": "after",
        "in": "query",
        "description": "The cursor in `meta.next` of the page before; it holds for the same filter, sort and caller.",
        "schema": {"type": "string", "pattern": patterns.CURSOR},
    },
    "list.q": {
        "name": "q",
        "in": "query",
        "description": "Words to search for: all of them, the last one by its beginning, whatever their case and accents.",
        "schema": {"type": "string", "maxLength": SEARCH_LENGTH_MAX, **WITHOUT_NUL},
    },
}
"""The parameters that are the same for every list."""


def _query(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _names_schema(pattern: str, count: int) -> Schema:
    return {"type": "string", "pattern": f"^{pattern}(,{pattern}){{0,{max(count - 1, 0)}}}$"}


def _one_of(names: list[str]) -> str:
    return f"({'|'.join(names)})"


def _sort_description() -> str:
    return f"Up to {SORT_KEYS_MAX} members, each once, `-` for descending; through references as `author.name`. `id` breaks ties."


def _sort_pattern(catalog: Catalog, resource: ResourceSpec) -> str:
    names = [each.member for each in resource.shown_fields if is_ordered(each.type)]
    names += [path for path, _, spec in _paths(catalog, resource) if is_ordered(spec.type)]
    return f"-?{_one_of(names)}".replace(".", "\\.")


def _paths(catalog: Catalog, resource: ResourceSpec) -> Iterator[tuple[str, ResourceSpec, FieldSpec]]:
    """The paths through one reference to declared members, with what they end at. Others are told in prose: their number grows fast."""
    for reference in references(resource):
        target = catalog.target(reference)
        for spec in target.shown_fields:
            if not spec.system:
                yield f"{reference.name}.{spec.member}", target, spec


def _filter_parameter(resource: ResourceSpec, spec: FieldSpec, operator: str) -> Schema:
    plain = operator == "eq" and spec.member not in RESERVED_PARAMETERS
    name = spec.member if plain else f"{spec.member}[{operator}]"
    return _query(name, _describe(spec, operator), _text_operand(resource, spec, operator))


def _describe(spec: FieldSpec, operator: str) -> str:
    if isinstance(spec.type, Items) and operator == "contains":
        return f"`{spec.member}` has this element."
    return _MEANING[operator].format(spec.member)


def _text_operand(resource: ResourceSpec, spec: FieldSpec, operator: str) -> Schema:
    if operator == "null":
        return {"type": "boolean"}
    asked = _asked(spec.type, operator)
    if operator in ("in", "nin", "between"):
        part = text_pattern(asked)
        more = "{1}" if operator == "between" else f"{{0,{IN_VALUES_MAX - 1}}}"
        return {"type": "string", "pattern": f"^{part}(,{part}){more}$"}
    return refer(choice_name(resource, spec)) if isinstance(asked, Choice) and asked is spec.type else build_text_schema(asked)


def _asked(kind: FieldType, operator: str) -> Scalar:
    asked = asked_type(kind, operator)
    assert not isinstance(asked, Document), "documents take no operator with an operand"
    return asked


def build_query_components(catalog: Catalog, resource: ResourceSpec) -> Iterator[tuple[str, Schema]]:
    """(component name, schema) of the JSON filter and the JSON query of a resource."""
    yield f"{resource.name}.filter", _build_filter(catalog, resource)
    yield f"{resource.name}.query", _build_query(catalog, resource)


def _build_filter(catalog: Catalog, resource: ResourceSpec) -> Schema:
    itself = refer(f"{resource.name}.filter")
    group = {"type": "array", "items": itself, "minItems": 1, "maxItems": FILTER_TERMS_MAX}
    properties: Schema = {"and": group, "or": group, "not": itself}
    properties |= {each.member: _build_test(resource, each) for each in resource.shown_fields}
    properties |= {path: _build_test(target, spec) for path, target, spec in _paths(catalog, resource)}
    return {
        "type": "object",
        "description": f"All members hold. At most {FILTER_TERMS_MAX} parts. Paths go through up to {PATH_STEPS_MAX} references.",
        "properties": properties,
        "maxProperties": FILTER_TERMS_MAX,
        "additionalProperties": False,
    }


def _build_test(resource: ResourceSpec, spec: FieldSpec) -> Schema:
    """What a filter may say of a field: a value (equal to it), null (no value), or an object of operators, all of which hold."""
    value = _build_value(resource, spec)
    alone = value.get("anyOf", [value]) if "eq" in operators_of(spec.type) else []
    name = _operators_name(resource, spec)
    return {"anyOf": [*alone, {"type": "null"}, refer(name) if name else _build_operators(spec.type, value)]}


def _operators_name(resource: ResourceSpec, spec: FieldSpec) -> str | None:
    """The component of a field's operators: one for each type that has a name."""
    match spec.type:
        case kind if isinstance(kind, Document):
            return None
        case Choice():
            return f"{resource.name}.{spec.member}.operators"
        case Number(places):
            return f"operators.number{places}"
        case Uuid() | Reference():
            return "operators.uuid"
        case kind:
            return f"operators.{type(kind).__name__.lower()}"


def choice_name(resource: ResourceSpec, spec: FieldSpec) -> str:
    """The component of the values of a Choice field."""
    return f"{resource.name}.{spec.member}"


def build_shared_components(catalog: Catalog) -> Iterator[tuple[str, Schema]]:
    """(component name, schema) of the values of every Choice field, and of the operators of every type in the catalog."""
    for resource in catalog.resources.values():
        for spec in resource.shown_fields:
            if isinstance(spec.type, Choice):
                yield choice_name(resource, spec), build_schema(spec.type, Use.SENT)
            if name := _operators_name(resource, spec):
                yield name, _build_operators(spec.type, _build_value(resource, spec))


def _build_operators(kind: FieldType, value: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {each: _json_operand(kind, each, value) for each in operators_of(kind)},
        "minProperties": 1,
        "additionalProperties": False,
    }


def _json_operand(kind: FieldType, operator: str, value: Schema) -> Schema:
    match operator:
        case "null":
            return {"type": "boolean"}
        case "in" | "nin":
            return {"type": "array", "items": nullable(value), "maxItems": IN_VALUES_MAX}
        case "between":
            return {"type": "array", "items": value, "minItems": 2, "maxItems": 2}
        case "eq" | "ne":
            return nullable(value)
        case _ if operator in SUBSTRING and not isinstance(kind, Items):
            return build_schema(_asked(kind, operator), Use.SENT)
        case _:
            return value


def _build_value(resource: ResourceSpec, spec: FieldSpec) -> Schema:
    """A value of the field, or an element of a list, in JSON; its bounds do not count. Documents have none that can be asked for."""
    if isinstance(spec.type, Choice):
        return refer(choice_name(resource, spec))
    asked = spec.type.item if isinstance(spec.type, Items) else spec.type
    return {} if isinstance(asked, Document) else build_schema(without_bounds(asked), Use.SENT)


_QUERY_EXAMPLE = {"filter": {"created_at": {"gte": "2020-01-01T00:00:00Z"}}, "sort": ["-created_at"], "limit": PAGE_LIMIT_DEFAULT}
"""Of system members, so that it holds for every resource. One that tools make up holds every member at once."""


def _build_query(catalog: Catalog, resource: ResourceSpec) -> Schema:
    sort = _sort_pattern(catalog, resource)
    properties: Schema = {
        "filter": refer(f"{resource.name}.filter"),
        "sort": _names(sort, SORT_KEYS_MAX) | {"uniqueItems": True, "description": _sort_description()},
        **{name: _from_parameter(f"list.{name}") for name in ("page", "limit", "count", "after")},
        "fields": _names(_one_of([each.member for each in resource.shown_fields]), len(resource.shown_fields)),
    }
    if resource.search_fields:
        properties["q"] = _from_parameter("list.q")
    if references(resource):
        properties["include"] = _names(_one_of([each.name for each in references(resource)]), INCLUDES_MAX)
    return {
        "type": "object",
        "description": "What a list can be asked, as one JSON object.",
        "examples": [_QUERY_EXAMPLE],
        "properties": properties,
        "additionalProperties": False,
    }


def _from_parameter(name: str) -> Schema:
    parameter = COMMON_PARAMETERS[name]
    schema = {name: value for name, value in parameter["schema"].items() if name != "default"}  # as in record: told in words
    return schema | {"description": parameter["description"]}


def _names(pattern: str, count: int) -> Schema:
    return {"type": "array", "items": {"type": "string", "pattern": f"^{pattern}$"}, "maxItems": count}
