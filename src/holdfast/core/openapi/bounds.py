"""Bounds on everything: what is declared without one has the bound of what carries it.

A text of a body is no longer than the body, one of a query string no longer than the URL. Clients and gateways can so be sure of every
length, and tools that look for what is unbounded find nothing.
"""

from typing import Any

from holdfast.base.limits import BODY_BYTES_MAX, HEADERS_BYTES_MAX, INT_MAX, INT_MIN, URL_BYTES_MAX
from holdfast.core.openapi.schema import Schema

_CARRIED = {"path": URL_BYTES_MAX, "query": URL_BYTES_MAX, "header": HEADERS_BYTES_MAX}
_FORMATS = {"uuid": 36, "date": 10, "date-time": 32}
"""Lengths of texts in the formats that have one; the last with microseconds and an offset."""

_NAMED, _ONE, _SEVERAL = ("properties",), ("items", "not", "additionalProperties", "propertyNames"), ("anyOf", "oneOf", "allOf")
"""The keywords of JSON Schema, as far as they are used here, that hold schemas: by name, one, and in an array."""


def bound_document(document: Schema) -> Schema:
    """The document with a bound on every text and whole number."""
    components = document["components"]
    return document | {
        "paths": {path: {method: _bound_operation(each) for method, each in item.items()} for path, item in document["paths"].items()},
        "components": components
        | {
            "schemas": {name: _bound(each, BODY_BYTES_MAX) for name, each in components["schemas"].items()},
            "parameters": {name: _bound_carried(each, _CARRIED[each["in"]]) for name, each in components["parameters"].items()},
            "headers": {name: _bound_carried(each, HEADERS_BYTES_MAX) for name, each in components["headers"].items()},
        },
    }


def _bound_operation(operation: Schema) -> Schema:
    responses = {status: _bound_content(each) for status, each in operation["responses"].items()}
    body = {"requestBody": _bound_content(operation["requestBody"])} if "requestBody" in operation else {}
    return operation | body | {"responses": responses}


def _bound_content(part: Schema) -> Schema:
    """A request body or a response."""
    if "content" not in part:
        return part
    return part | {"content": {kind: _bound_carried(each, BODY_BYTES_MAX) for kind, each in part["content"].items()}}


def _bound_carried(carrier: Schema, length_max: int) -> Schema:
    """A parameter, a header or a media type: whatever has its schema as a member."""
    return carrier | {"schema": _bound(carrier["schema"], length_max)}


def _bound(schema: Schema, length_max: int) -> Schema:
    bounded = dict(schema)
    for keyword, held in schema.items():
        bounded[keyword] = _bound_held(keyword, held, length_max)
    types = _list_types(schema)
    if "string" in types and not {"enum", "const"} & schema.keys():
        bounded.setdefault("maxLength", _FORMATS.get(schema.get("format", ""), length_max))
    if "integer" in types:
        numbers = [each for each in schema.get("enum", ()) if each is not None]
        bounded.setdefault("format", "int64")
        bounded.setdefault("minimum", min(numbers, default=INT_MIN))
        bounded.setdefault("maximum", max(numbers, default=INT_MAX))
    return bounded


def _bound_held(keyword: str, held: Any, length_max: int) -> Any:
    if keyword in _NAMED:
        return {name: _bound(each, length_max) for name, each in held.items()}
    if keyword in _SEVERAL:
        return [_bound(each, length_max) for each in held]
    return _bound(held, length_max) if keyword in _ONE and isinstance(held, dict) else held


def _list_types(schema: Schema) -> list[str]:
    types: str | list[str] = schema.get("type", [])
    return [types] if isinstance(types, str) else types
