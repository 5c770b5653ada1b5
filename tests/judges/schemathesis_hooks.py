"""What schemathesis needs to be told beside its configuration: one more check, and one mended defect."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

_IF_MATCH = "If-Match"


@schemathesis.hook
def before_call(_context: HookContext, case: "Case[Any]", _kwargs: dict[str, Any]) -> None:
    """Give the coverage phase a sound If-Match where it means to send one.

    It writes headers of letters and digits alone, can make no entity tag of them, and sends `0` as if it were valid (4.32).
    """
    if case.meta is None or not case.headers or case.headers.get(_IF_MATCH) != "0":
        return
    if getattr(case.meta.phase.data, "parameter", None) != _IF_MATCH:
        case.headers[_IF_MATCH] = "*"


_LISTS = {
    "invalid_cursor": "",
    "invalid_page": "page",
    "invalid_filter": "too many parts",
    "invalid_sort": "stands twice",
    "malformed_request": "words",
}
"""Why a list may be refused with 400: the code, and what its message speaks of."""

_CHANGES = {"malformed_request": "versions"}


@schemathesis.check
def refusal_has_its_reason(_ctx: CheckContext, response: Response, case: "Case[Any]") -> None:
    """Valid data that meets 400 or 422 meets it for what is stored, or for two values together; for nothing else."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    error: dict[str, Any] = response.json()["error"]
    if response.status_code == 422:
        assert {each["code"] for each in error["details"]} <= {"reference_missing", "check_failed"}, error
        return
    name = case.operation.definition.raw["operationId"]
    reasons = _LISTS if name.startswith(("list_", "query_")) else _CHANGES
    assert reasons.get(error["code"], "not a reason") in error["message"], error
