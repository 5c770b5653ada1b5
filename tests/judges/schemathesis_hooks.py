"""What schemathesis needs to be told beside its configuration: one more check, and one mended defect."""

import os
import re
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

from holdfast.base.limits import HEADERS_BYTES_MAX, URL_BYTES_MAX

_IF_MATCH, _KEY = "If-Match", "Idempotency-Key"
_SHORT, _NEAR = 100, 200
_OWN_ID, _OTHER_ID = os.environ["JUDGE_ID"], "01890a5d-ac96-774b-bcce-b302099a8057"
"""The user by whose key is judged, and one that there is not."""


@schemathesis.hook
def before_call(_context: HookContext, case: "Case[Any]", _kwargs: dict[str, Any]) -> None:
    """Give each write a key of its own, and the coverage phase a sound If-Match where it means to send one.

    Keys that are made up are made up twice, and then stand for another request. The coverage phase writes headers of letters and
    digits alone, can make no entity tag of them, and sends `0` as if it were valid (4.32).
    """
    _leave_room(case.headers or {}, HEADERS_BYTES_MAX)
    _leave_room(case.query or {}, URL_BYTES_MAX)
    if case.path_parameters.get("id") == _OWN_ID:  # one who takes their own roles judges by no role from then on
        case.path_parameters["id"] = _OTHER_ID
    if case.meta is None or not case.headers:
        return
    if _is_key(case.headers.get(_KEY)):
        case.headers[_KEY] = str(uuid4())
    if case.headers.get(_IF_MATCH) != "0":
        return
    if getattr(case.meta.phase.data, "parameter", None) != _IF_MATCH:
        case.headers[_IF_MATCH] = "*"


def _leave_room(parts: MutableMapping[str, Any], length_max: int) -> None:
    """Shorten what is nearly as long as its bound: that is the bound of all of them together, and there are others."""
    for name, value in parts.items():
        if isinstance(value, str) and length_max - _NEAR <= len(value) <= length_max:
            parts[name] = value[:_SHORT]


_is_sound_key = re.compile("[!-~]{1,255}").fullmatch


def _is_key(sent: Any) -> bool:
    return isinstance(sent, str) and _is_sound_key(sent) is not None


_LISTS = {
    "invalid_cursor": ("",),
    "invalid_page": ("page",),
    "invalid_filter": ("too many parts", "more than one lower case"),
    "invalid_sort": ("stands twice",),
    "malformed_request": ("words",),
}
"""Why a list may be refused with 400: the code, and what its message speaks of."""

_PASSWORDS, _GUESSED = ("password", "new"), ("too_short", "too_common")
"""The members that are passwords to be, and what can be wrong with one that its schema allows."""


def _is_setting(detail: dict[str, Any]) -> bool:
    """Whether a setting, the list of common passwords, whose an address is, or how a number is written is why: no schema says so."""
    if detail["message"] == "This must have no digits after the point.":  # 5.0 for a Decimal without places: as a value it is 5
        return bool(detail["code"] == "too_many_digits")
    if detail["field"] == "cookie":
        return bool(detail["code"] == "not_in_choices")
    if detail["message"].endswith("which is kept for API keys."):  # the address of another, which a list of users shows
        return bool(detail["code"] == "wrong_format")
    return detail["field"].endswith(_PASSWORDS) and detail["code"] in _GUESSED


def _is_part(detail: dict[str, Any]) -> bool:
    """Whether a member of a document is missing: a merge patch need not name it where the record has it, and must where it has not."""
    return "." in detail["field"] and detail["code"] == "required"


def _is_token_beside(detail: dict[str, Any]) -> bool:
    """Whether the token is missing that a password needs beside it."""
    return detail["field"] == "token" and detail["code"] in ("required", "null_not_allowed")


_READS = {"malformed_request": ("`include` and `as_of`",)}
_CHANGES = {"malformed_request": ("versions",)}


@schemathesis.check
def refusal_has_its_reason(_ctx: CheckContext, response: Response, case: "Case[Any]") -> None:
    """Valid data that meets 400 or 422 meets it for what is stored, or for two values together; for nothing else."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    error: dict[str, Any] = response.json()["error"]
    name = case.operation.definition.raw["operationId"]
    if response.status_code == 422 and name == "apply_batch":
        return  # paths and bodies are judged as those of the routes that they name, of which the document of a batch says nothing
    if response.status_code == 422:
        if name == "verify_email":
            assert all(map(_is_token_beside, error["details"])), error
            return
        of_others = [each for each in error["details"] if not _is_setting(each) and not (name.startswith("patch_") and _is_part(each))]
        assert {each["code"] for each in of_others} <= {"reference_missing", "check_failed"}, error
        return
    reasons = _LISTS if name.startswith(("list_", "query_")) else _READS if name.startswith("read_") else _CHANGES
    assert any(each in error["message"] for each in reasons.get(error["code"], ())), error
