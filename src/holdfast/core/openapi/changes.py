"""The operation of GET /changes: the committed changes of all resources in order, as a page or as a stream of events."""

from holdfast.base.limits import INT_MAX
from holdfast.core.openapi.headers import headers_of
from holdfast.core.openapi.record import ENTRY, build_page
from holdfast.core.openapi.response import ANY, JSON, PAGE, refer_errors
from holdfast.core.openapi.schema import Schema, build_object, refer_parameters
from holdfast.model.catalog import Catalog

EVENTS = "text/event-stream"

_SEQUENCE: Schema = {"type": "integer", "minimum": 0, "maximum": INT_MAX}


def build_changes_parameters(catalog: Catalog) -> dict[str, Schema]:
    """The parameters of the operation."""
    return {
        "changes.after": {
            "name": "after",
            "in": "query",
            "description": "`meta.next` of the page before. Left out: a page begins with the first change, a stream with the next one.",
            "schema": _SEQUENCE,
        },
        "changes.resource": {
            "name": "resource",
            "in": "query",
            "description": "The changes of this resource alone.",
            "schema": {"type": "string", "enum": list(catalog.resources)},
        },
        "changes.last-event-id": {
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The `id` of the last event that a stream has seen, as browsers send it: it goes on there. Not read for a page.",
            "schema": {"type": "string"},
        },
    }


def build_changes_operation() -> Schema:
    """The operation."""
    names = ("changes.after", "changes.resource", "list.limit", "changes.last-event-id", "x-request-id")
    events = PAGE | {"description": "Events whose `id` is the `seq`, and whose `data` is one change as in a page."}
    content = {JSON: {"schema": _build_page()}, EVENTS: {"schema": events}}
    done = {"description": "Some changes, perhaps none.", "headers": headers_of("X-Accel-Buffering"), "content": content}
    return {
        "operationId": "list_changes",
        "tags": ["Service"],
        "summary": "Follow the changes of all resources, in the order in which they were committed",
        "parameters": refer_parameters(*names),
        "responses": {"200": done, **refer_errors(*ANY)},
    }


def _build_page() -> Schema:
    image: Schema = {"type": ["object", "null"], "additionalProperties": True}  # said outright, as in core.openapi.batch
    properties = {
        "seq": ENTRY["seq"],
        "resource": {"type": "string", "description": "The path of the resource."},
        "id": {"type": "string", "description": "The id of the record."},
        "operation": {
            "type": "string",
            "enum": ["created", "updated", "removed"],
            "description": "What it means to this caller: what comes into sight is `created`, what goes out of sight is `removed`.",
        },
        **{each: ENTRY[each] for each in ("version", "at", "actor_id", "request_id")},
        "before": image | {"description": "The record before an update."},
        "after": image | {"description": "The record after; null if it was removed."},
    }
    meta = {
        "limit": {"type": "integer", "minimum": 1},
        "next": _SEQUENCE | {"description": "What to send as `after`: everything up to it was looked at."},
        "head": _SEQUENCE | {"description": "The last change there was: where `next` equals it, that was all."},
    }
    return build_page(build_object(properties), build_object(meta))
