"""One operation: a route with its parameters, its body and all its answers."""

import re
from collections.abc import Iterator
from typing import Any

from holdfast.base.limits import BULK_ROWS_MAX, IDEMPOTENCY_KEY_LENGTH_MAX, INT_MAX
from holdfast.core.ask.operators import operators_of
from holdfast.core.openapi import patterns
from holdfast.core.openapi.headers import headers_of
from holdfast.core.openapi.question import filter_name, references
from holdfast.core.openapi.response import ANY, BODY, JSON, refer_errors
from holdfast.core.openapi.schema import Schema, refer, refer_parameters
from holdfast.core.routes import Action, Route
from holdfast.model.catalog import ResourceSpec

MERGE_PATCH = "application/merge-patch+json"

_REPLAYED = "Idempotency-Replayed"

_ERRORS: dict[Action, tuple[int, ...]] = {
    Action.LIST: ANY,
    Action.LIST_REFERRING: (*ANY, 404),
    Action.QUERY: (*ANY, *BODY),
    Action.READ: (*ANY, 404),
    Action.CREATE: (*ANY, *BODY, 409),
    Action.BULK_CREATE: (*ANY, *BODY, 409),
    Action.REPLACE: (*ANY, *BODY, 404, 409, 412),
    Action.PATCH: (*ANY, *BODY, 404, 409, 412),
    Action.DELETE: (*ANY, *BODY, 404, 409, 412),
    Action.HISTORY: (*ANY, 404),
    Action.UNDELETE: (*ANY, *BODY, 404, 409, 412),
}
"""The error statuses that each action can meet; 428 is added where the resource asks for a version.

DELETE takes a body with the version too, which is not told here: RFC 9110 (9.3.5) advises clients against one.
"""

_CHANGES = frozenset({Action.REPLACE, Action.PATCH, Action.DELETE})

COMMON_PARAMETERS: dict[str, Schema] = {
    "id": {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The id of the record.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "version": {
        "name": "version",
        "in": "query",
        "description": "The version that was read; as in If-Match, but a stale one is refused with 409.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    },
    "as_of": {
        "name": "as_of",
        "in": "query",
        "description": "A time: the record as it was then. Does not go with `include`.",
        "schema": {"type": "string", "format": "date-time"},
    },
    "history.after": {
        "name": "after",
        "in": "query",
        "description": "`meta.next` of the page before: the entries older than that.",
        "schema": {"type": "integer", "minimum": 0, "maximum": INT_MAX},
    },
    "if-match": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag that was read (or a list of them), or `*` for any version. Else say `version` in query or body.",
        "schema": {"type": "string", "pattern": patterns.IF_MATCH, "examples": ['"1-0a1b2c3d"']},
    },
    "if-none-match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag that the caller has: answered with 304 if nothing changed.",
        "schema": {"type": "string"},
    },
    "idempotency-key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes this write once, however often it is sent: a new random key for each write, the same one for its repeats.",
        "schema": {"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_LENGTH_MAX, "pattern": patterns.IDEMPOTENCY_KEY},
    },
    "prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`return=minimal` asks for 204 without a body. Other preferences are passed over.",
        "schema": {"type": "string", "examples": ["return=minimal"]},
    },
    "x-request-id": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "An id for this request, kept if it fits `[A-Za-z0-9._-]{1,64}`, else replaced by a new one.",
        "schema": {"type": "string"},
    },
}
"""The parameters that are the same for every resource."""


def build_operation(route: Route) -> Schema:
    """The operation of a resource's route."""
    resource = route.resource
    assert resource is not None, "the service's own routes are told in core.openapi.service"
    body = _build_body(route.action, resource)
    unsaid = (428,) if route.action in _CHANGES and resource.require_version else ()
    return {
        "operationId": operation_id(route),
        "tags": [resource.name],
        "summary": _SUMMARIES[route.action].format(*_words(route)),
        "parameters": refer_parameters(*_parameter_names(route, resource)),
        **({"requestBody": body} if body else {}),
        "responses": {
            **_build_successes(route, resource),
            **refer_errors(*_ERRORS[route.action], *unsaid),
        },
    }


_SUMMARIES = {
    Action.LIST: "List {1}",
    Action.LIST_REFERRING: "List the {1} that refer to one record by {2}",
    Action.QUERY: "List {1} by a JSON query",
    Action.READ: "Read one {0}",
    Action.CREATE: "Create one {0}",
    Action.BULK_CREATE: "Create many {1}: all or none",
    Action.REPLACE: "Replace one {0}",
    Action.PATCH: "Change one {0} by a JSON merge patch",
    Action.DELETE: "Delete one {0}",
    Action.HISTORY: "List what happened to one {0}, newest first",
    Action.UNDELETE: "Undelete one {0}",
}
_IDS = {
    Action.LIST: "list_{1}",
    Action.QUERY: "query_{1}",
    Action.READ: "read_{0}",
    Action.CREATE: "create_{0}",
    Action.BULK_CREATE: "bulk_create_{1}",
    Action.REPLACE: "replace_{0}",
    Action.PATCH: "patch_{0}",
    Action.DELETE: "delete_{0}",
    Action.HISTORY: "list_{0}_history",
    Action.UNDELETE: "undelete_{0}",
}


def operation_id(route: Route) -> str:
    """A stable name: `list_books`, `read_book`, `list_authors_books` for what refers to an author."""
    assert route.resource is not None
    if route.reverse is not None:
        return f"list_{_snake(route.template.split('/')[3])}_{_snake(route.reverse.name)}"
    return _IDS[route.action].format(_singular(route.resource), _snake(route.resource.path))


def _words(route: Route) -> tuple[str, str, str]:
    """What a summary speaks of: one, many, and the member that refers."""
    assert route.resource is not None
    member = "" if route.reverse is None else route.reverse.member
    return _singular(route.resource).replace("_", " "), route.resource.path.replace("-", " "), member


def _singular(resource: ResourceSpec) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", resource.name).lower()


def _snake(path: str) -> str:
    return path.replace("-", "_")


def _parameter_names(route: Route, resource: ResourceSpec) -> list[str]:
    names = ["id"] if "{id}" in route.template else []
    match route.action:
        case Action.LIST | Action.LIST_REFERRING:
            names += _list_parameters(resource)
        case Action.READ:
            names += [*_view_parameters(resource), "as_of", "if-none-match"]
        case Action.HISTORY:
            names += ["list.limit", "history.after"]
        case Action.BULK_CREATE:
            names += [f"{resource.name}.fields", "idempotency-key", "prefer"]
        case Action.CREATE:
            names += [*_view_parameters(resource), "idempotency-key", "prefer"]
        case Action.REPLACE | Action.PATCH | Action.UNDELETE:
            names += [*_view_parameters(resource), "version", "if-match", "idempotency-key", "prefer"]
        case Action.DELETE:
            names += ["version", "if-match", "idempotency-key", "prefer"]
        case _:
            pass
    return [*names, "x-request-id"]


def _view_parameters(resource: ResourceSpec) -> list[str]:
    return [f"{resource.name}.fields", *([f"{resource.name}.include"] if references(resource) else [])]


def _list_parameters(resource: ResourceSpec) -> list[str]:
    searched = ["list.q"] if resource.search_fields else []
    common = ["list.page", "list.limit", "list.count", "list.after"]
    declared_first = sorted(resource.shown_fields, key=lambda each: each.system)
    filters = [filter_name(resource, each, operator) for each in declared_first for operator in operators_of(each.type)]
    return [*searched, f"{resource.name}.sort", *common, *_view_parameters(resource), *filters]


def _build_body(action: Action, resource: ResourceSpec) -> Schema | None:
    match action:
        case Action.CREATE:
            return _body({JSON: _schema(resource, "create")})
        case Action.BULK_CREATE:
            items = {"type": "array", "items": _schema(resource, "create"), "minItems": 1, "maxItems": BULK_ROWS_MAX}
            return _body({JSON: items})
        case Action.QUERY:
            return _body({JSON: _schema(resource, "query")})
        case Action.REPLACE:
            return _body({JSON: _schema(resource, "replace")})
        case Action.PATCH:
            return _body({JSON: _schema(resource, "patch"), MERGE_PATCH: _schema(resource, "patch")})
        case _:
            return None


def _schema(resource: ResourceSpec, name: str) -> Schema:
    return refer(f"{resource.name}.{name}")


def _body(schemas: dict[str, Schema]) -> Schema:
    return {"required": True, "content": {kind: {"schema": schema} for kind, schema in schemas.items()}}


def _answer(description: str, schema: Schema, *headers: str) -> Schema:
    return {"description": description, "headers": headers_of(*headers), "content": {JSON: {"schema": schema}}}


def _minimal(*headers: str) -> Schema:
    return {"description": "Done; `return=minimal` was asked for.", "headers": headers_of(*headers, _REPLAYED, "Preference-Applied")}


COMMON_RESPONSES: dict[str, Schema] = {
    "unchanged": {"description": "Nothing changed since If-None-Match.", "headers": headers_of("ETag")},
    "minimal": _minimal(),
    "minimal.created": _minimal("ETag", "Location"),
    "minimal.changed": _minimal("ETag"),
    "deleted": _answer("It is deleted.", refer("empty.answer"), _REPLAYED),
}
"""The successes that are the same for every resource."""


def build_responses(resource: ResourceSpec) -> Iterator[tuple[str, Schema]]:
    """(component name, response) of the successes that several routes of a resource have."""
    yield f"{resource.name}.listed", _answer("One page of the list.", _schema(resource, "page"), "Link")
    yield f"{resource.name}.changed", _answer("The record as it is now.", _schema(resource, "answer"), "ETag", _REPLAYED)


def _response(name: str) -> Schema:
    return refer(name, "responses")


def _build_successes(route: Route, resource: ResourceSpec) -> dict[str, Any]:
    match route.action:
        case Action.LIST | Action.LIST_REFERRING:
            return {"200": _response(f"{resource.name}.listed")}
        case Action.QUERY:
            return {"200": _answer("One page of the list.", _schema(resource, "page"))}
        case Action.READ:
            return {"200": _answer("The record.", _schema(resource, "answer"), "ETag"), "304": _response("unchanged")}
        case Action.CREATE:
            created = _answer("The new record.", _schema(resource, "answer"), "ETag", "Location", _REPLAYED)
            return {"201": created | {"links": _build_links(resource)}, "204": _response("minimal.created")}
        case Action.BULK_CREATE:
            made = _answer("The new records, in the order sent.", _schema(resource, "answers"), _REPLAYED)
            return {"201": made, "204": _response("minimal")}
        case Action.HISTORY:
            return {"200": _answer("One page of its history.", _schema(resource, "history"))}
        case Action.DELETE:
            return {"200": _response("deleted"), "204": _response("minimal")}
        case _:
            return {"200": _response(f"{resource.name}.changed"), "204": _response("minimal.changed")}


def _build_links(resource: ResourceSpec) -> Schema:
    """What can be done next with a new record, so that tools can go on from one operation to another."""
    name, path = _singular(resource), _snake(resource.path)
    known = {"id": "$response.body#/data/id"}
    read = [f"read_{name}", *(f"list_{path}_{_snake(each.name)}" for each in resource.reverses)]
    changes = [f"replace_{name}", f"patch_{name}", f"delete_{name}"]
    links = {each: {"operationId": each, "parameters": known} for each in read}
    return links | {each: {"operationId": each, "parameters": {**known, "If-Match": "$response.header.ETag"}} for each in changes}
