"""Which part of a list is asked for: `page`, `limit`, `count`."""

import re

from holdfast.base.errors import Refused
from holdfast.base.limits import OFFSET_MAX, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX

_WHOLE_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")


def parse_number(name: str, text: str | None) -> int | None:
    """Read a whole number of at most 18 digits, as JSON writes it; None stays None. Refuses invalid_page."""
    if text is None:
        return None
    if not _WHOLE_NUMBER.match(text):
        raise Refused("invalid_page", f"`{name}` is a whole number.")
    return int(text)


def check_limit(limit: int | None) -> int:
    """The rows of a page: 1 to PAGE_LIMIT_MAX, PAGE_LIMIT_DEFAULT if not said. Never clamped; refuses invalid_page."""
    if limit is None:
        return PAGE_LIMIT_DEFAULT
    if not 1 <= limit <= PAGE_LIMIT_MAX:
        raise Refused("invalid_page", f"`limit` is 1 to {PAGE_LIMIT_MAX}.", hint="Follow meta.next for more rows.")
    return limit


def check_page(page: int | None, limit: int) -> int:
    """The number of a page, from 1, within OFFSET_MAX rows; refuses invalid_page."""
    if page is None:
        return 1
    if page < 1:
        raise Refused("invalid_page", "`page` starts at 1.")
    if (page - 1) * limit > OFFSET_MAX:
        raise Refused(
            "invalid_page", f"`page` reaches up to offset {OFFSET_MAX:,}.", hint="Beyond that, follow the cursor in meta.next with `after`."
        )
    return page


def read_count(text: str | None) -> bool:
    """Whether the total is wanted: `exact` (if not said) or `none`."""
    if text not in (None, "exact", "none"):
        raise Refused("malformed_request", "`count` is `exact` or `none`.", hint="Leave it out for the exact total.")
    return text != "none"


def refuse_page_with_after() -> Refused:
    """The refusal of `page` beside `after`: a cursor knows its page."""
    return Refused("invalid_page", "`page` and `after` do not go together.", hint="Send `after` alone; it counts the pages on.")
