"""Redaction and escaping of what is logged."""

import pytest

from holdfast.engine.redact import escape_line, escape_terminal, redact


@pytest.mark.parametrize(
    "text",
    [
        "password=S3cret",
        "{'password': 'S3cret and more'}",
        '{"new_password":"S3cret\\"S3cret"}',
        "?access_token=S3cret&x=1",
        "client_secret: S3cret",
        "X-Api-Key: S3cret",
        "Authorization: Basic S3cretS3cret",
        "('authorization', 'Bearer S3cret1')",
        "cookie: a=S3cret; b=S3cret",
        "sent Bearer S3cretS3cret to",
        "key hf_S3cretS3cret",
        "postgresql://me:S3cret@db/x",
    ],
)
def test_secrets_are_cut_out(text: str) -> None:
    """What stands under a secret's name, in an authorization header, in a bearer value or in a URL is not logged."""
    assert "S3cret" not in redact(text)
    assert "***" in redact(text)


def test_what_is_no_secret_stays() -> None:
    """Ordinary text is left as it is."""
    text = "UNIQUE constraint failed: books.title (status=draft, basic rule, a:b@c)"
    assert text == redact(text)


def test_lines_hold_no_line_end() -> None:
    """Characters that some readers take for a line end, and lone surrogates, are written out."""
    assert escape_line("a\x85b\u2028c\udc80 東京") == "a\\x85b\\u2028c\\udc80 東京"
    assert escape_line("plain\n") == "plain\n"


def test_a_terminal_gets_no_control_character() -> None:
    """Escape sequences, carriage returns and direction marks are written out; line feeds and tabs are not."""
    assert escape_terminal("\x1b[31mred\r\x9b\u202e\n\t") == "\\x1b[31mred\\x0d\\x9b\\u202e\n\t"
