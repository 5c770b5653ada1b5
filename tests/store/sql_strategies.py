"""Random records and conditions of the library: few distinct values, so that equal ones meet; many nulls."""

from random import Random
from typing import Any

from hypothesis import strategies as st
from sql_library import THINGS, boss, maker, thing

from holdfast.core import condition as c
from holdfast.model.catalog import FieldSpec

TEXTS = ("", "a", "A", "ab", "aB", "b%", "_", "ä", "Ä", "straße", "STRASSE", "東京", "'\"\\", "\U0010ffff", "\ud7ff", "\U0010ffffa")
COMPARED = tuple(c.Operator)[:6]
TEXTUAL = tuple(c.Operator)[6:]

_IDS = tuple(f"0000000{digit}-0000-4000-8000-00000000000{digit}" for digit in range(10))

VALUES: dict[str, tuple[c.Stored, ...]] = {
    "text": TEXTS,
    "integer": (-(2**63), -1, 0, 1, 2**63 - 1),
    "real": (-1.5, 0.0, 0.1, 0.30000000000000004, 1e300),
    "truth": (0, 1),
    "number": (-12345, -5, 0, 5, 100),
    "whole": (-7, 0, 7),
    "day": ("0001-01-01", "2026-11-23", "9999-12-31"),
    "clock": ("00:00:00.000000", "23:59:59.999999"),
    "moment": ("2026-11-23T13:29:00.000000Z", "2026-11-23T13:29:00.000001Z"),
    "span": (-93784000005, 0, 1),
    "uuid": _IDS[:3],
    "choice": ("draft", "published"),
    "words": ("[]", '["a"]', '["ab","a"]', '["東京","a\\"b"]', '["[]"]'),
    "sums": ("[]", '["1.00"]', '["-0.05","1.00"]'),
    "facts": ("{}", '{"a":1}'),
    "order": (0, 1, 2),
    "title": TEXTS,
    "maker_id": _IDS[:4],
    "id": _IDS,
    "version": (1, 2),
}
_ITEM_VALUES: dict[str, tuple[c.Stored, ...]] = {"words": ("a", "東京", 'a"b', "[]", "x"), "sums": (100, -5, 7, "1.00")}
_MAKER_VALUES: dict[str, tuple[c.Stored, ...]] = {"name": TEXTS, "open": (0, 1), "boss_id": _IDS[:4], "id": _IDS[:4]}


THING_IDS = _IDS

World = dict[str, dict[str, dict[str, c.Stored]]]


def random_thing(dice: Random, id_: str) -> dict[str, c.Stored]:
    """A thing with that id. (maker_id, order) is unique, so each has an order of its own."""
    members = [each for each in THINGS.fields if each.member in VALUES and not each.system]
    record = {each.member: _random_value(dice, each) for each in members}
    return {**record, "id": id_, "order": int(id_[7])}


def _random_value(dice: Random, field: FieldSpec) -> c.Stored:
    return None if field.nullable and dice.random() < 0.3 else dice.choice(VALUES[field.member])


def _random_world(seed: int) -> World:
    """Makers, some with a boss among them, and things."""
    dice = Random(seed)  # noqa: S311  # test data, the same for the same seed
    makers: dict[str, dict[str, c.Stored]] = {}
    for place, id_ in enumerate(_IDS[:4]):
        boss_id = dice.choice((None, *_IDS[: place + 1]))
        makers[id_] = {"id": id_, "name": dice.choice((None, *TEXTS)), "open": dice.choice((0, 1)), "boss_id": boss_id}
    return {"makers": makers, "things": {id_: random_thing(dice, id_) for id_ in _IDS[: dice.randrange(9)]}}


# Drawn by their seed: drawing every value by itself takes longer than all that is tested with it.
worlds = st.integers(0, 2**32).map(_random_world)

_GUARDS = st.sampled_from([None, c.Test(c.Path(maker("open").field), c.Operator.EQUALS, 1), c.NEVER])


@st.composite
def _paths(draw: st.DrawFn) -> tuple[c.Path, tuple[c.Stored, ...]]:
    kind = draw(st.sampled_from(["thing", "thing", "maker", "boss"]))
    if kind == "thing":
        member = draw(st.sampled_from(sorted(VALUES)))
        return thing(member), VALUES[member]
    member = draw(st.sampled_from(sorted(_MAKER_VALUES)))
    reach = maker if kind == "maker" else boss
    return reach(member, draw(_GUARDS)), _MAKER_VALUES[member]


@st.composite
def _tests(draw: st.DrawFn) -> c.Condition:
    path, values = draw(_paths())
    value = st.one_of(st.none(), st.sampled_from(values))
    kind = draw(st.sampled_from(["compare", "text", "item", "one of", "null", "paths"]))
    if kind == "text":
        text_path = draw(st.sampled_from([thing("text"), thing("title"), maker("name", draw(_GUARDS)), boss("name")]))
        other = draw(st.one_of(st.none(), st.sampled_from(TEXTS), st.just(thing("text"))))
        return c.Test(text_path, draw(st.sampled_from(TEXTUAL)), other)
    if kind == "item":
        member = draw(st.sampled_from(sorted(_ITEM_VALUES)))
        return c.Test(thing(member), c.Operator.CONTAINS, draw(st.sampled_from(_ITEM_VALUES[member])))
    if kind == "one of":
        return c.OneOf(path, tuple(draw(st.lists(value, max_size=5))))
    if kind == "null":
        return c.IsNull(path)
    if kind == "paths":
        pair = draw(st.sampled_from([(thing("text"), thing("title")), (thing("title"), maker("name")), (maker("name"), boss("name"))]))
        return c.Test(pair[0], draw(st.sampled_from(COMPARED)), pair[1])
    return c.Test(path, draw(st.sampled_from(COMPARED)), draw(value))


def _combined(inner: st.SearchStrategy[c.Condition]) -> st.SearchStrategy[c.Condition]:
    parts: st.SearchStrategy[Any] = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(parts.map(c.All), parts.map(c.Any), inner.map(c.Not))


conditions = st.recursive(_tests(), _combined, max_leaves=5)
