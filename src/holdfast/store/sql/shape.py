"""Shapes: a condition taken apart into what its SQL text depends on and the values that are bound to that text.

A shape is a condition in which every value is replaced by its position among the collected values, so that two conditions of one
shape share one compiled text. Taking apart also settles what needs no database:

    null as a value      becomes IsNull, or never
    startswith           becomes a range, which an index can serve and which is exact, because text compares by code point
    icontains            asks for the folded text
    in                   is filled up to 1, 2, 4, 8... values with its last one, so that few texts serve all lengths
"""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from holdfast.core.condition import (
    NEVER,
    All,
    Any,
    Condition,
    IsNull,
    Matches,
    Not,
    OneOf,
    Operator,
    Path,
    Step,
    Stored,
    Test,
)
from holdfast.core.plan import Order
from holdfast.core.search import fold_case
from holdfast.core.view import Include, Mask, View
from holdfast.model.json_form import to_json
from holdfast.model.stored import to_python
from holdfast.model.types import Duration, FieldType, Items, Number

_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)

MatchExpression = Callable[[Sequence[str]], str]


class Shaper:
    """Takes conditions, views and orders apart; the values gather in `values`, after those that stood there before."""

    __slots__ = ("_match_expression", "values")

    def __init__(self, match_expression: MatchExpression, *values: Stored) -> None:
        self._match_expression = match_expression
        self.values: list[Stored] = list(values)

    def hold(self, value: Stored) -> int:
        """Keep a value; its position."""
        self.values.append(value)
        return len(self.values) - 1

    def condition(self, condition: Condition) -> Condition:
        """The shape of a condition."""
        match condition:
            case All(parts):
                return All(tuple(map(self.condition, parts))) if parts else condition
            case Any(parts):
                return Any(tuple(map(self.condition, parts))) if parts else condition
            case Not(part):
                return Not(self.condition(part))
            case IsNull(path):
                return IsNull(self.path(path))
            case OneOf(path, values):
                return self._one_of(self.path(path), values)
            case Matches(resource, words):
                return Matches(resource, (str(self.hold(self._match_expression(words))),)) if words else All(())
            case Test(path, operator, value):
                return self._test(self.path(path), operator, value)

    def path(self, path: Path) -> Path:
        """The shape of a path: the guards of its steps hold values too."""
        if not path.steps:
            return path
        return Path(path.field, tuple(Step(step.field, step.target, self._guard(step.guard)) for step in path.steps))

    def view(self, view: View) -> View:
        """The shape of a view: its masks and the conditions of its includes hold values too."""
        if not view.includes and not view.masks:
            return view
        includes = tuple(
            Include(each.field, self.view(each.view), self._guard(each.guard), self._guard(each.where)) for each in view.includes
        )
        masks = tuple(Mask(each.field, self.condition(each.where)) for each in view.masks)
        return replace(view, includes=includes, masks=masks)

    def order(self, order: tuple[Order, ...]) -> tuple[Order, ...]:
        """The shape of the sort keys."""
        return tuple(Order(self.path(each.path), each.descending) for each in order)

    def _guard(self, guard: Condition | None) -> Condition | None:
        return None if guard is None else self.condition(guard)

    def _null_test(self, path: Path, operator: Operator) -> Condition:
        if operator is Operator.EQUALS:
            return IsNull(path)
        return Not(IsNull(path)) if operator is Operator.DIFFERS else NEVER

    def _test(self, path: Path, operator: Operator, value: Stored | Path) -> Condition:
        if isinstance(value, Path):
            return Test(path, operator, self.path(value))
        if value is None:
            return self._null_test(path, operator)
        if operator is Operator.STARTS_WITH:
            return self._starts_with(path, str(value))
        if operator is Operator.CONTAINS_FOLDED:
            value = fold_case(str(value))
        elif operator is Operator.CONTAINS and isinstance(path.field.type, Items):
            value = item_value(path.field.type.item, value)
        return Test(path, operator, self.hold(value))

    def _starts_with(self, path: Path, prefix: str) -> Condition:
        start = Test(path, Operator.AT_LEAST, self.hold(prefix))
        end = prefix_end(prefix)
        return start if end is None else All((start, Test(path, Operator.LESS, self.hold(end))))

    def _one_of(self, path: Path, values: tuple[Stored, ...]) -> Condition:
        present = [each for each in values if each is not None]
        parts: list[Condition] = []
        if present:
            filled = present + [present[-1]] * (_power_of_two(len(present)) - len(present))
            parts.append(OneOf(path, tuple(map(self.hold, filled))))
        if len(present) < len(values):
            parts.append(IsNull(path))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))


def prefix_end(prefix: str) -> str | None:
    """The first text after all that begin with the prefix, by code point; None if there is none ("" and U+10FFFF alone)."""
    for place in range(len(prefix) - 1, -1, -1):
        code_point = ord(prefix[place]) + 1
        if code_point in _SURROGATES:
            code_point = _SURROGATES.stop
        if code_point <= _LAST_CODE_POINT:
            return prefix[:place] + chr(code_point)
    return None


def item_value(item: FieldType, value: str | float) -> str | int | float:
    """The form of a value inside a stored list, which is its JSON form: a decimal or a duration is text there."""
    if isinstance(item, Number | Duration) and isinstance(value, int):
        return str(to_json(item, to_python(item, value)))
    return value


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()
