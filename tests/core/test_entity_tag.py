"""Entity tags and preconditions: what is stale, what is unchanged, what is malformed."""

import pytest
from ask_library import BOOKS, CATALOG, refusal_of, row

from holdfast.base.errors import Refused
from holdfast.core.ask.view import ViewReader
from holdfast.core.entity_tag import (
    STALE_BODY,
    STALE_HEADER,
    STALE_UNSAID,
    format_tag,
    is_unchanged,
    read_precondition,
    refuse_preconditions,
    refuse_stale,
)

VIEWS = ViewReader(CATALOG, BOOKS)


def test_a_tag_is_the_version_and_the_salt_of_the_view() -> None:
    """What is shown and the version make the tag."""
    assert f'"3-{VIEWS.default.etag_salt}"' == format_tag(row(3), VIEWS.default)
    assert format_tag(row(3), VIEWS.default) != format_tag(row(4), VIEWS.default)
    assert format_tag(row(3), VIEWS.default) != format_tag(row(3), VIEWS.read(["title"], None))


def test_a_tag_changes_with_what_is_included() -> None:
    """A new version of an included record is a new tag with the same version part."""
    view = VIEWS.read(None, ["author"])
    tags = {format_tag(row(3, included), view) for included in ("", "1", "2", "1,2")}

    assert len(tags) == 4
    assert all(tag.startswith('"3-') and len(tag) == len('"3-12345678"') for tag in tags)


@pytest.mark.parametrize(
    ("header", "version"),
    [
        ('"3-abc"', 3),
        ('W/"3-abc"', 3),
        ('"3-abc-gzip"', 3),
        ('"3-abc;br"', 3),
        ('"3"', 3),
        ('"3;x"', 3),
        (' "3-abc" ', 3),
        ('"3-abc", "4-def"', 4),
        ('"4-def","3-abc",', 4),
        (', "3-abc"', 3),
        ('"other", "3-abc"', 3),
        ('"123456789012345678-a"', 123456789012345678),
        ('"other"', 0),
        ('""', 0),
        ('"03-abc"', 0),
        ('"-3"', 0),
        ('"3abc"', 0),
        ('"1234567890123456789-a"', 0),
    ],
)
def test_if_match_names_a_version(header: str, version: int) -> None:
    """The version part counts, however a proxy changed the tag; a tag that is not ours names version 0, which nothing has."""
    assert (version, STALE_HEADER) == read_precondition(header, None, None, required=True)


@pytest.mark.parametrize(
    "header", ["", " ", "3", "3-abc", "'3-abc'", '"3-abc', '3-abc"', '"3"x', '"3" "4"', "*, *", 'w/"3"', '"3 4"', '"\x7f"']
)
def test_a_malformed_if_match_is_refused(header: str) -> None:
    """What is no list of entity tags is 400, because a guess could overwrite somebody's change."""
    error = refusal_of(read_precondition, header, None, None, required=False)

    assert (error.status, error.code) == (400, "malformed_request")
    assert error.hint


@pytest.mark.parametrize(
    ("if_match", "query", "body", "expected"),
    [
        (None, 3, None, (3, STALE_BODY)),
        (None, None, 3, (3, STALE_BODY)),
        (None, 3, 3, (3, STALE_BODY)),
        ('"3-abc"', 3, 3, (3, STALE_HEADER)),
        ("*", None, None, (None, STALE_BODY)),
        (" * ", 3, None, (3, STALE_BODY)),
    ],
)
def test_a_version_may_come_three_ways(if_match: str | None, query: int | None, body: int | None, expected: tuple[int | None, int]) -> None:
    """If-Match, query and body may each say it; * is any version."""
    assert expected == read_precondition(if_match, query, body, required=True)


@pytest.mark.parametrize(
    ("if_match", "query", "body"), [(None, 3, 4), ('"3-abc"', 4, None), ('"3-abc"', None, 4), ('"x"', 1, None), ("*", 1, 2)]
)
def test_versions_that_differ_are_refused(if_match: str | None, query: int | None, body: int | None) -> None:
    """Two different versions cannot both have been read: 400."""
    error = refusal_of(read_precondition, if_match, query, body, required=True)

    assert (error.status, error.code) == (400, "malformed_request")


def test_a_version_can_be_required() -> None:
    """Without any version a change expects one that no record has, unless the resource does not require one."""
    assert read_precondition(None, None, None, required=True) == (0, STALE_UNSAID)
    assert read_precondition(None, None, None, required=False) == (None, STALE_BODY)


@pytest.mark.parametrize("header", ["*", " * "])
def test_a_change_of_what_must_not_be_there_is_stale(header: str) -> None:
    """If-None-Match: * is fulfilled by no record, whatever else is said."""
    for if_match, version, required in ((None, None, True), (None, 3, False), ('"3"', None, True), ("*", None, False)):
        assert read_precondition(if_match, version, None, required=required, if_none_match=header) == (0, STALE_HEADER)


@pytest.mark.parametrize("header", ["", '"3-abc"', 'W/"3"', "nonsense", "*, *"])
def test_a_change_takes_no_tag_that_must_not_match(header: str) -> None:
    """Any other If-None-Match is 400 rather than passed over."""
    with pytest.raises(Refused) as caught:
        read_precondition('"3"', None, None, required=True, if_none_match=header)

    assert (caught.value.status, caught.value.code) == (400, "malformed_request")


@pytest.mark.parametrize("stale", [STALE_HEADER, STALE_BODY])
def test_a_stale_version_is_told_with_the_current_tag(stale: int) -> None:
    """412 or 409, by where the version came from."""
    error = refuse_stale(stale, 7, "abc")

    assert (error.status, error.code, error.headers) == (stale, "version_conflict", {"etag": '"7-abc"'})


def test_a_version_that_was_not_said_is_428() -> None:
    """A caller who said no version is told to say one."""
    error = refuse_stale(STALE_UNSAID, 7, "abc")

    assert (error.status, error.code) == (428, "precondition_required")


@pytest.mark.parametrize(
    ("header", "unchanged"),
    [
        ('"3-abc"', True),
        ("*", True),
        (" * ", True),
        ('W/"3-abc"', True),
        ('"3-abc-gzip"', True),
        ('W/"3-abc--gzip"', True),
        ('"3-abc;br"', True),
        ('"3-abc-zstd"', True),
        ('"2-abc", W/"3-abc"', True),
        ('"2-abc"', False),
        ('"3-abd"', False),
        ('"3"', False),
        ('"3-abc-other"', False),
        ("3-abc", False),
        ("", False),
        ('"3-abc', False),
    ],
)
def test_if_none_match_compares_the_whole_tag(header: str, *, unchanged: bool) -> None:
    """A read is unchanged if the tag is listed, weakened or suffixed by a compressing proxy; a malformed header matches nothing."""
    assert unchanged == is_unchanged(header, '"3-abc"')


def test_what_no_record_can_be_compared_with_is_refused() -> None:
    """A tag, or none of any, where a record is made; `If-Match: *` asks for nothing."""
    for headers in ({}, {"if-match": " * "}):
        refuse_preconditions(headers, "Leave it out.")
    for headers in ({"if-match": '"1"'}, {"if-none-match": "*"}, {"if-match": "*", "if-none-match": '"1"'}):
        with pytest.raises(Refused) as caught:
            refuse_preconditions(headers, "Leave it out.")
        assert (caught.value.code, caught.value.hint) == ("malformed_request", "Leave it out.")
