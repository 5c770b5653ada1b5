"""Asking for one record: `fields`, `include`, and the `version` of a change."""

import re
from typing import NamedTuple

from holdfast.base.errors import Refused
from holdfast.core.ask.journal import read_as_of
from holdfast.core.ask.query import parse_query, split_names, take_single, unknown_parameter
from holdfast.core.ask.view import ViewReader
from holdfast.core.ask.visible import EVERYTHING, Visible
from holdfast.core.view import View
from holdfast.model.catalog import Catalog, ResourceSpec

_VERSION = re.compile(r"[1-9][0-9]{0,17}\Z")

VIEWING = ("fields", "include")
"""The parameters of a creation."""

CREATING_MANY = ("fields",)
"""The parameter of a bulk creation: to include something in each of a thousand records would cost a thousand times as much."""

READING = (*VIEWING, "as_of")
"""The parameters of GET."""

CHANGING = (*VIEWING, "version")
"""The parameters of PUT, PATCH and an undeletion."""

DELETING = ("version",)
"""The parameter of DELETE, which shows nothing."""


class RecordAsk(NamedTuple):
    """What of a record is shown, the version that the caller has read, the time at which it is asked for (None: not said in the query)."""

    view: View
    version: int | None = None
    as_of: str | None = None


class RecordReader:
    """Reads the query strings of single-record requests on one resource."""

    def __init__(self, catalog: Catalog, resource: ResourceSpec, views: ViewReader | None = None) -> None:
        self._views = views or ViewReader(catalog, resource)
        self.default = RecordAsk(self._views.default)

    def read_query(self, text: str, parameters: tuple[str, ...], *, visible: Visible = EVERYTHING) -> RecordAsk:
        """Read a query string that may hold `parameters` (VIEWING, CREATING_MANY, READING, CHANGING or DELETING).

        Refuses unknown_parameter, malformed_request (a version that is no whole number from 1, a time that is none).
        """
        if not text:
            view = self._views.whole(visible)
            return self.default if view is self.default.view else RecordAsk(view)
        single, rest = take_single(parse_query(text), parameters)
        if rest:
            raise unknown_parameter(rest[0].key, parameters)
        view = self._views.read(split_names(single.get("fields")), split_names(single.get("include")), visible)
        version = parse_version(single["version"]) if "version" in single else None
        return RecordAsk(view, version, _read_past(single["as_of"], view) if "as_of" in single else None)


def _read_past(text: str, view: View) -> str:
    if view.includes:
        raise Refused("malformed_request", "`include` and `as_of` do not go together.", hint="Read what is referred to by itself.")
    return read_as_of(text)


def parse_version(text: str) -> int:
    """Read the version in a query string; refuses malformed_request."""
    if not _VERSION.match(text):
        raise Refused("malformed_request", "`version` is a whole number from 1.", hint="Send the version that you have read.")
    return int(text)
