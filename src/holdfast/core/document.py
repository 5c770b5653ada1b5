"""Strict JSON: bytes to a value, or a refusal that names the place.

Stricter than most readers (RFC 8259 leaves these to the implementation): UTF-8 alone and no byte order mark, no duplicate members, no
NaN or infinities, no lone surrogates, a bounded depth, bounded numbers, one document and nothing after it.

The good case is the C decoder of the standard library with two hooks. A document that it refuses is looked at a second time, slowly,
to say where.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from holdfast.base.errors import Refused
from holdfast.base.limits import JSON_DEPTH_MAX
from holdfast.core.invalid import shorten

# A text, or what is left of the document where it is never closed: so that one pass is enough whatever was sent.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile(rb"\A(?:[^\\]++|\\(?!u[dD][89a-fA-F]).|\\u[dD][89abAB]..\\u[dD][c-fC-F]..)*+(.)", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_A_NUMBER = re.compile(rb"NaN|-?Infinity")
_LONG_EXPONENT = re.compile(rb"[eE][-+]?[0-9]{18,}")  # beyond that of Decimal
_INT_DIGITS_MAX = 4_300  # beyond it CPython makes no int of a text: that takes time by the square of its length
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class _Misread(Exception):
    """A hook met a number that is none, or that is too long."""


class _Repeated(_Misread):
    """A hook met an object with duplicate members."""


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written, duplicate members and all."""


def parse_json(body: bytes) -> Any:
    """Read one strict JSON document.

    Whole numbers become int; those that are very long, and numbers with a fraction or an exponent, become Decimal, which keeps every digit.
    Raises Refused malformed_json (400) with the line and column, or the path of the member.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _refusal(f"byte {error.start + 1} is not UTF-8") from None
    # An opening bracket is a level at most: few of them need no closer look.
    if body.count(b"[") + body.count(b"{") > JSON_DEPTH_MAX:
        _check_depth(body)
    try:
        value = _decode_any(text)
    except (_Misread, json.JSONDecodeError) as error:
        raise _explain(body, text, error) from None
    if b"\\u" in body and _SURROGATE_ESCAPE.search(body):
        _check_surrogates(body)
    return value


def _decode_any(text: str) -> Any:
    try:
        return _decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # from int()
        return _decode_long(text)


def _read_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Repeated
    return members


def _read_constant(_name: str) -> Any:
    raise _Misread


def _read_fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _Misread from None


def _read_whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _INT_DIGITS_MAX else Decimal(text)


_decode = json.JSONDecoder(object_pairs_hook=_read_members, parse_float=_read_fraction, parse_constant=_read_constant).decode
_decode_long = json.JSONDecoder(
    object_pairs_hook=_read_members, parse_float=_read_fraction, parse_constant=_read_constant, parse_int=_read_whole
).decode
_decode_pairs = json.JSONDecoder(object_pairs_hook=_Pairs, parse_float=str, parse_int=str).decode


def _refusal(problem: str) -> Refused:
    return Refused("malformed_json", f"The body is not valid JSON: {problem}.")


def _explain(body: bytes, text: str, error: Exception) -> Refused:
    """Say what is wrong with a document that was not read, and where."""
    if text.startswith("\ufeff"):
        return _refusal("it begins with a byte order mark")
    if not text.strip(" \t\r\n"):
        return _refusal("it is empty")
    if isinstance(error, json.JSONDecodeError):
        return _refusal(f"{error.msg[0].lower()}{error.msg[1:].removesuffix(' at')} at line {error.lineno}, column {error.colno}")
    if isinstance(error, _Repeated):
        return _explain_duplicate(body, text)
    blanked = _TEXT.sub(lambda found: b" " * len(found[0]), body)
    found = _NOT_A_NUMBER.search(blanked)
    if found:
        return _refusal(f"{found[0].decode()} is not a number, at {_position(body, found.start())}")
    found = _LONG_EXPONENT.search(blanked)
    return _refusal(f"a number is too long at {_position(body, found.start() if found else 0)}")


def _explain_duplicate(body: bytes, text: str) -> Refused:
    try:
        steps = _find_duplicate(_decode_pairs(text))
    except json.JSONDecodeError as error:  # further on it is no JSON at all
        return _explain(body, text, error)
    return _refusal(f"the member {_format_path(steps or [])} is given twice")


def _position(body: bytes, index: int) -> str:
    lines = body[:index].decode().split("\n")
    return f"line {len(lines)}, column {len(lines[-1]) + 1}"


def _check_depth(body: bytes) -> None:
    """Refuse more than JSON_DEPTH_MAX levels before the decoder recurses into them.

    Every pass takes away the innermost level; an unbalanced rest is left to the decoder, which says where it ends.
    """
    levels = _TEXT.sub(b"", body).translate(_SQUARE, _NOT_BRACKETS)
    for _ in range(JSON_DEPTH_MAX):
        if b"[]" not in levels:
            break
        levels = levels.replace(b"[]", b"")
    if b"[]" in levels or levels.count(b"[") > JSON_DEPTH_MAX:
        raise _refusal(f"it is nested more than {JSON_DEPTH_MAX} levels deep")


def _check_surrogates(body: bytes) -> None:
    """Refuse texts that no encoding of Unicode can hold: half of a surrogate pair, written as an escape."""
    found = _LONE_SURROGATE.search(body)
    if found:
        raise _refusal(f"half of a surrogate pair stands at {_position(body, found.start(1))}")


def _find_duplicate(value: list[Any]) -> list[str | int] | None:
    """The steps to the first member that its object holds already."""
    seen: set[str | int] = set()
    for step, part in value if isinstance(value, _Pairs) else enumerate(value):
        if step in seen:
            return [step]
        seen.add(step)
        steps = _find_duplicate(part) if isinstance(part, list) else None
        if steps is not None:
            return [step, *steps]
    return None


def _format_path(steps: list[str | int]) -> str:
    return "".join(
        f"[{step}]" if isinstance(step, int) else f".{_SURROGATE.sub(chr(0xFFFD), shorten(step))}" for step in steps
    ).removeprefix(".")
