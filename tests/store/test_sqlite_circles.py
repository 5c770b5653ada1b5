"""Records that refer to each other in a circle, made by one write."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlite_library import AUTHORS, BOOKS, NODES, create, delete, look, make_id, places, read, refusal, run, total, write

from holdfast.core.plan import Create, Write, WriteStep
from holdfast.store.sqlite.store import SqliteStore


def ring(size: int) -> list[Create]:
    """Nodes each of which refers to the next, and the last to the first."""
    ids = [make_id() for _ in range(size)]
    return [create(NODES, each, name=str(place), parent_id=ids[(place + 1) % size]) for place, each in enumerate(ids)]


def circular(*steps: WriteStep) -> Write:
    """A write whose records may refer to each other."""
    return replace(write(*steps, prefix="[{}]"), circular=True)


def test_a_circle_is_made_at_once(tmp_path: Path) -> None:
    """Every record has its first version and one entry of the journal; without being told a write refuses the same."""
    nodes = ring(3)

    async def story(store: SqliteStore) -> Any:
        plain = await refusal(store.write(write(*nodes, prefix="[{}]")))
        await store.write(circular(*nodes))
        return plain, [await read(store, each) for each in nodes]

    plain, rows = run(tmp_path, story)
    assert places(plain) == [("[0].parent_id", "reference_missing")]
    assert [row.version for row in rows] == [1, 1, 1]
    assert look(tmp_path, "SELECT operation, version FROM hf_journal") == [("create", 1)] * 3
    assert look(tmp_path, "PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("place", [0, 2])
def test_what_leads_out_of_a_circle_to_nothing_is_told(tmp_path: Path, place: int) -> None:
    """Nothing of the write is done, and the reference is named with its step."""
    nodes = ring(3)
    nodes[place] = replace(nodes[place], values={**nodes[place].values, "friend_id": make_id()})

    async def story(store: SqliteStore) -> Any:
        return await refusal(store.write(circular(*nodes))), await total(store, NODES)

    wrong, left = run(tmp_path, story)
    assert (places(wrong), left) == ([(f"[{place}].friend_id", "reference_missing")], 0)


def test_other_faults_of_a_circle_are_told_as_ever(tmp_path: Path) -> None:
    """A record that is there already is named as that, though what it refers to is still to come."""
    nodes = ring(3)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(replace(nodes[1], values={**nodes[1].values, "parent_id": None})))
        return await refusal(store.write(circular(*nodes))), await total(store, NODES)

    wrong, left = run(tmp_path, story)
    assert (places(wrong), left) == ([("[1].id", "unique_conflict")], 1)


def test_a_neighbour_in_the_group_is_judged_as_ever(tmp_path: Path) -> None:
    """What is put off for a circle is put off for nobody else: before it, behind it, or after it was refused."""
    wrong_ring = ring(2)
    wrong_ring[0] = replace(wrong_ring[0], values={**wrong_ring[0].values, "friend_id": make_id()})

    async def story(store: SqliteStore) -> Any:
        dangling = [write(create(NODES, parent_id=make_id())) for _ in range(3)]
        plans = [dangling[0], circular(*ring(2)), dangling[1], circular(*wrong_ring), dangling[2], write(create(NODES))]
        answers = await asyncio.gather(*map(store.write, plans), return_exceptions=True)
        return [isinstance(each, Exception) for each in answers], await total(store, NODES)

    assert run(tmp_path, story) == ([True, False, True, True, True, False], 3)
    assert look(tmp_path, "PRAGMA foreign_key_check") == []


def test_the_end_of_a_circular_write_is_judged_whatever_its_steps_are(tmp_path: Path) -> None:
    """A deletion among them leaves no reference behind: what is referred to stays, as ever."""
    author = create(AUTHORS)
    book = create(BOOKS, author_id=author.id)

    async def story(store: SqliteStore) -> Any:
        await store.write(write(author, book))
        return await refusal(store.write(circular(delete(author)))), await total(store, AUTHORS)

    wrong, left = run(tmp_path, story)
    assert (wrong.code, left) == ("reference_conflict", 1)
