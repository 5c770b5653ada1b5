"""A check beside those of schemathesis: where valid data was refused, it was for a reason that the configuration gives."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

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
