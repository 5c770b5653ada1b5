"""Link headers of lists."""

import pytest

from holdfast.core.link import format_links

PATH = "/books"


@pytest.mark.parametrize(
    ("query", "page", "next_cursor", "links"),
    [
        ("", 1, None, '</books>; rel="first"'),
        ("", 1, "abc", '</books>; rel="first", </books?after=abc>; rel="next"'),
        (
            "a=b&page=3&limit=5",
            3,
            "abc",
            '</books?a=b&limit=5>; rel="first", </books?a=b&limit=5&page=2>; rel="prev", </books?a=b&limit=5&after=abc>; rel="next"',
        ),
        ("after=old&sort=-a", 2, None, '</books?sort=-a>; rel="first", </books?sort=-a&page=1>; rel="prev"'),
        ("price%5Bgte%5D=10&p%61ge=2&&", 1, None, '</books?price%5Bgte%5D=10>; rel="first"'),
        ("page[eq]=2&x=a+b", 1, None, '</books?page[eq]=2&x=a+b>; rel="first"'),
    ],
)
def test_links_keep_the_query_and_change_the_place(query: str, page: int, next_cursor: str | None, links: str) -> None:
    """first, prev and next are the same list at another place."""
    assert links == format_links(PATH, query, page=page, limit=5, next_cursor=next_cursor)


def test_prev_is_left_out_where_offsets_do_not_reach() -> None:
    """A page that only a cursor reaches has no prev by number."""
    assert 'rel="prev"' in format_links(PATH, "", page=502, limit=200, next_cursor=None)
    assert 'rel="prev"' not in format_links(PATH, "", page=503, limit=200, next_cursor=None)


def test_a_link_cannot_be_broken_out_of() -> None:
    """What would end the target or the header is percent-encoded."""
    links = format_links("/api/v1/b>ooks", 'q=">,\r\nset-cookie: x', page=1, limit=5, next_cursor=None)

    assert links == '</api/v1/b%3Eooks?q=%22%3E,%0D%0Aset-cookie:%20x>; rel="first"'


def test_a_link_longer_than_a_url_is_left_out() -> None:
    """A cursor that holds a very long text cannot stand in a URL; meta.next has it."""
    assert 'rel="next"' not in format_links(PATH, "", page=1, limit=5, next_cursor="a" * 9000)
