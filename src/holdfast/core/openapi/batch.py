"""The operation of POST .../batch: many writes in one transaction."""

from collections.abc import Iterator

from holdfast.base.limits import BATCH_OPERATIONS_MAX, INT_MAX, TEXT_LENGTH_MAX
from holdfast.core.batch import METHODS, NAME_PATTERN
from holdfast.core.openapi.headers import headers_of
from holdfast.core.openapi.record import build_answer
from holdfast.core.openapi.response import ANY, BODY, JSON, refer_errors
from holdfast.core.openapi.schema import Schema, build_object, refer, refer_parameters
from holdfast.model.catalog import Catalog

_TAG = "Batch"


def build_batch_operation() -> Schema:
    """The one operation; its schemas are components."""
    return {
        "operationId": "apply_batch",
        "tags": [_TAG],
        "summary": "Apply many writes in order: all or none",
        "description": "`operations[3]` begins the `field` of each detail of a refusal; its status is that of the operation that failed.",
        "parameters": refer_parameters("idempotency-key", "prefer", "x-request-id"),
        "requestBody": {"required": True, "content": {JSON: {"schema": refer("batch.request")}}},
        "responses": {
            "200": {
                "description": "The status and the data of each operation, in order.",
                "headers": headers_of("Idempotency-Replayed"),
                "content": {JSON: {"schema": refer("batch.answer")}},
            },
            "204": refer("minimal", "responses"),
            **refer_errors(*ANY, *BODY, 404, 405, 409, 428),
        },
    }


def build_batch_components(catalog: Catalog) -> Iterator[tuple[str, Schema]]:
    """(component name, schema) of what is sent and shown."""
    yield "batch.request", _REQUEST
    yield "batch.operation", _OPERATION
    yield "batch.result", _build_result(catalog)
    yield "batch.answer", build_answer({"type": "array", "items": refer("batch.result"), "maxItems": BATCH_OPERATIONS_MAX})


_REQUEST = build_object(
    {"operations": {"type": "array", "items": refer("batch.operation"), "minItems": 1, "maxItems": BATCH_OPERATIONS_MAX}}
)

_OPERATION = build_object(
    {
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
    ("method", "path"),
)


def _build_result(catalog: Catalog) -> Schema:
    shown = [refer(each.name) for each in catalog.resources.values()]
    return build_object(
        {
            "status": {"type": "integer", "enum": [200, 201]},
            "data": {"anyOf": [*shown, {"type": "null"}], "description": "The record as it is now; null for DELETE."},
        }
    )
