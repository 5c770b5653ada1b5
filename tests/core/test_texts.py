"""Text: lengths in code points, U+0000, patterns as JSON Schema means them, email addresses and web addresses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.provisional import urls

from holdfast.core.invalid import Invalid
from holdfast.core.texts import text_reader
from holdfast.model.types import Text, TextFormat

read_email = text_reader(Text(format=TextFormat.EMAIL))
read_url = text_reader(Text(format=TextFormat.URL))


def fault_of(kind: Text, value: Any) -> tuple[str, str]:
    """The code and predicate with which a value is refused."""
    with pytest.raises(Invalid) as caught:
        text_reader(kind)(value)
    ((place, code, predicate, _),) = caught.value.faults
    assert place == ""
    return code, predicate


@pytest.mark.parametrize("text", ["ab", "abcd", "東京", "😀😀😀😀", "e\u0301"])
def test_lengths_count_code_points(text: str) -> None:
    """A text of 2 to 4 code points fits 2 to 4, however many bytes they are."""
    assert text_reader(Text(min_length=2, max_length=4))(text) == text


def test_a_length_at_the_bound_is_fine_and_one_beyond_is_not() -> None:
    """The refusal names the bound and the length."""
    assert fault_of(Text(max_length=200), "x" * 201) == ("too_long", "must be at most 200 characters, has 201")
    assert fault_of(Text(max_length=1), "xy") == ("too_long", "must be at most 1 character, has 2")
    assert fault_of(Text(min_length=2), "x") == ("too_short", "must be at least 2 characters, has 1")
    assert text_reader(Text())("x" * 65_535)
    assert fault_of(Text(), "x" * 65_536) == ("too_long", "must be at most 65,535 characters, has 65,536")


@pytest.mark.parametrize(
    ("value", "kind"), [(5, "a number"), (True, "a boolean"), ([], "an array"), ({}, "an object"), (None, "null"), (1.5, "a number")]
)
def test_only_a_string_is_text(value: Any, kind: str) -> None:
    """Nothing is turned into text, and the refusal says what was sent."""
    assert fault_of(Text(), value) == ("wrong_type", f"must be a string, is {kind}")


@pytest.mark.parametrize("text", ["\0", "a\0b", "abc\0"])
def test_nul_is_refused_anywhere(text: str) -> None:
    """U+0000 ends texts in too many places to be kept."""
    assert fault_of(Text(), text) == ("nul_character", "may not hold the character U+0000")


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^[a-z]+$", "abc", True),
        ("^[a-z]+$", "abc\n", False),
        ("b", "abc", True),
        ("^b", "abc", False),
        ("^\\d+$", "123", True),
        ("^\\d+$", "١٢٣", False),
        ("^\\w+$", "é", False),
        ("^\\$$", "$", True),
        ("^\\$$", "$\n", False),
        ("^[$]$", "$", True),
        ("^[$]$", "$\n", False),
        ("^[^$]$", "$", False),
        ("^[\\]$]$", "]", True),
        ("^(a|b$)", "b\n", False),
        ("^\\\\$", "\\", True),
        ("", "", True),
    ],
)
def test_a_pattern_means_what_it_means_in_json_schema(pattern: str, text: str, fits: bool) -> None:  # noqa: FBT001  # a table
    """A pattern is searched; `$` is the very end and classes know ASCII alone, as in ECMA-262."""
    if fits:
        assert text_reader(Text(pattern=pattern))(text) == text
    else:
        assert fault_of(Text(pattern=pattern), text) == ("pattern_mismatch", f"must match the pattern {pattern}")


@pytest.mark.parametrize(
    "text",
    [
        "name@example.org",
        "first.last+tag@sub.example.co.uk",
        "!#$%&'*+-/=?^_`{|}~@a.bc",
        "用户@例子.中国",
        "x@xn--fsqu00a.xn--0zwm56d",
        "1@2.3",
        "a" * 64 + "@example.org",
        "a@" + ".".join(["b" * 63] * 3) + "." + "c" * 60,
    ],
)
def test_an_email_address_is_kept_as_it_was_sent(text: str) -> None:
    """Addresses of any script are accepted, up to 254 characters."""
    assert read_email(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "@example.org",
        "name@",
        "name@localhost",
        "a@b@example.org",
        "a b@example.org",
        "a@exam ple.org",
        "a@example.org\n",
        "\na@example.org",
        ".a@example.org",
        "a.@example.org",
        "a..b@example.org",
        "a@.org",
        "a@example.",
        "a@example..org",
        "a@-example.org",
        "a@example-.org",
        "a@exa_mple.org",
        "a@[127.0.0.1]",
        '"a b"@example.org',
        "a@example.org>",
        "<a@example.org>",
        "a,b@example.org",
        "a\x7f@example.org",
        "a\u00a0b@example.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 64 + ".org",
    ],
)
def test_what_is_no_email_address_is_refused(text: str) -> None:
    """One @, a dotted host, no spaces, controls or display names."""
    assert fault_of(Text(format=TextFormat.EMAIL), text)[0] == "wrong_format"


def test_an_email_address_has_at_most_254_characters() -> None:
    """RFC 5321 leaves no room for more, whatever the field allows."""
    text = "a@" + ".".join(["b" * 63] * 3) + "." + "c" * 61
    assert fault_of(Text(format=TextFormat.EMAIL), text) == ("too_long", "must be at most 254 characters, has 255")


@given(st.emails())
def test_every_address_of_rfc_5322_is_accepted(text: str) -> None:
    """The addresses that a standard generator makes are all accepted."""
    assert read_email(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "http://example.org",
        "HTTPS://EXAMPLE.ORG/",
        "https://example.org:8443/a/b?c=d&e=%20#f",
        "https://example.org?q=1",
        "https://example.org#top",
        "https://example.org.",
        "http://localhost",
        "http://127.0.0.1:0/",
        "http://[::1]:80/x",
        "http://[2001:db8::1]",
        "https://例子.中国/東京?q=é",
        "https://a_b.example.org/@name:x",
        "https://example.org/[x]",
        "https://example.org:65535",
    ],
)
def test_a_web_address_is_kept_as_it_was_sent(text: str) -> None:
    """Absolute http and https addresses are accepted."""
    assert read_url(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org",
        "//example.org",
        "/path",
        "http:",
        "http://",
        "http:///path",
        "http:example.org",
        "https://?q",
        "ftp://example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://user@example.org",
        "http://user:password@example.org",
        "https://example.org\\@evil.example",
        "https://exam ple.org",
        "https://example.org/a b",
        "https://example.org/a\tb",
        "https://example.org/\n",
        "https://example.org\n",
        " https://example.org",
        "https://example.org/<x>",
        'https://example.org/"x"',
        "https://example.org/\x01",
        "https://example.org/\u0085",
        "https://example.org:port",
        "https://example.org:",
        "https://example.org:65536",
        "https://example.org:123456",
        "https://.example.org",
        "https://example..org",
        "https://" + "a" * 64 + ".org",
        "http://[::1",
        "http://::1",
        "http://[:::1]",
        "http://[1.2.3.4]",
        "http://[]",
        "http://[fe80::1%25eth0]/",
    ],
)
def test_what_is_no_web_address_is_refused(text: str) -> None:
    """Other schemes, relative addresses, user names, spaces and broken hosts are refused."""
    assert fault_of(Text(format=TextFormat.URL), text)[0] == "wrong_format"


@given(urls())
def test_every_address_of_rfc_3986_is_accepted(text: str) -> None:
    """The addresses that a standard generator makes are all accepted."""
    assert read_url(text) == text


def test_a_lower_text_is_kept_in_lower_case() -> None:
    """Two spellings of one address are one value; a letter with several lower cases would make them two to some readers."""
    read = text_reader(Text(format=TextFormat.EMAIL, lower=True))
    assert read("Ann.O@Example.ORG") == "ann.o@example.org"
    with pytest.raises(Invalid, match="more than one lower case"):
        read("stra\u00dfe@example.org")


def test_an_address_may_not_be_at_a_domain_that_is_kept() -> None:
    """However it is spelt; one below that domain, or that ends alike, is another's."""
    kind = Text(format=TextFormat.EMAIL, lower=True, not_at="key.invalid")
    for text in ("ci@key.invalid", "CI@Key.Invalid"):
        assert fault_of(kind, text) == ("wrong_format", "may not be at key.invalid, which is kept for API keys")
    for text in ("ci@a.key.invalid", "ci@monkey.invalid"):
        assert text_reader(kind)(text) == text
