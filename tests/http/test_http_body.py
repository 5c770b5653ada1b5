"""Bodies in chunks: how many, and where they end."""

import pytest

from holdfast.base.errors import Refused
from holdfast.base.limits import CHUNKS_MAX
from holdfast.http.body import ChunkedBody


def test_more_chunks_than_a_body_may_have_are_refused() -> None:
    """However small they are."""
    body = ChunkedBody(1_000_000)
    with pytest.raises(Refused) as refused:
        body.take(b"1\r\nx\r\n" * (CHUNKS_MAX + 1))
    assert refused.value.code == "malformed_request"


@pytest.mark.parametrize("step", [1, 7, 8 * 1024 - 1, 8 * 1024, 8 * 1024 + 1, 100_000])
def test_what_follows_a_body_is_given_back_however_it_arrives(step: int) -> None:
    """The bytes of the next request are those after the last chunk, at every cut and every border of a window."""
    content = bytes(range(256)) * 100
    wire = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (content[:1], content[1:9_000], content[9_000:])) + b"0\r\n\r\nNEXT"
    body, rest = ChunkedBody(1_000_000), b""
    for start in range(0, len(wire), step):
        part = wire[start : start + step]
        rest += part if body.done else body.take(part)
    assert (body.join(), rest) == (content, b"NEXT")
