"""Nearest-name hints: what to write instead of a name that is unknown. Callers pass only names that the asker may know."""

from collections.abc import Iterable
from difflib import get_close_matches

_COMPARED_LENGTH_MAX = 64  # difflib is quadratic, and the name is the caller's
_NAMES_SHOWN_MAX = 12


def find_nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `name`, upper and lower case alike; None if none is near."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    near = get_close_matches(name[:_COMPARED_LENGTH_MAX].casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def suggest(name: str, candidates: Iterable[str], *, prefix: str = "") -> str:
    """One sentence: the nearest candidate, or else the first of what there is. `prefix` is written before each."""
    known = tuple(candidates)
    near = find_nearest(name, known)
    if near is not None:
        return f"Did you mean `{prefix}{near}`?"
    if not known:
        return "There is none here."
    shown = ", ".join(f"`{prefix}{each}`" for each in known[:_NAMES_SHOWN_MAX])
    return f"Known here: {shown}{', ...' if len(known) > _NAMES_SHOWN_MAX else '.'}"


def quote(name: str) -> str:
    """A name that a caller sent, shortened for a message."""
    return f"`{name}`" if len(name) <= _COMPARED_LENGTH_MAX else f"`{name[:_COMPARED_LENGTH_MAX]}...`"
