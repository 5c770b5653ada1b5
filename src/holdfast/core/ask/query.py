"""Query strings, read strictly: `price[gte]=10&sort=-price` becomes parameters. What each name means is not known here."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from holdfast.base.errors import Refused
from holdfast.base.hint import quote, suggest

_PLAIN = re.compile(r"[A-Za-z0-9._,\-\[\]~*()!'/:@]*\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"([^\[\]]+)(?:\[([^\[\]]+)\])?\Z")


class Parameter(NamedTuple):
    """One `name[operator]=value`; the operator is None where no brackets stand."""

    name: str
    operator: str | None
    value: str

    @property
    def key(self) -> str:
        """The left side, as written."""
        return self.name if self.operator is None else f"{self.name}[{self.operator}]"


def parse_query(text: str) -> list[Parameter]:
    """Read a query string (without its `?`) into parameters, in order; empty parts between `&` are skipped.

    Brackets may be percent-encoded; `+` is a space.
    Refuses malformed_request: a bad percent-escape, bytes that are not UTF-8. unknown_parameter: a name that is no `name[operator]`.
    """
    return [_parse_parameter(part) for part in text.split("&") if part] if text else []


def _parse_parameter(part: str) -> Parameter:
    left, _, right = part.partition("=")
    match = _NAME.match(name := decode(left))
    if match is None:
        raise Refused("unknown_parameter", f"{quote(name)} is no parameter.", hint="A parameter is `name=value` or `name[operator]=value`.")
    return Parameter(match[1], match[2], decode(right))


def decode(text: str) -> str:
    """Undo percent-encoding and `+`, strictly."""
    if _PLAIN.match(text):
        return text
    if _BAD_ESCAPE.search(text):
        raise Refused("malformed_request", "The URL holds a `%` that does not begin an escape.", hint="Write a percent sign as %25.")
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("malformed_request", "The URL holds escapes that are not UTF-8.") from error


def take_single(parameters: list[Parameter], names: tuple[str, ...]) -> tuple[dict[str, str], list[Parameter]]:
    """Split off the parameters of these names (without an operator); refuse one that is given twice."""
    single: dict[str, str] = {}
    rest: list[Parameter] = []
    for parameter in parameters:
        if parameter.operator is not None or parameter.name not in names:
            rest.append(parameter)
        elif parameter.name in single:
            raise given_twice(parameter.key)
        else:
            single[parameter.name] = parameter.value
    return single, rest


def given_twice(key: str) -> Refused:
    """The refusal of a repeated parameter."""
    return Refused("unknown_parameter", f"{quote(key)} is given twice.", hint="Send it once; several values go into one `in`, by comma.")


def unknown_parameter(key: str, known: tuple[str, ...]) -> Refused:
    """The refusal of a parameter that a route does not take."""
    return Refused(
        "unknown_parameter", f"The parameter {quote(key)} is unknown here.", hint=suggest(key, known) if known else "Leave it out."
    )


def check_no_parameters(text: str) -> None:
    """Refuse any query parameter where a route takes none."""
    parameters = parse_query(text)
    if parameters:
        raise unknown_parameter(parameters[0].key, ())


def split_names(text: str | None) -> list[str] | None:
    """Names parted by commas; None stays None."""
    return None if text is None else text.split(",")
