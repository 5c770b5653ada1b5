"""The head of a request: raw bytes to facts, by the grammar of RFC 9112 and no wider.

No I/O here. One parser decides what frames a message, so nothing is left for a second one to see otherwise. It is our own because the
general parsers are lenient where a proxy in front may not be, and refuse method names that deserve a 405. Everything that is not plainly
right is refused; after a refusal the connection closes, because where the next request would begin is not known.
"""

import re
from dataclasses import dataclass

from holdfast.base.errors import Refused
from holdfast.base.limits import METHOD_BYTES_MAX
from holdfast.core.exchange import join_headers
from holdfast.http.bounds import Bounds

END_OF_HEAD = b"\r\n\r\n"

_USUAL_LINE = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[!\"$-~]*) HTTP/1\.1\r\n")
"""What nearly every request begins with: read at once. `parse_request_line` judges everything else, and would read this alike."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HOST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=%\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_ABSOLUTE = re.compile(r"https?://([^/?]*)(.*)", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,18}")

_VALUE_BYTES = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
_BLOCK_BYTES = b"\r\n" + _VALUE_BYTES

_VERSIONS = {"HTTP/1.1": 1, "HTTP/1.0": 0}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})

_COMMON_NAMES = (
    "Host",
    "User-Agent",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Content-Type",
    "Content-Length",
    "Connection",
    "Cache-Control",
    "Cookie",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "Prefer",
    "Origin",
    "Referer",
    "Traceparent",
    "Tracestate",
    "X-Request-Id",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "Forwarded",
    "Transfer-Encoding",
    "Expect",
    "Last-Event-Id",
)
_NAMES = {spelt: name.lower() for name in _COMMON_NAMES for spelt in (name, name.lower())}

_SINGLE = frozenset({"host", "content-length", "transfer-encoding"})
_JOINED = frozenset({"connection", "expect"})
_TWICE = {name: spelt for spelt, name in _NAMES.items() if name in _SINGLE and spelt != name}
_FRAMING = _SINGLE | _JOINED


@dataclass(slots=True)  # not frozen: that alone costs a microsecond for each head
class Fields:
    """What the header block of one request says.

    headers     by lower-case name
    host        the Host field; None is possible on HTTP/1.0 alone
    length      Content-Length; 0 if there is none
    chunked     the body comes in chunks
    has_body    a body follows
    keep_alive  the connection may serve another request
    continues   the client waits for 100 (Continue) before it sends its body
    """

    headers: dict[str, str]
    host: str | None
    length: int
    chunked: bool
    has_body: bool
    keep_alive: bool
    continues: bool


class HeadReader:
    """Reads the heads of one connection, one after the other.

    The last header block is remembered: most clients repeat it, byte for byte, for as long as their connection lives, and then its
    facts are those of last time. `version_minor` is the 0 or 1 of HTTP/1.x in the last head read.
    """

    __slots__ = ("_block", "_bounds", "_fields", "version_minor")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._block: bytes | None = None
        self._fields: Fields | None = None
        self.version_minor = 1

    def read(self, raw: bytes, end: int) -> tuple[str, str, Fields]:
        """The method, the target in origin form and the fields of a head.

        raw  begins with the request line
        end  where END_OF_HEAD begins in `raw`

        Raises Refused: malformed_request, uri_too_long, headers_too_large.
        """
        usual = _USUAL_LINE.match(raw)
        if usual is not None and usual.end() <= self._bounds.url_bytes_max:
            method, target, minor, block_at = usual[1].decode("ascii"), usual[2].decode("ascii"), 1, usual.end()
        else:
            block_at = raw.find(b"\r\n", 0, end + 2) + 2
            method, target, minor = parse_request_line(raw[: block_at - 2], self._bounds)
        block = raw[block_at : end + 2]
        fields = self._fields
        if fields is None or block != self._block or minor != self.version_minor:
            self._fields = fields = parse_fields(block, minor, self._bounds)
            self._block, self.version_minor = block, minor
        if target[0] != "/":
            target = _to_origin_form(method, target, fields.host)
        return method, target, fields


def parse_request_line(line: bytes, bounds: Bounds) -> tuple[str, str, int]:
    """The method, target and minor version of a request line without its CRLF.

    Raises Refused: malformed_request, uri_too_long.
    """
    if len(line) > bounds.url_bytes_max + METHOD_BYTES_MAX:
        raise Refused("uri_too_long")
    parts = line.decode("latin-1").split(" ")
    if len(parts) != 3:
        raise _misread_line(line)
    method, target, version = parts
    minor = _VERSIONS.get(version)
    if minor is None:
        raise Refused("malformed_request", "The version is not HTTP/1.1 or HTTP/1.0.")
    if method not in _METHODS and not _is_method(method):
        raise Refused("malformed_request", "The method is not a token, or too long.")
    if len(target) > bounds.url_bytes_max:
        raise Refused("uri_too_long")
    if not target or not target.isascii() or not target.isprintable() or "#" in target:
        raise _misread_target(target)
    return method, target, minor


def parse_fields(block: bytes, minor: int, bounds: Bounds) -> Fields:
    """The facts of a header block: lines that each end with CRLF, without the empty line after them.

    Raises Refused: malformed_request, headers_too_large.
    """
    if len(block) > bounds.headers_bytes_max:
        raise Refused("headers_too_large")
    headers, framing = _split_fields(block, bounds.header_count_max)
    host = framing.get("host")
    if host is None and minor:
        raise Refused("malformed_request", "The request has no Host.")
    if host is not None and not _HOST.fullmatch(host):
        raise Refused("malformed_request", "Host is not a name or an address.")
    length, chunked = _judge_framing(framing, minor)
    keep_alive = _is_kept_alive(framing["connection"], minor) if "connection" in framing else minor == 1
    continues = "expect" in framing and minor == 1 and framing["expect"].lower() == "100-continue"
    return Fields(join_headers(headers), host, length, chunked, chunked or length > 0, keep_alive, continues)


def check_beginning(raw: bytes, bounds: Bounds) -> None:
    """Refuse the beginning of a head as soon as no continuation could make it right, so that nobody waits for the deadline.

    Raises Refused: malformed_request, uri_too_long, headers_too_large.
    """
    line_end = raw.find(b"\r\n")
    if line_end < 0:
        _check_beginning_of_line(raw, bounds)
        return
    parse_request_line(raw[:line_end], bounds)
    if len(raw) - line_end > bounds.headers_bytes_max + len(END_OF_HEAD):
        raise Refused("headers_too_large")
    lines = raw.count(b"\r\n")
    if lines > bounds.header_count_max + 1:
        raise Refused("headers_too_large")
    bare_returns = raw.count(b"\r") - lines - raw.endswith(b"\r")
    if bare_returns or raw.count(b"\n") != lines or raw.translate(None, _BLOCK_BYTES):
        raise _misread_bytes(raw.removesuffix(b"\r"), lines)


def check_field_lines(block: bytes, count_max: int) -> None:
    """Refuse what is no sequence of field lines; for trailers, which are read and dropped.

    Raises Refused: malformed_request, headers_too_large.
    """
    _split_fields(block, count_max)


def _check_beginning_of_line(raw: bytes, bounds: Bounds) -> None:
    method = raw.partition(b" ")[0]
    if b"\n" in raw:
        raise _misread_line(raw)
    if len(method) > METHOD_BYTES_MAX or not _TOKEN.fullmatch(method.removesuffix(b"\r").decode("latin-1") or "-"):
        raise Refused("malformed_request", "The request does not begin with a method.")
    if len(raw) > bounds.url_bytes_max + METHOD_BYTES_MAX:
        raise Refused("uri_too_long")


def _misread_line(line: bytes) -> Refused:
    if b"\n" in line:
        return _misread_bytes(line, 0)
    form = "The request line is not a method, a URL and a version with one space between them."
    return Refused("malformed_request", form, hint="Percent-encode a space in the URL: %20.")


def _misread_target(target: str) -> Refused:
    if not target.isascii():
        return Refused("malformed_request", "The URL holds bytes that are not ASCII.", hint="Percent-encode them: q=Z%C3%BCrich.")
    if "#" in target:
        return Refused("malformed_request", "The URL holds a fragment.", hint="Leave out what follows #, or percent-encode it: %23.")
    return Refused("malformed_request", "The URL holds a control character." if target else "The request line has no URL.")


def _misread_bytes(block: bytes, lines: int) -> Refused:
    """Why a block of so many lines is none: which of its bytes is where it may not be."""
    if block.count(b"\n") > lines:
        return Refused("malformed_request", "A line ends without a carriage return.")
    if block.count(b"\r") > lines:
        return Refused("malformed_request", "A carriage return stands without a line feed.")
    return Refused("malformed_request", "A header holds a control character.")


def _is_method(text: str) -> bool:
    return len(text) <= METHOD_BYTES_MAX and _TOKEN.fullmatch(text) is not None


def _split_fields(block: bytes, count_max: int) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Every field, and apart those that frame the message. What is no `token: value` is refused: so folds, and spaces before the colon."""
    lines = block.decode("latin-1").split("\r\n")
    lines.pop()  # what follows the last CRLF: nothing
    if len(lines) > count_max:
        raise Refused("headers_too_large")
    if not block.count(b"\r") == block.count(b"\n") == len(lines) or block.translate(None, _BLOCK_BYTES):
        raise _misread_bytes(block, len(lines))
    headers: list[tuple[str, str]] = []
    framing: dict[str, str] = {}
    for line in lines:
        spelt, colon, value = line.partition(":")
        name = _NAMES.get(spelt) or _parse_name(spelt)
        if not colon:
            raise Refused("malformed_request", "A header line has no colon.")
        value = value.strip(" \t")
        headers.append((name, value))
        if name in _FRAMING:
            _note_framing(framing, name, value)
    return headers, framing


def _parse_name(spelt: str) -> str:
    if spelt[:1] in (" ", "\t"):
        raise Refused("malformed_request", "A header line begins with a space.")
    if not _TOKEN.fullmatch(spelt):
        raise Refused("malformed_request", "The name of a header is not a token.")
    return spelt.lower()


def _note_framing(framing: dict[str, str], name: str, value: str) -> None:
    if name not in framing:
        framing[name] = value
    elif name in _JOINED:
        framing[name] += "," + value
    else:  # equal values too: a proxy may have taken another one than we would
        raise Refused("malformed_request", f"{_TWICE[name]} is given twice.")


def _judge_framing(framing: dict[str, str], minor: int) -> tuple[int, bool]:
    """The length of the body, and whether it is chunked. Both at once, and other codings, are refused (RFC 9112, 6.1 and 6.3)."""
    length, coding = framing.get("content-length"), framing.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            raise Refused("malformed_request", "Content-Length and Transfer-Encoding are both given.")
        if minor == 0:
            raise Refused("malformed_request", "HTTP/1.0 has no Transfer-Encoding.")
        if coding.lower() != "chunked":
            raise Refused("malformed_request", "Transfer-Encoding is not chunked.")
        return 0, True
    if length is None:
        return 0, False
    if not _LENGTH.fullmatch(length):
        raise Refused("malformed_request", "Content-Length is not a number of bytes.")
    return int(length), False


def _is_kept_alive(connection: str, minor: int) -> bool:
    options = [option.strip(" \t") for option in connection.lower().split(",")]
    return "close" not in options and (minor == 1 or "keep-alive" in options)


def _to_origin_form(method: str, target: str, host: str | None) -> str:
    """Absolute form must name the host that Host does (RFC 9112, 3.2.2); `*` belongs to OPTIONS; the authority form is refused."""
    if target == "*" and method == "OPTIONS":
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise Refused("malformed_request", "The URL does not begin with a slash.")
    if host is None or absolute[1].lower() != host.lower():
        raise Refused("malformed_request", "The URL names another host than Host does.")
    rest = absolute[2]
    return rest if rest.startswith("/") else "/" + rest
