"""What frames a request is read in one way only, or refused."""

import json
import socket

import pytest
from http_harness import Answer, Serving, parse_answers, read_to_end, send_all

pytestmark = pytest.mark.usefixtures("silent")

HOST = b"Host: example.org\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: example.org\r\n\r\n"


def get(*lines: bytes, target: bytes = b"/echo", version: bytes = b"HTTP/1.1", host: bytes = HOST) -> bytes:
    """A GET with more header lines."""
    return b"GET " + target + b" " + version + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """A POST with header lines and whatever follows the head."""
    return b"POST /echo HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked"

REFUSED = {
    "length and coding": (400, post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n")),
    "coding and length": (400, post(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n")),
    "two lengths that differ": (400, post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!")),
    "two equal lengths": (400, post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello")),
    "a list of lengths": (400, post(b"Content-Length: 5, 5", body=b"hello")),
    "a length with a sign": (400, post(b"Content-Length: +5", body=b"hello")),
    "a negative length": (400, post(b"Content-Length: -1", body=b"hello")),
    "a length in hex": (400, post(b"Content-Length: 0x5", body=b"hello")),
    "a length with an underscore": (400, post(b"Content-Length: 1_0", body=b"helloworld")),
    "a length in other digits": (400, post("Content-Length: ²".encode("latin-1"), body=b"he")),
    "an empty length": (400, post(b"Content-Length:", body=b"hello")),
    "a length of 19 digits": (400, post(b"Content-Length: 1000000000000000000", body=b"hello")),
    "bare LF throughout": (400, b"GET /echo HTTP/1.1\nHost: example.org\n\n"),
    "bare LF after the request line": (400, b"GET /echo HTTP/1.1\nHost: example.org\r\n\r\n"),
    "bare LF after a header": (400, b"GET /echo HTTP/1.1\r\nHost: example.org\nX: y\r\n\r\n"),
    "bare LF at the end": (400, b"GET /echo HTTP/1.1\r\nHost: example.org\r\n\n"),
    "bare CR in a value": (400, get(b"X: a\rb")),
    "bare CR in the request line": (400, b"GET /echo HTTP/1.1\rX: y\r\nHost: example.org\r\n\r\n"),
    "NUL in a value": (400, get(b"X: a\0b")),
    "NUL in a name": (400, get(b"X\0Y: a")),
    "DEL in a value": (400, get(b"X: a\x7fb")),
    "a fold with a space": (400, get(b"X: a", b" folded")),
    "a fold with a tab": (400, get(b"X: a", b"\tfolded")),
    "a fold of the first line": (400, b"GET /echo HTTP/1.1\r\n Host: example.org\r\n\r\n"),
    "space before the colon": (400, get(b"X : a")),
    "space before the colon of a length": (400, post(b"Content-Length : 5", body=b"hello")),
    "tab before the colon of a coding": (400, post(b"Transfer-Encoding\t: chunked", body=b"0\r\n\r\n")),
    "no colon": (400, get(b"Nonsense")),
    "an empty name": (400, get(b": a")),
    "a name that is no token": (400, get(b"X(Y): a")),
    "a name in latin-1": (400, get("Ä: a".encode("latin-1"))),
    "an unknown coding": (400, post(b"Transfer-Encoding: gzip", body=b"0\r\n\r\n")),
    "two codings": (400, post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n")),
    "chunked twice in one": (400, post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n")),
    "chunked twice": (400, post(CHUNKED, CHUNKED, body=b"0\r\n\r\n")),
    "identity": (400, post(b"Transfer-Encoding: identity", body=b"")),
    "a coding in quotes": (400, post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n")),
    "chunked with a vertical tab": (400, post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n")),
    "a coding on HTTP/1.0": (400, b"POST /echo HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n\r\n0\r\n\r\n"),
    "no Host": (400, get(host=b"")),
    "an empty Host": (400, get(host=b"Host:\r\n")),
    "two Hosts": (400, get(HOST.strip())),
    "a Host with a space": (400, get(host=b"Host: a b\r\n")),
    "a Host with a path": (400, get(host=b"Host: a/b\r\n")),
    "a Host with userinfo": (400, get(host=b"Host: user@a\r\n")),
    "a Host with a bad port": (400, get(host=b"Host: a:b\r\n")),
    "a list of Hosts": (400, get(host=b"Host: a, b\r\n")),
    "a bad Host on HTTP/1.0": (400, get(host=b"Host: a b\r\n", version=b"HTTP/1.0")),
    "absolute form for another host": (400, get(target=b"http://other.org/echo")),
    "absolute form of another scheme": (400, get(target=b"ftp://example.org/echo")),
    "authority form": (400, b"CONNECT example.org:80 HTTP/1.1\r\nHost: example.org:80\r\n\r\n"),
    "an asterisk with GET": (400, get(target=b"*")),
    "a relative target": (400, get(target=b"echo")),
    "an empty target": (400, b"GET  HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a target in UTF-8": (400, get(target="/é".encode())),
    "a target in latin-1": (400, get(target="/é".encode("latin-1"))),
    "a target with a control": (400, get(target=b"/a\x01b")),
    "a target with a fragment": (400, get(target=b"/a#b")),
    "a target with a space": (400, get(target=b"/a b")),
    "a target with a tab": (400, get(target=b"/a\tb")),
    "a method that is no token": (400, b"G@T /echo HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method too long": (400, b"A" * 33 + b" /echo HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a method alone": (400, b"GET\r\n\r\n"),
    "no version": (400, b"GET /echo\r\n" + HOST + b"\r\n"),
    "a lower-case version": (400, get(version=b"http/1.1")),
    "version 0.9": (400, get(version=b"HTTP/0.9")),
    "version 1.2": (400, get(version=b"HTTP/1.2")),
    "version 2.0": (400, get(version=b"HTTP/2.0")),
    "version 1.10": (400, get(version=b"HTTP/1.10")),
    "two spaces": (400, b"GET  /echo HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a tab for a space": (400, b"GET\t/echo HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a space before the method": (400, b" GET /echo HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a space after the version": (400, get(version=b"HTTP/1.1 ")),
    "two empty lines before": (400, b"\r\n\r\n" + get()),
    "the preface of HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
    "a greeting of TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "garbage": (400, b"garbage\r\n\r\n"),
    "garbage without an end": (400, b"\x80\x81\x82\x83"),
    "garbage lines without an end": (400, b"GET /echo HTTP/1.1\r\nX: \0"),
    "an answer for a request": (400, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "a URL too long": (414, get(target=b"/" + b"a" * 8_192)),
    "a URL too long without an end": (414, b"GET /" + b"a" * 9_000),
    "bare CR without an end": (400, b"GET /echo HTTP/1.1\r\nX: a\rb: "),
    "a header too large": (431, get(b"X: " + b"a" * 33_000)),
    "headers too large": (431, get(*(b"X-%d: " % number + b"a" * 500 for number in range(70)))),
    "headers too large without an end": (431, b"GET /echo HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100_000),
    "too many headers": (431, get(*(b"X-%d: a" % number for number in range(100)))),
    "too many headers without an end": (431, b"GET /echo HTTP/1.1\r\n" + b"X: a\r\n" * 102),
    "a body too large": (413, post(b"Content-Length: 2001", body=b"a" * 2_001)),
    "a body far too large": (413, post(b"Content-Length: 999999999999999999")),
    "a body too large, waiting": (413, post(b"Content-Length: 2001", b"Expect: 100-continue")),
    "chunks too large": (413, post(CHUNKED, body=(b"3e8\r\n" + b"a" * 1_000 + b"\r\n") * 3)),
    "a chunk announced too large": (413, post(CHUNKED, body=b"ffffffff\r\n")),
    "a chunk size without digits": (400, post(CHUNKED, body=b"\r\nhello\r\n0\r\n\r\n")),
    "a chunk size of nine digits": (400, post(CHUNKED, body=b"000000005\r\nhello\r\n0\r\n\r\n")),
    "a chunk size in words": (400, post(CHUNKED, body=b"five\r\nhello\r\n0\r\n\r\n")),
    "a chunk size with 0x": (400, post(CHUNKED, body=b"0x5\r\nhello\r\n0\r\n\r\n")),
    "a negative chunk size": (400, post(CHUNKED, body=b"-5\r\nhello\r\n0\r\n\r\n")),
    "a chunk size with a space": (400, post(CHUNKED, body=b"5 \r\nhello\r\n0\r\n\r\n")),
    "a chunk size with bare LF": (400, post(CHUNKED, body=b"5\nhello\r\n0\r\n\r\n")),
    "a chunk that is longer": (400, post(CHUNKED, body=b"5\r\nhello!\r\n0\r\n\r\n")),
    "a chunk that ends with bare LF": (400, post(CHUNKED, body=b"5\r\nhello\n0\r\n\r\n")),
    "a chunk extension too long": (400, post(CHUNKED, body=b"5;" + b"a" * 200 + b"\r\nhello\r\n0\r\n\r\n")),
    "a chunk extension with bare CR": (400, post(CHUNKED, body=b"5;a\rb\r\nhello\r\n0\r\n\r\n")),
    "chunk extensions too many": (400, post(CHUNKED, body=(b"1;" + b"a" * 120 + b"\r\nx\r\n") * 40 + b"0\r\n\r\n")),
    "a trailer that is no field": (400, post(CHUNKED, body=b"0\r\nnonsense\r\n\r\n")),
    "a trailer with bare LF": (400, post(CHUNKED, body=b"0\r\nX: a\nY: b\r\n\r\n")),
    "trailers too large": (431, post(CHUNKED, body=b"0\r\nX: " + b"a" * 9_000 + b"\r\n\r\n")),
    "trailers too many": (431, post(CHUNKED, body=b"0\r\n" + b"X: a\r\n" * 101 + b"\r\n")),
}

CODES = {400: "malformed_request", 413: "payload_too_large", 414: "uri_too_long", 431: "headers_too_large"}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_framing_gets_one_refusal_and_the_end(serving: Serving, name: str) -> None:
    """What is not plainly right is refused with its status in the envelope, the connection ends, and what follows is never a request."""
    status, raw = REFUSED[name]
    (answer,) = serving.ask(raw + SMUGGLED)
    assert (status, CODES[status], "close") == (answer.status, answer.code, answer.headers["connection"])
    assert "/smuggled" not in [head.target for head in serving.service.opened]


@pytest.mark.parametrize("name", REFUSED)
def test_bad_framing_is_refused_byte_by_byte_too(serving: Serving, name: str) -> None:
    """How the bytes are cut into packets changes nothing: the same refusal, once."""
    status, raw = REFUSED[name]
    step = max(1, len(raw) // 60)
    with serving.connect() as sock:
        answers = _drip(sock, raw + SMUGGLED, step)
    assert [status] == [answer.status for answer in answers]
    assert "/smuggled" not in [head.target for head in serving.service.opened]


def _drip(sock: socket.socket, raw: bytes, step: int) -> list[Answer]:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for start in range(0, len(raw), step):
        send_all(sock, raw[start : start + step])
    return parse_answers(read_to_end(sock))


SAID = {
    "two equal lengths": "Content-Length is given twice.",
    "length and coding": "Content-Length and Transfer-Encoding are both given.",
    "a length in hex": "Content-Length is not a number of bytes.",
    "bare LF throughout": "A line ends without a carriage return.",
    "bare LF after the request line": "A line ends without a carriage return.",
    "bare CR in a value": "A carriage return stands without a line feed.",
    "NUL in a value": "A header holds a control character.",
    "a fold with a tab": "A header line begins with a space.",
    "space before the colon": "The name of a header is not a token.",
    "no colon": "A header line has no colon.",
    "an unknown coding": "Transfer-Encoding is not chunked.",
}


@pytest.mark.parametrize("name", SAID)
def test_a_refusal_of_framing_says_why(serving: Serving, name: str) -> None:
    """The message tells what is wrong with the bytes, whole or one by one."""
    _, raw = REFUSED[name]
    with serving.connect() as sock:
        dripped = _drip(sock, raw, max(1, len(raw) // 60))
    told = [json.loads(answer.body)["error"]["message"] for answer in (*serving.ask(raw), *dripped)]
    assert [SAID[name]] * 2 == told


@pytest.mark.parametrize(
    ("raw", "message", "hint"),
    [
        (get(target="/echo?q=Zürich".encode()), "The URL holds bytes that are not ASCII.", "Percent-encode them: q=Z%C3%BCrich."),
        (get(target=b"/echo#a"), "The URL holds a fragment.", "Leave out what follows #, or percent-encode it: %23."),
        (get(target=b"/echo\x01"), "The URL holds a control character.", None),
        (get(target=b"/echo?q=a b"), "The request line is not a method, a URL and a version with one space between them.", "%20"),
        (get(target=b""), "The request line has no URL.", None),
        (get(version=b"HTTP/3.0"), "The version is not HTTP/1.1 or HTTP/1.0.", None),
        (get(host=b""), "The request has no Host.", None),
        (get(target=b"echo"), "The URL does not begin with a slash.", None),
        (get(target=b"http://other.org/echo"), "The URL names another host than Host does.", None),
    ],
)
def test_a_refused_request_line_says_how_to_mend_it(serving: Serving, raw: bytes, message: str, hint: str | None) -> None:
    """What is wrong with the URL or its host is told, with the next act where there is one."""
    (answer,) = serving.ask(raw)
    told = json.loads(answer.body)["error"]
    assert (400, message) == (answer.status, told["message"])
    assert (hint is None) == (told["hint"] is None)
    assert (hint or "") in (told["hint"] or "")


def test_a_chunk_that_cannot_be_read_says_so(serving: Serving) -> None:
    """A fault in the framing of a body is told too, and so is a connection that ends within one."""
    (answer,) = serving.ask(post(CHUNKED, body=b"zz\r\n"))
    assert json.loads(answer.body)["error"]["message"] == "The size of a chunk cannot be read."
    with serving.connect() as sock:
        sock.sendall(post(b"Content-Length: 5", body=b"he"))
        sock.shutdown(socket.SHUT_WR)
        (answer,) = parse_answers(read_to_end(sock))
    assert json.loads(answer.body)["error"]["message"] == "The connection ended before the request did."


ACCEPTED = {
    "plain": (get(), ""),
    "HTTP/1.0": (get(version=b"HTTP/1.0"), ""),
    "HTTP/1.0 without Host": (get(host=b"", version=b"HTTP/1.0"), ""),
    "an empty line before": (b"\r\n" + get(), ""),
    "a Host with a port": (get(host=b"Host: example.org:8000\r\n"), ""),
    "a Host in IPv6": (get(host=b"Host: [::1]:8000\r\n"), ""),
    "a header without a value": (get(b"X:"), ""),
    "a value in latin-1": (get("X: é".encode("latin-1")), ""),
    "a value with a tab": (get(b"X:\ta\tb\t"), ""),
    "a URL of 8 KiB": (get(target=b"/echo?q=" + b"a" * 8_184), ""),
    "a header of 32 KiB": (get(b"X: " + b"a" * 32_500), ""),
    "a hundred headers": (get(*(b"X-%d: a" % number for number in range(99))), ""),
    "brackets in the query": (get(target=b"/echo?price[gte]=10&a|b={}"), ""),
    "a body": (post(b"Content-Length: 5", body=b"hello"), "hello"),
    "a body of length 0": (post(b"Content-Length: 0"), ""),
    "a length with zeros before": (post(b"Content-Length: 005", body=b"hello"), "hello"),
    "a body as large as allowed": (post(b"Content-Length: 2000", body=b"a" * 2_000), "a" * 2_000),
    "chunks": (post(CHUNKED, body=b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), "hello world"),
    "chunks in capitals": (post(b"TRANSFER-ENCODING: Chunked", body=b"A\r\nhelloworld\r\n0\r\n\r\n"), "helloworld"),
    "chunks as large as allowed": (post(CHUNKED, body=b"7d0\r\n" + b"a" * 2_000 + b"\r\n0\r\n\r\n"), "a" * 2_000),
    "no chunk": (post(CHUNKED, body=b"0\r\n\r\n"), ""),
    "a chunk extension": (post(CHUNKED, body=b'5;name="value"\r\nhello\r\n0;last\r\n\r\n'), "hello"),
    "a trailer": (post(CHUNKED, body=b"5\r\nhello\r\n0\r\nX: a\r\nContent-Length: 3\r\n\r\n"), "hello"),
    "an unknown expectation": (post(b"Expect: miracles", b"Content-Length: 5", body=b"hello"), "hello"),
    "connection options in two fields": (get(b"Connection: x", b"Connection: keep-alive"), ""),
    "an upgrade that is not taken": (get(b"Upgrade: h2c", b"Connection: Upgrade"), ""),
}


@pytest.mark.parametrize("step", [1_000_000, 7, 1])
@pytest.mark.parametrize("name", ACCEPTED)
def test_good_framing_is_answered_however_it_is_cut(serving: Serving, name: str, step: int) -> None:
    """What the standard allows is answered, with its body whole, in one packet as in many."""
    raw, body = ACCEPTED[name]
    step = max(step, len(raw) // 200)
    with serving.connect() as sock:
        answers = _drip(sock, raw + get(b"Connection: close", target=b"/last"), step)
    assert answers[0].status == 200
    assert body == json.loads(answers[0].body)["data"]["body"]
    expected = 1 if "HTTP/1.0" in name else 2
    assert expected == len(answers)


def test_absolute_form_is_read_as_its_path(serving: Serving) -> None:
    """A target in absolute form that names our host is served as its path and query."""
    (answer,) = serving.ask(get(b"Connection: close", target=b"http://EXAMPLE.org/echo?a=b"))
    assert json.loads(answer.body)["data"]["target"] == "/echo?a=b"
    (answer,) = serving.ask(get(b"Connection: close", target=b"http://example.org"))
    assert json.loads(answer.body)["data"]["target"] == "/"


def test_an_asterisk_belongs_to_options(serving: Serving) -> None:
    """`OPTIONS *` reaches the service as it is."""
    (answer,) = serving.ask(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert json.loads(answer.body)["data"]["target"] == "*"


@pytest.mark.parametrize("method", ["TRACE", "BREW", "get", "M-SEARCH"])
def test_an_unknown_method_reaches_the_service(serving: Serving, method: str) -> None:
    """A method that is a token is the service's to refuse, with 405 and Allow, not the parser's."""
    (answer,) = serving.ask(method.encode() + b" /echo HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert method == json.loads(answer.body)["data"]["method"]


def test_headers_reach_the_service_by_lower_case_name(serving: Serving) -> None:
    """Names are lower-cased, values stripped, those of a repeated header joined in order."""
    serving.ask(get(b"X-One:  a ", b"x-two: B", b"X-ONE: c", b"Connection: close", target=b"/headers"))
    head = next(head for head in serving.service.opened if head.target == "/headers")
    assert head.headers == {"host": "example.org", "x-one": "a, c", "x-two": "B", "connection": "close"}
    assert (head.peer, head.has_body) == ("127.0.0.1", False)


def test_a_changed_header_block_is_read_anew(serving: Serving) -> None:
    """The memory of the last header block never answers for another one."""
    same, other = get(b"X: a", target=b"/memo"), get(b"X: b", target=b"/memo")
    serving.ask(same + same + other + same + get(b"X: a", b"Connection: close", target=b"/memo"))
    assert [head.header("x") for head in serving.service.opened if head.target == "/memo"] == ["a", "a", "b", "a", "a"]


def test_a_version_does_not_inherit_the_fields_of_another(serving: Serving) -> None:
    """The same header block means something else on HTTP/1.0: there a connection is not kept unless asked."""
    answers = serving.ask(get() + get(version=b"HTTP/1.0"))
    assert [answer.headers.get("connection") for answer in answers] == [None, "close"]


@pytest.mark.parametrize("raw", [b"GET /echo HT", get()[:-2], post(b"Content-Length: 5", body=b"he"), post(CHUNKED, body=b"5\r\nhe")])
def test_a_request_cut_short_is_refused(serving: Serving, raw: bytes) -> None:
    """A client that ends its side in the middle of a request gets one refusal; nothing reaches the answer."""
    before = len(serving.service.answered)
    with serving.connect() as sock:
        sock.sendall(raw)
        sock.shutdown(socket.SHUT_WR)
        (answer,) = parse_answers(read_to_end(sock))
    assert answer.status == 400
    assert before == len(serving.service.answered)
