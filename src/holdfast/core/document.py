"""Strict JSON: bytes to a value, or a refusal that names the place.

Stricter than most readers (RFC 8259 leaves these to the implementation): UTF-8 alone and no byte order mark, no duplicate members, no
NaN or infinities, no lone surrogates, a bounded depth, bounded numbers, one document and nothing after it.

The good case is the C decoder of the standard library with two hooks. A document that it refuses is looked at a second time, slowly,
to say where.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from holdfast.base.errors import Refused
from holdfast.base.limits import JSON_DEPTH_MAX
from holdfast.core.invalid import shorten

# A text, or what is left of the document where it is never closed: so that one pass is enough whatever was sent.
_TEXT = re.compile(r'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_A_NUMBER = re.compile(r"NaN|-?Infinity")
_LONG_NUMBER = re.compile(r"[0-9]{4301,}|[eE][-+]?[0-9]{18,}")  # beyond int() of CPython, beyond the exponent of Decimal
_BRACKETS = {ord("{"): "[", ord("}"): "]"}
_NOT_BRACKETS = re.compile(r"[^\[\]{}]+")


class _Misread(Exception):
    """A hook met something that JSON allows, or that the decoder would let pass, and we do not."""


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written, duplicate members and all."""


def parse_json(body: bytes) -> Any:
    """Read one strict JSON document.

    Whole numbers become int; numbers with a fraction or an exponent become Decimal, which keeps every digit that was sent.
    Raises Refused malformed_json (400) with the line and column, or the path of the member.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _refusal(f"byte {error.start + 1} is not UTF-8") from None
    # An opening bracket is a level at most: few of them need no closer look.
    if body.count(b"[") + body.count(b"{") > JSON_DEPTH_MAX:
        _check_depth(text)
    try:
        value = _decode(text)
    except (_Misread, ValueError) as error:
        raise _explain(text, error) from None
    if b"\\u" in body and _SURROGATE_ESCAPE.search(body):
        _check_surrogates(text)
    return value


def _read_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Misread
    return members


def _read_constant(_name: str) -> Any:
    raise _Misread


def _read_fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _Misread from None


_decode = json.JSONDecoder(object_pairs_hook=_read_members, parse_float=_read_fraction, parse_constant=_read_constant).decode
_decode_pairs = json.JSONDecoder(object_pairs_hook=_Pairs, parse_float=str, parse_int=str).decode


def _refusal(problem: str) -> Refused:
    return Refused("malformed_json", f"The body is not valid JSON: {problem}.")


def _explain(text: str, error: Exception) -> Refused:
    """Say what is wrong with a document that was not read, and where."""
    if text.startswith("\ufeff"):
        return _refusal("it begins with a byte order mark")
    if not text.strip(" \t\r\n"):
        return _refusal("it is empty")
    if isinstance(error, json.JSONDecodeError):
        return _refusal(f"{error.msg[0].lower()}{error.msg[1:].removesuffix(' at')} at line {error.lineno}, column {error.colno}")
    blanked = _TEXT.sub(lambda found: " " * len(found[0]), text)
    if found := _NOT_A_NUMBER.search(blanked):
        return _refusal(f"{found[0]} is not a number, at {_position(text, found.start())}")
    if found := _LONG_NUMBER.search(blanked):
        return _refusal(f"a number is too long at {_position(text, found.start())}")
    path = next(_duplicates(_decode_pairs(text), ""))
    return _refusal(f"the member {path} is given twice")


def _position(text: str, index: int) -> str:
    line = text.count("\n", 0, index) + 1
    return f"line {line}, column {index - text.rfind(chr(10), 0, index)}"


def _check_depth(text: str) -> None:
    """Refuse more than JSON_DEPTH_MAX levels before the decoder recurses into them.

    Every pass takes away the innermost level; an unbalanced rest is left to the decoder, which says where it ends.
    """
    levels = _NOT_BRACKETS.sub("", _TEXT.sub("", text)).translate(_BRACKETS)
    for _ in range(JSON_DEPTH_MAX):
        levels = levels.replace("[]", "")
    if "[]" in levels or levels.count("[") > JSON_DEPTH_MAX:
        raise _refusal(f"it is nested more than {JSON_DEPTH_MAX} levels deep")


def _check_surrogates(text: str) -> None:
    """Refuse texts that no encoding of Unicode can hold: half of a surrogate pair, written as an escape."""
    for path in _surrogates(_decode_pairs(text), ""):
        raise _refusal(f"{path or 'the text'} holds half of a surrogate pair")


def _duplicates(value: Any, path: str) -> Iterator[str]:
    """The path of every member that its object holds already."""
    seen = set()
    for step, part in _parts(value):
        if isinstance(value, _Pairs):
            if step in seen:
                yield _join(path, step)
            seen.add(step)
        yield from _duplicates(part, _join(path, step))


def _surrogates(value: Any, path: str) -> Iterator[str]:
    """The path of every text and every member name that holds a lone surrogate."""
    if isinstance(value, str) and _SURROGATE.search(value):
        yield path
    for step, part in _parts(value):
        if isinstance(step, str) and _SURROGATE.search(step):
            yield _join(path, step)
        yield from _surrogates(part, _join(path, step))


def _parts(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, _Pairs):
        return list(value)
    return list(enumerate(value)) if isinstance(value, list) else []


def _join(path: str, step: str | int) -> str:
    if isinstance(step, int):
        return f"{path}[{step}]"
    name = _SURROGATE.sub("\ufffd", shorten(step))
    return f"{path}.{name}" if path else name
