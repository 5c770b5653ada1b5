"""Link headers of lists (RFC 8288): `first`, `prev` and `next` as relative URLs with the query that was asked."""

import re
from urllib.parse import quote

from holdfast.base.limits import OFFSET_MAX, URL_BYTES_MAX
from holdfast.core.ask.query import decode

_PLACE = frozenset({"page", "after"})
_PLAIN = re.compile(r"[A-Za-z0-9%&=+,;:!*'()@/?$~[\]._-]*\Z")  # asked first, because quoting costs more than all else here
_KEPT = "%&=+,;:!*'()@/?$~[]-._"  # what can stand in <target> as it is; the rest is percent-encoded


def format_links(path: str, query: str, *, page: int, limit: int, next_cursor: str | None) -> str:
    """Write the Link header of a page.

    path, query  as they arrived, percent-encoding untouched
    page         its number; `prev` is left out where offsets do not reach
    next_cursor  for `next`; None at the end. A link that would be longer than a URL may be is left out.
    """
    kept = [part for part in query.split("&") if part and decode(part.partition("=")[0]) not in _PLACE]
    links = [("first", "")]
    if page > 1 and (page - 2) * limit <= OFFSET_MAX:
        links.append(("prev", f"page={page - 1}"))
    if next_cursor is not None:
        links.append(("next", f"after={next_cursor}"))
    targets = [(relation, _target(path, kept, place)) for relation, place in links]
    return ", ".join(f'<{target}>; rel="{relation}"' for relation, target in targets if len(target) <= URL_BYTES_MAX)


def _target(path: str, kept: list[str], place: str) -> str:
    query = "&".join((*kept, place) if place else kept)
    target = f"{path}?{query}" if query else path
    return target if _PLAIN.match(target) else quote(target, safe=_KEPT)
