"""The size of an answer, while it is gathered: what would be too large must not be held to find that out."""

from holdfast.base.errors import Refused
from holdfast.base.limits import ANSWER_BYTES_MAX


def count_bytes(text: str) -> int:
    """How many bytes a text has in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def page_too_large() -> Refused:
    """The refusal of a page that would be larger than an answer may be: nothing is left out silently."""
    return Refused(
        "invalid_page", f"The page would be larger than {_MAX}.", hint="Ask for fewer records with `limit`, or for less of each."
    )


def result_too_large() -> Refused:
    """The refusal of a write whose records would be larger than an answer may be; nothing of it is done."""
    return Refused("payload_too_large", f"The records written would be larger than {_MAX}.", hint="Send fewer at a time.")


_MAX = f"{ANSWER_BYTES_MAX // 2**20} MiB"
