"""The order in which records that refer to each other are made."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from holdfast.engine.circles import order_groups


def _groups(refers: Mapping[int, Sequence[int]]) -> list[list[int]]:
    return list(order_groups(refers))


def test_what_is_referred_to_comes_first() -> None:
    """A record that refers to none is a group of its own; order is kept where nothing asks for another."""
    assert _groups({}) == []
    assert _groups({1: [], 2: []}) == [[1], [2]]
    assert _groups({1: [2], 2: [3], 3: []}) == [[3], [2], [1]]


def test_a_circle_is_one_group() -> None:
    """With what it refers to before it and what refers to it behind it."""
    assert _groups({1: [2], 2: [3], 3: [4, 5], 4: [2], 5: []}) == [[5], [2, 3, 4], [1]]
    assert _groups({1: [2], 2: [1, 3], 3: [4], 4: [3]}) == [[3, 4], [1, 2]]


def test_a_chain_may_be_long() -> None:
    """Longer than calls may be nested, straight or closed to a ring."""
    size = 20_000
    chain = {number: [number + 1] for number in range(size)} | {size: []}
    assert _groups(chain) == [[number] for number in range(size, -1, -1)]
    assert _groups(chain | {size: [0]}) == [list(range(size + 1))]


@given(st.integers(1, 8).flatmap(lambda size: st.lists(st.sets(st.integers(0, size - 1)), min_size=size, max_size=size)))
def test_groups_are_exactly_the_circles(targets: list[set[int]]) -> None:
    """Two records are in one group if, and only if, each leads to the other; no group refers to a later one."""
    refers = {key: found - {key} for key, found in enumerate(targets)}
    groups = list(order_groups(refers))
    leads = {key: _reach(refers, key) for key in refers}
    place = {key: number for number, group in enumerate(groups) for key in group}
    assert sorted(key for group in groups for key in group) == sorted(refers)
    for one, found in refers.items():
        assert all(place[target] <= place[one] for target in found)
        assert {other for other in refers if place[other] == place[one]} == {one} | {other for other in leads[one] if one in leads[other]}


def _reach(refers: Mapping[int, set[int]], start: int) -> set[int]:
    found: set[int] = set()
    todo = [start]
    while todo:
        new = refers[todo.pop()] - found
        found |= new
        todo.extend(new)
    return found
