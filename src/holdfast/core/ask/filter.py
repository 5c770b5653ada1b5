"""Filters: parameters of a query string, or a JSON object, become one Condition.

?status=published&price[gte]=10&author.name[contains]=le
{"status": "published", "price": {"gte": 10}, "or": [{"title": "a"}, {"not": {"title": {"startswith": "b"}}}]}
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from holdfast.base.errors import Refused
from holdfast.base.hint import quote
from holdfast.base.limits import FILTER_TERMS_MAX
from holdfast.core.ask.operators import Reading, build_test
from holdfast.core.ask.path import read_path
from holdfast.core.ask.query import Parameter, given_twice
from holdfast.core.ask.visible import Visible
from holdfast.core.condition import Any as AnyOf
from holdfast.core.condition import Condition, IsNull, Not, conjoin
from holdfast.core.validate import parse_text, parse_value
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.model.names import RESERVED_PARAMETERS

GROUPS = ("and", "or", "not")
"""The members of a JSON filter that hold other filters; no field can have such a name, they are Python keywords."""

_PART = re.compile(r"(?:\\[\\,]|[^,])*")
_ESCAPED = re.compile(r"\\([\\,])")


class FilterReader:
    """Reads the filters of one resource."""

    def __init__(self, catalog: Catalog, resource: ResourceSpec, parameters: tuple[str, ...] = ()) -> None:
        self._catalog, self._resource, self._parameters = catalog, resource, parameters

    def read_parameters(self, parameters: Iterable[Parameter], visible: Visible) -> Condition:
        """All parameters together. Refuses unknown_parameter (a name), invalid_filter (operator, value, too many)."""
        tests: dict[tuple[str, str], Condition] = {}
        for parameter in parameters:
            path = read_path(self._catalog, self._resource, parameter.name, visible, code="unknown_parameter", known=self._parameters)
            if parameter.operator is None and parameter.name in RESERVED_PARAMETERS:
                raise _like_a_parameter(parameter)
            operator = parameter.operator or "eq"
            if (str(path), operator) in tests:
                raise given_twice(parameter.key)
            tests[str(path), operator] = build_test(path, operator, parameter.value, _FROM_TEXT)
        _check_count(len(tests))
        return conjoin(*tests.values())

    def read_json(self, value: Mapping[str, Any], visible: Visible) -> Condition:
        """A JSON filter: its members all hold. Refuses invalid_filter."""
        return _JsonFilter(self._catalog, self._resource, visible).read(value)


class _JsonFilter:
    """One JSON filter being read; counts its parts, groups included, so that an empty one costs too."""

    def __init__(self, catalog: Catalog, resource: ResourceSpec, visible: Visible) -> None:
        self._catalog, self._resource, self._visible = catalog, resource, visible
        self._count = 0

    def read(self, value: Any) -> Condition:
        if not isinstance(value, Mapping):
            raise Refused("invalid_filter", "A filter is an object.", hint='For example {"status": "published", "price": {"gte": "10"}}.')
        return conjoin(*(part for name, inner in value.items() for part in self._read_member(name, inner)))

    def _read_member(self, name: str, value: Any) -> list[Condition]:
        self._counted()
        if name == "not":
            return [Not(self.read(value))]
        if name in GROUPS:
            parts = self._read_group(name, value)
            return parts if name == "and" else [AnyOf(tuple(parts))]
        return self._read_field(name, value)

    def _read_group(self, name: str, value: Any) -> list[Condition]:
        if not isinstance(value, list) or not value:
            raise Refused("invalid_filter", f"`{name}` takes an array of one or more filters.", hint=f'{{"{name}": [{{...}}, {{...}}]}}')
        return [self._read_part(each) for each in value]

    def _read_part(self, value: Any) -> Condition:
        self._counted()
        return self.read(value)

    def _read_field(self, name: str, value: Any) -> list[Condition]:
        path = read_path(self._catalog, self._resource, name, self._visible, code="invalid_filter", known=GROUPS)
        if value is None:
            return [IsNull(path)]
        if not isinstance(value, Mapping):
            return [build_test(path, "eq", value, _FROM_JSON)]
        if not value:
            raise Refused("invalid_filter", f"{quote(name)} names no operator.", hint=f'{{"{name}": {{"gte": ...}}}}')
        tests = []
        for operator, inner in value.items():
            self._counted()
            tests.append(build_test(path, operator, inner, _FROM_JSON))
        return tests

    def _counted(self) -> None:
        self._count += 1
        _check_count(self._count)


def _check_count(count: int) -> None:
    if count > FILTER_TERMS_MAX:
        raise Refused("invalid_filter", "The filter has too many parts.", hint=f"At most {FILTER_TERMS_MAX}; many values go into one `in`.")


def _like_a_parameter(parameter: Parameter) -> Refused:
    return Refused(
        "unknown_parameter",
        f"`{parameter.name}` is a field here, and the name of a parameter elsewhere.",
        hint=f"Write `{parameter.name}[eq]=` to filter by it.",
    )


def split_commas(text: str) -> list[str]:
    """Part a text at its commas; `\\,` is a comma within a part, and `\\\\` a backslash."""
    parts, start = [], 0
    while True:
        match = _PART.match(text, start)
        assert match is not None, "the pattern matches the empty text too"
        parts.append(_ESCAPED.sub(r"\1", match[0]))
        if match.end() == len(text):
            return parts
        start = match.end() + 1


def _flag_of_text(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _list_of_json(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise ValueError("must be an array")


def _flag_of_json(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("must be true or false")


_FROM_TEXT = Reading(parse_text, split_commas, _flag_of_text, in_url=True)
_FROM_JSON = Reading(lambda kind, value: None if value is None else parse_value(kind, value), _list_of_json, _flag_of_json, in_url=False)
