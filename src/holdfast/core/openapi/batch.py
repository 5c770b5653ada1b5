"""The operation of POST .../batch: many writes in one transaction."""

from collections.abc import Iterator

from holdfast.base.limits import BATCH_OPERATIONS_MAX, INT_MAX, TEXT_LENGTH_MAX
from holdfast.core.batch import METHODS, NAME_PATTERN
from holdfast.core.openapi.headers import headers_of
from holdfast.core.openapi.record import build_answer
from holdfast.core.openapi.response import JSON, error_name
from holdfast.core.openapi.schema import Schema, refer
from holdfast.model.catalog import Catalog

_ERRORS = (400, 404, 406, 408, 409, 413, 414, 415, 422, 428, 429, 431, 500, 503)
_TAG = "Batch"


def build_batch_operation() -> Schema:
    """The one operation; its schemas are components."""
    return {
        "operationId": "apply_batch",
        "tags": [_TAG],
        "summary": "Apply many writes in order: all or none",
        "description": "`operations[3]` begins the `field` of each detail of a refusal; its status is that of the operation that failed.",
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in ("idempotency-key", "prefer", "x-request-id")],
        "requestBody": {"required": True, "content": {JSON: {"schema": refer("batch.request")}}},
        "responses": {
            "200": {
                "description": "The status and the data of each operation, in order.",
                "headers": headers_of("Idempotency-Replayed"),
                "content": {JSON: {"schema": refer("batch.answer")}},
            },
            "204": {"$ref": "#/components/responses/minimal"},
            **{str(status): {"$ref": f"#/components/responses/{error_name(status)}"} for status in _ERRORS},
        },
    }


def build_batch_components(catalog: Catalog) -> Iterator[tuple[str, Schema]]:
    """(component name, schema) of what is sent and shown."""
    yield "batch.request", _REQUEST
    yield "batch.operation", _OPERATION
    yield "batch.result", _build_result(catalog)
    yield "batch.answer", build_answer({"type": "array", "items": refer("batch.result"), "maxItems": BATCH_OPERATIONS_MAX})


_REQUEST: Schema = {
    "type": "object",
    "properties": {
        "operations": {"type": "array", "items": refer("batch.operation"), "minItems": 1, "maxItems": BATCH_OPERATIONS_MAX},
    },
    "required": ["operations"],
    "additionalProperties": False,
}

_OPERATION: Schema = {
    "type": "object",
    "properties": {
        "method": {"type": "string", "enum": list(METHODS)},
        "path": {
            "type": "string",
            "maxLength": TEXT_LENGTH_MAX,
            "description": "`/books` for POST, `/books/` and an id (or `$name.id`) for the others.",
            "examples": ["/books", "/books/$a.id"],
        },
        "body": {
            "type": "object",
            "additionalProperties": True,  # said outright: openapi-typescript reads silence as "no member at all"
            "description": "As the route takes it; none for DELETE. `$name.member` as id or reference is that of an earlier operation.",
        },
        "version": {
            "type": ["integer", "null"],
            "format": "int64",
            "minimum": 1,
            "maximum": INT_MAX,
            "description": "The version that was read; none for POST.",
        },
        "as": {"type": ["string", "null"], "pattern": NAME_PATTERN, "description": "A name for later operations to use."},
    },
    "required": ["method", "path"],
    "additionalProperties": False,
}


def _build_result(catalog: Catalog) -> Schema:
    shown = [refer(each.name) for each in catalog.resources.values()]
    return {
        "type": "object",
        "properties": {
            "status": {"type": "integer", "enum": [200, 201]},
            "data": {"anyOf": [*shown, {"type": "null"}], "description": "The record as it is now; null for DELETE."},
        },
        "required": ["status", "data"],
        "additionalProperties": False,
    }
