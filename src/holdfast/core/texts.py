"""Readers of text: plain, by pattern, email addresses and web addresses."""

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address
from typing import Any

from holdfast.base.limits import EMAIL_LENGTH_MAX
from holdfast.core.invalid import Invalid, invalid, wrong_type
from holdfast.model.pattern import compile_pattern
from holdfast.model.types import Text, TextFormat

# Practical, not RFC 5322: dot-atoms of any script before the @ (RFC 6531), labels of a host name after it, two at least.
_LABEL = r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?"
_ATOM = r"""[^\s@.(),:;<>\[\]\\"\x00-\x1f\x7f-\x9f]+"""
_match_email = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+").fullmatch

# RFC 3986 without user information, which is how addresses lie about their host; a backslash is a slash to browsers.
_URL_TAIL = r"""[^\s\\<>"^`{|}\x00-\x1f\x7f-\x9f]*"""
_HOST = r"[\w-]{1,63}(?:\.[\w-]{1,63})*\.?"
_match_url = re.compile(rf"(?i:https?)://(?:{_HOST}|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{{1,5}}))?(?:[/?#]{_URL_TAIL})?").fullmatch
_PORT_MAX = 65_535


def text_reader(kind: Text) -> Callable[[Any], str]:
    """The reader of a text type. Lengths count code points."""
    low, high = kind.min_length, kind.max_length
    check = _FORMATS[kind.format]
    is_found = None if kind.pattern is None else compile_pattern(kind.pattern)

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise wrong_type("a string", value)
        length = len(value)
        if not low <= length <= high:
            raise _wrong_length(length, low, high)
        if "\0" in value:
            raise invalid("nul_character", "may not hold the character U+0000")
        if check is not None:
            check(value)
        if is_found is not None and not is_found(value):
            raise invalid("pattern_mismatch", f"must match the pattern {kind.pattern}")
        if not kind.lower:
            return value
        lower = _lower(value)
        if kind.not_at is not None and lower.endswith(f"@{kind.not_at}"):
            raise kept_for_keys(kind.not_at)
        return lower

    return read


def kept_for_keys(domain: str) -> Invalid:
    """The fault of an e-mail address at a domain where only users as whom keys act have theirs."""
    return invalid("wrong_format", f"may not be at {domain}, which is kept for API keys")


def _lower(text: str) -> str:
    """The text in lower case, where that is the same as folding its case: else two spellings would be one to some and two to others."""
    lower = text.lower()
    if lower != text.casefold():
        raise invalid("wrong_format", "may not hold letters that have more than one lower case, such as \u00df and \u03c2")
    return lower


def _wrong_length(length: int, low: int, high: int) -> Exception:
    if length < low:
        return invalid("too_short", f"must be at least {low:,} {_characters(low)}, has {length:,}")
    return invalid("too_long", f"must be at most {high:,} {_characters(high)}, has {length:,}")


def _characters(count: int) -> str:
    return "character" if count == 1 else "characters"


def _check_email(text: str) -> None:
    if len(text) > EMAIL_LENGTH_MAX:
        raise invalid("too_long", f"must be at most {EMAIL_LENGTH_MAX} characters, has {len(text):,}")
    if not _match_email(text):
        raise invalid("wrong_format", "must be an email address, such as name@example.org")


def _check_url(text: str) -> None:
    found = _match_url(text)
    if not found or not _is_ipv6(found[1]) or int(found[2] or 0) > _PORT_MAX:
        raise invalid("wrong_format", "must be a web address, such as https://example.org/page, without a user name in it")


def _is_ipv6(text: str | None) -> bool:
    """Whether what stood in brackets is an IPv6 address; true where there were none."""
    try:
        return text is None or bool(IPv6Address(text).packed)
    except AddressValueError:
        return False


_FORMATS: dict[TextFormat, Callable[[str], None] | None] = {
    TextFormat.PLAIN: None,
    TextFormat.EMAIL: _check_email,
    TextFormat.URL: _check_url,
}
