"""Strict JSON: a corpus of documents, each with one verdict, and what the refusals say."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.errors import Refused
from holdfast.base.limits import JSON_DEPTH_MAX
from holdfast.core.document import parse_json

WHITESPACE = (b" ", b"\t", b"\r", b"\n", b" \t\r\n")

VALUES: tuple[tuple[bytes, Any], ...] = (
    (b"null", None),
    (b"true", True),
    (b"false", False),
    (b"0", 0),
    (b"-0", 0),
    (b"7", 7),
    (b"-7", -7),
    (b"9223372036854775807", 2**63 - 1),
    (b"-9223372036854775808", -(2**63)),
    (b"123456789012345678901234567890", 123456789012345678901234567890),
    (b"9" * 4300, int("9" * 4300)),
    (b"9" * 4301, Decimal("9" * 4301)),
    (b"-" + b"1" * 5000, Decimal("-" + "1" * 5000)),
    (b"[1," + b"9" * 5000 + b"]", [1, Decimal("9" * 5000)]),
    (b"0.5", Decimal("0.5")),
    (b"-0.5", Decimal("-0.5")),
    (b"5.0", Decimal("5.0")),
    (b"1.10", Decimal("1.10")),
    (b"0.1000000000000000055511151231257827", Decimal("0.1000000000000000055511151231257827")),
    (b"1e5", Decimal("1e5")),
    (b"1E5", Decimal("1e5")),
    (b"1e+5", Decimal("1e5")),
    (b"1e-5", Decimal("1e-5")),
    (b"1.5e300", Decimal("1.5e300")),
    (b"1e999", Decimal("1e999")),
    (b"0e0", Decimal(0)),
    (b'""', ""),
    (b'"a"', "a"),
    (b'" "', " "),
    (b'"\\""', '"'),
    (b'"\\\\"', "\\"),
    (b'"\\/"', "/"),
    (b'"\\b\\f\\n\\r\\t"', "\b\f\n\r\t"),
    (b'"\\u0041"', "A"),
    (b'"\\u0000"', "\0"),
    (b'"\\uD83D\\uDE00"', "😀"),
    (b'"\\ud83d\\ude00"', "😀"),
    (b'"\\\\ud800"', "\\ud800"),
    (b'"\xc3\xa9"', "é"),
    (b'"\xf0\x9f\x98\x80"', "😀"),
    ('"東京"'.encode(), "東京"),
    (b'"\xef\xbf\xbf"', "\uffff"),
    (b'"\xf4\x8f\xbf\xbf"', "\U0010ffff"),
    (b'"\x7f"', "\x7f"),
    (b'"\xe2\x80\xa8"', "\u2028"),
    (b'"[{[{"', "[{[{"),
    (b'"NaN"', "NaN"),
    (b"[]", []),
    (b"{}", {}),
    (b"[1,2]", [1, 2]),
    (b"[[],{}]", [[], {}]),
    (b'{"a":1}', {"a": 1}),
    (b'{"":1}', {"": 1}),
    (b'{"a":{"a":{"a":1}}}', {"a": {"a": {"a": 1}}}),
    (b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
    (b'{"a":null,"b":null}', {"a": None, "b": None}),
    (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
    (b'{"\\u0061":1}', {"a": 1}),
    (b"[" * JSON_DEPTH_MAX + b"]" * JSON_DEPTH_MAX, None),
    (b'{"a":' * JSON_DEPTH_MAX + b"1" + b"}" * JSON_DEPTH_MAX, None),
    (b"[" + b"[]," * 100 + b"[]]", [[]] * 101),
    (b'["' + b"[" * 100 + b'"]', ["[" * 100]),
    (b'["\\"' + b"[" * 100 + b'"]', ['"' + "[" * 100]),
    (b'["\\\\",' + b"[]," * 50 + b"{}]", ["\\", *([[]] * 50), {}]),
)

NOT_JSON: tuple[bytes, ...] = (
    # nothing, or not one document
    b"",
    *WHITESPACE,
    b"\0",
    b"1 2",
    b"[] []",
    b"{}{}",
    b"{},",
    b"[]]",
    b"{}}",
    b"1,",
    b"null null",
    b'"a" "b"',
    b"[1]x",
    b"\x0c[]",
    b"\xc2\xa0[]",
    b"[]\xe2\x80\xa8",
    b"// note\n1",
    b"/* note */ 1",
    b"1 # note",
    # words
    b"nul",
    b"nulll",
    b"Null",
    b"NULL",
    b"True",
    b"TRUE",
    b"tru",
    b"False",
    b"undefined",
    b"None",
    b"a",
    b"NaN",
    b"nan",
    b"-NaN",
    b"Infinity",
    b"-Infinity",
    b"+Infinity",
    b"[NaN]",
    b'{"a":Infinity}',
    b'{"a":["NaN",-Infinity]}',
    # numbers
    b"01",
    b"-01",
    b"00",
    b"+1",
    b"-",
    b"--1",
    b"1.",
    b".5",
    b"-.5",
    b"1.e5",
    b"1e",
    b"1e+",
    b"1e5.5",
    b"1 000",
    b"1_000",
    b"1,000",
    b"0x10",
    b"0o7",
    b"1f",
    b"1n",
    b"\xd9\xa1",
    b"\xef\xbc\x91",
    b"1e1000000000000000000",
    b"1e-99999999999999999999",
    b"[1.5e99999999999999999999]",
    # texts
    b'"',
    b'"a',
    b'a"',
    b"'a'",
    b'"\\"',
    b'"\\',
    b'"\\a"',
    b'"\\x41"',
    b'"\\0"',
    b'"\\\'"',
    b'"\\u"',
    b'"\\u004"',
    b'"\\u00g0"',
    b'"\\U00000041"',
    b'"\\u 041"',
    b'"\\u+041"',
    b'"\n"',
    b'"\r"',
    b'"\t"',
    b'"\0"',
    b'"\x1f"',
    b'"\\\n"',
    # lone surrogates
    b'"\\ud800"',
    b'"\\uDBFF"',
    b'"\\udc00"',
    b'"\\uDFFF"',
    b'"a\\ud800b"',
    b'"\\ud800\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\ud800\\u0041"',
    b'["\\ud800"]',
    b'{"a":"\\ud800"}',
    b'{"\\ud800":1}',
    b'{"a":[1,{"b":"\\udfff"}]}',
    # bytes
    b"\xef\xbb\xbf",
    b"\xef\xbb\xbf{}",
    b"\xef\xbb\xbf[1]",
    b"\xff",
    b"\x80",
    b'"\xff"',
    b'"\xc0\x80"',
    b'"\xc1\xbf"',
    b'"\xc3"',
    b'"\xe2\x82"',
    b'"\xe0\x80\x80"',
    b'"\xed\xa0\x80"',
    b'"\xed\xbf\xbf"',
    b'"\xf4\x90\x80\x80"',
    b'"\xf5\x80\x80\x80"',
    b'"\xf0\x80\x80\x80"',
    '"a"'.encode("utf-16"),
    '"a"'.encode("utf-16-le"),
    '"a"'.encode("utf-16-be"),
    '"a"'.encode("utf-32"),
    '"é"'.encode("latin-1"),
    # arrays
    b"[",
    b"]",
    b"[1",
    b"[1,",
    b"[1,]",
    b"[,1]",
    b"[,]",
    b"[1,,2]",
    b"[1 2]",
    b"[1:2]",
    b"[1}",
    b"(1)",
    b"[...]",
    # objects
    b"{",
    b"}",
    b'{"a"',
    b'{"a":',
    b'{"a":1',
    b'{"a":1,',
    b'{"a":1,}',
    b'{,"a":1}',
    b"{,}",
    b'{"a":1,,"b":2}',
    b'{"a" 1}',
    b'{"a",1}',
    b'{"a":1 "b":2}',
    b'{"a"::1}',
    b'{"a":}',
    b"{:1}",
    b"{a:1}",
    b"{'a':1}",
    b"{1:1}",
    b"{null:1}",
    b"{true:1}",
    b'{["a"]:1}',
    b'{"a":1]',
    b'{"a"}',
    b'{"a":1;"b":2}',
    b'{"a"=1}',
    # duplicate members
    b'{"a":1,"a":1}',
    b'{"a":1,"a":2}',
    b'{"a":1,"b":2,"a":3}',
    b'{"a":1,"\\u0061":2}',
    b'{"":1,"":2}',
    b'[{"a":1,"a":2}]',
    b'{"a":{"b":1,"b":2}}',
    b'{"a":[0,{"b":[{"c":1,"c":2}]}]}',
    b'{"a":{},"a":{}}',
    b'{"id":1,"id":1,"id":1}',
    b'[{"a":1,"a":1},',
    b'[{"a":1,"a":1}, NaN]',
    b'[{"a":1,"a":1}, ' + b"1" * 5000 + b"]",
    b'[1e9999999999999999999, {"a":1,"a":1},',
    # depth
    b"[" * (JSON_DEPTH_MAX + 1) + b"]" * (JSON_DEPTH_MAX + 1),
    b'{"a":' * (JSON_DEPTH_MAX + 1) + b"1" + b"}" * (JSON_DEPTH_MAX + 1),
    b'[{"a":' * 17 + b"1" + b"}]" * 17,
    b"[" + b"[]," * 50 + b"[" * JSON_DEPTH_MAX + b"]" * JSON_DEPTH_MAX + b"]",
    b"[" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 100_000,
    b"]" * 100_000,
    b"[]" * 100_000,
    b'["a"' * 50,
    b'"' + b"[" * 100,
    b'["\\"' + b"[" * 100,
    b'["' + b'\\"' * 50_000 + b"[" * 100,
    b"[" * 40 + b'"\\',
)

WRAPPINGS: tuple[tuple[bytes, bytes], ...] = ((b"[", b"]"), (b'{"a":', b"}"), (b"\n ", b"\r\n\t"))


def refusal_of(body: bytes) -> str:
    """What parse_json says of a body that it refuses."""
    with pytest.raises(Refused) as caught:
        parse_json(body)
    assert (caught.value.code, caught.value.status) == ("malformed_json", 400)
    return caught.value.message.removeprefix("The body is not valid JSON: ").removesuffix(".")


@pytest.mark.parametrize(("body", "value"), VALUES, ids=lambda part: repr(part)[:40])
def test_a_valid_document_is_read(body: bytes, value: Any) -> None:
    """Every valid document is read into the value that it says, numbers to the last digit."""
    read = parse_json(body)
    if value is None and body != b"null":
        assert read == json.loads(body)
    else:
        assert (type(read), read) == (type(value), value)
        assert str(read) == str(value) or len(body) > 4000


@pytest.mark.parametrize("body", NOT_JSON, ids=lambda part: repr(part)[:40])
def test_anything_else_is_refused(body: bytes) -> None:
    """Every other document is malformed_json (400) with one sentence, and never another error."""
    assert refusal_of(body)


@pytest.mark.parametrize(("before", "after"), WRAPPINGS)
@pytest.mark.parametrize("body", [body for body, _ in VALUES if len(body) < 60 and body.count(b"[") < 20], ids=repr)
def test_a_valid_document_is_valid_inside_another(before: bytes, body: bytes, after: bytes) -> None:
    """The place of a value changes nothing about it."""
    inner = parse_json(before + body + after)
    while isinstance(inner, list | dict) and inner != parse_json(body):
        (inner,) = inner.values() if isinstance(inner, dict) else inner
    assert inner == parse_json(body)


def test_the_corpus_is_large() -> None:
    """The verdicts cover at least 300 documents."""
    wrapped = sum(len(body) < 60 and body.count(b"[") < 20 for body, _ in VALUES) * len(WRAPPINGS)
    assert len(VALUES) + len(NOT_JSON) + wrapped >= 300


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "it is empty"),
        (b" \r\n", "it is empty"),
        (b"\xef\xbb\xbf{}", "it begins with a byte order mark"),
        (b'{"a": "\xff"}', "byte 8 is not UTF-8"),
        (b'{"a": 1,\n "b": 2\n "c": 3}', "expecting ',' delimiter at line 3, column 2"),
        (b'{\n"a', "unterminated string starting at line 2, column 1"),
        (b'{"a":1}\n\n x', "extra data at line 3, column 2"),
        (b'["NaN",\n "\\"NaN", NaN]', "NaN is not a number, at line 2, column 11"),
        (b"[1,-Infinity]", "-Infinity is not a number, at line 1, column 4"),
        (b'["1e1000000000000000000",\n1e1000000000000000000]', "a number is too long at line 2, column 2"),
        (b"[" + b"1" * 5000 + b",\n1e1000000000000000000]", "a number is too long at line 2, column 2"),
        (b"[" + b"1" * 5000 + b",\nx]", "expecting value at line 2, column 1"),
        (b'{"a":' + b"1" * 5000 + b',"a":2}', "the member a is given twice"),
        (b'{"price": 1e1000000000000000000}', "a number is too long at line 1, column 12"),
        (b'{"a":1,"a":2}', "the member a is given twice"),
        (b'{"a":[0,{"b":1,"c":2,"b":3}]}', "the member a[1].b is given twice"),
        (b'{"' + b"n" * 200 + b'":1,"' + b"n" * 200 + b'":1}', f"the member {'n' * 100}… is given twice"),
        (b'[{"a":1,"a":1}, x]', "expecting value at line 1, column 17"),
        (b'{"a":1.5,"a":[7]}', "the member a is given twice"),
        (b'"\\ud800"', "half of a surrogate pair stands at line 1, column 2"),
        (b'{"\\ud83d\\ude00":"\\\\ud800",\n"\xc3\xa9":"\\udfff"}', "half of a surrogate pair stands at line 2, column 6"),
        (b'{"a\\ud800":1,"a\\ud800":2}', "the member a\ufffd is given twice"),
        (b"[" * 33 + b"]" * 33, "it is nested more than 32 levels deep"),
        (b"[" * 100_000, "it is nested more than 32 levels deep"),
    ],
    ids=lambda part: repr(part)[:40],
)
def test_a_refusal_names_the_place(body: bytes, message: str) -> None:
    """A refusal says what is wrong and where: line and column, byte, or the path of the member."""
    assert refusal_of(body) == message


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_what_json_writes_is_read_back(value: Any) -> None:
    """Every value without surrogates that the standard library writes is read back as it was."""
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:\\u01dea.- \n', max_size=40).map(str.encode))
def test_no_bytes_break_it(body: bytes) -> None:
    """Any bytes are a value or one refusal, never another error."""
    with suppress(Refused):
        assert parse_json(body) == parse_json(b" " + body)
