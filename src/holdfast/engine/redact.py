"""Redaction: the one place where secrets are cut out of what is logged, and where text is made safe for a line or a terminal."""

import re

HIDDEN = "***"

_NAME = r"[\w-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|credential)[\w-]*"
_QUOTED = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"

_HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)([\"']?\s*[:=,]\s*)(" + _QUOTED + r"|[^\r\n]+)")
_MEMBER = re.compile(r"(?i)\b(" + _NAME + r")([\"']?\s*[:=]\s*)(" + _QUOTED + r"|[^\s\"',;&})\]]+)")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
_OWN_KEY = re.compile(r"\b(hf[art]?_)[\w-]{8,}")
_URL_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@\s/]+@")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LINE_BREAKING = re.compile("[\x7f-\x9f\u2028\u2029]")


def redact(text: str) -> str:
    """Cut out what looks like a secret: members, headers and parameters by name, bearer values, our keys and tokens, passwords in URLs."""
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = _MEMBER.sub(rf"\1\2{HIDDEN}", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _OWN_KEY.sub(rf"\1{HIDDEN}", text)
    return _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text)


def escape_line(text: str) -> str:
    """Make text fit for a JSON line: surrogates, and what JSON leaves as it is but some readers take for a line end, are written out."""
    if text.isascii():
        return text
    return _LINE_BREAKING.sub(_spell, text.encode("utf-8", "backslashreplace").decode())


def escape_terminal(text: str) -> str:
    """Make text fit for a terminal: every control and direction character except tab and line feed is written out, as \\x1b."""
    return _CONTROL.sub(_spell, text.encode("utf-8", "backslashreplace").decode())


def _spell(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
