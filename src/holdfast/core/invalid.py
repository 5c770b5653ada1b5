"""What is wrong with a value that was read: one or many faults, each at its place below the value.

A fault says its problem as a predicate ("must be at most 200 characters, has 250"), so that a body ("This must be ...") and a filter
("price must be ...") can both make a sentence of it. It never repeats the value itself: that may be a secret, or a megabyte.
"""

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from holdfast.base.errors import Detail, Refused
from holdfast.base.hint import find_nearest
from holdfast.base.limits import DETAILS_MAX

_NAME_LENGTH_MAX = 100  # names that callers made up are shown no longer than this
_HINTS_MAX = 50  # to look for the nearest name takes about as long as to read the whole record


class Fault(NamedTuple):
    """One problem.

    place      where it stands below the value that was read: ".city", "[2]", ""
    code       a key of DETAIL_CODES
    predicate  what is wrong, without its subject
    meant      of an unknown member or choice: its name, and the names that could have been meant
    """

    place: str
    code: str
    predicate: str
    meant: tuple[str, Iterable[str]] | None = None


class Invalid(ValueError):
    """A value is not what its type asks for. `faults` lists every problem; the text is the first one's predicate."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults[0].predicate)
        self.faults = faults


def invalid(code: str, predicate: str) -> Invalid:
    """Make an Invalid of one fault, at the value itself."""
    return Invalid([Fault("", code, predicate)])


def wrong_type(expected: str, value: Any) -> Invalid:
    """Make an Invalid that says what was expected ("a string") and what kind of JSON value was sent."""
    return invalid("wrong_type", f"must be {expected}, is {kind_of(value)}")


def kind_of(value: Any) -> str:
    """The kind of a JSON value, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float() | Decimal():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def without_kind(predicate: str) -> str:
    """A predicate that leaves out that a string was sent: in a URL everything is one."""
    return predicate.removesuffix(f", is {kind_of('')}")


def move(step: str, faults: Iterable[Fault]) -> Iterable[Fault]:
    """The faults of a part, seen from the whole: `step` is where the part stands (".address", "[2]")."""
    return (fault._replace(place=step + fault.place) for fault in faults)


def details_of(faults: Iterable[Fault]) -> list[Detail]:
    """Faults as details of an error: dotted paths and sentences, the first ones with the nearest name where one was mistyped."""
    return [Detail(fault.place.removeprefix("."), fault.code, _sentence(fault, index)) for index, fault in enumerate(faults)]


def _sentence(fault: Fault, index: int) -> str:
    nearest = find_nearest(*fault.meant) if fault.meant is not None and index < _HINTS_MAX else None
    return f"This {fault.predicate}." if nearest is None else f"This {fault.predicate}; did you mean `{nearest}`?"


def refusal(faults: list[Fault]) -> Refused:
    """The refusal of a body: validation_failed (422) with every fault, at most DETAILS_MAX of them."""
    if not is_full(faults):
        return Refused("validation_failed", details=details_of(faults))
    message = f"Some fields are not valid; the first {DETAILS_MAX:,} faults are listed."
    return Refused("validation_failed", message, details=details_of(faults[:DETAILS_MAX]))


def is_full(faults: list[Fault]) -> bool:
    """Whether there are more faults than an answer lists, so that to look for more is a waste."""
    return len(faults) > DETAILS_MAX


def shorten(name: str) -> str:
    """A name that a caller made up, short enough to be shown."""
    return name if len(name) <= _NAME_LENGTH_MAX else f"{name[:_NAME_LENGTH_MAX]}…"


def unknown(names: Iterable[str], known: Iterable[str]) -> Iterable[Fault]:
    """The faults of members that do not exist, as many as can be listed; `known` are the names that the caller may know."""
    return (Fault(f".{shorten(name)}", "unknown_member", "member is unknown", (name, known)) for name in islice(names, DETAILS_MAX + 1))
