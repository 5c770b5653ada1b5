"""What makes two lists the same: one resource, filter, search, sort and caller, whatever the spelling and the page."""

from typing import Any, assert_never

import msgspec

from holdfast.core.ask.view import describe_type
from holdfast.core.condition import All, Condition, IsNull, Matches, Not, OneOf, Path, Test
from holdfast.core.condition import Any as AnyOf
from holdfast.core.plan import Order
from holdfast.model.catalog import ResourceSpec


def fingerprint(resource: ResourceSpec, where: Condition, order: tuple[Order, ...], *, ranked: bool, caller: str, scope: str) -> bytes:
    """The canonical bytes of a list.

    caller  who asks: an actor id, or "" for one who is not signed in
    scope   the place of a nested list ("authors/<id>"), else ""

    Guards are left out: they may change with time, and the caller stands for them. The types of the sort keys are in it,
    because a new form of a stored value would make an old cursor lie.
    """
    keys = [[str(each.path), describe_type(each.path.field.type), each.descending] for each in order]
    return _encoder.encode([resource.path, caller, scope, ranked, keys, _outline(where)])


def _outline(condition: Condition) -> list[Any]:
    match condition:
        case Test(path, operator, value):
            return [operator.value, str(path), ["path", str(value)] if isinstance(value, Path) else value]
        case OneOf(path, values):
            return ["in", str(path), values]
        case IsNull(path):
            return ["null", str(path)]
        case Matches(_, words):
            return ["matches", words]
        case All(parts):
            return ["and", *_outlines(parts)]
        case AnyOf(parts):
            return ["or", *_outlines(parts)]
        case Not(part):
            return ["not", _outline(part)]
        case _:
            assert_never(condition)


def _outlines(parts: tuple[Condition, ...]) -> list[list[Any]]:
    """Parts in an order of their own: `a=1&b=2` is the same list as `b=2&a=1`."""
    return sorted(map(_outline, parts), key=_encoder.encode)


_encoder = msgspec.msgpack.Encoder()
