"""The service's own routes: health, metrics, this document and the page that shows it."""

from holdfast.core.openapi.record import build_answer
from holdfast.core.openapi.response import FRAMING, JSON, PAGE, refer_errors
from holdfast.core.openapi.schema import Schema, build_object, refer_parameters
from holdfast.core.routes import Action, Route

_TAG = "Service"


def _build_status(status: str) -> Schema:
    return build_answer(build_object({"status": {"type": "string", "const": status}}))


_OPERATIONS: dict[Action, tuple[str, str, str, Schema, tuple[int, ...]]] = {
    Action.HEALTH: ("check_health", "Whether the process answers", JSON, _build_status("alive"), ()),
    Action.READY: ("check_readiness", "Whether requests can be served", JSON, _build_status("ready"), ()),
    Action.METRICS: ("read_metrics", "Metrics in the Prometheus text format", "text/plain", PAGE, (404,)),
    Action.OPENAPI: ("read_openapi", "This document", JSON, {"type": "object"}, (404, 429)),
    Action.DOCS: ("show_docs", "The page that shows this document", "text/html", PAGE, (404, 429)),
}


def build_service_operation(route: Route) -> Schema:
    """The operation of a route that belongs to no resource."""
    name, summary, content_type, schema, errors = _OPERATIONS[route.action]
    return {
        "operationId": name,
        "tags": [_TAG],
        "summary": summary,
        "parameters": refer_parameters("x-request-id"),
        "responses": {
            "200": {"description": summary + ".", "content": {content_type: {"schema": schema}}},
            **refer_errors(*FRAMING, *errors),
        },
    }
