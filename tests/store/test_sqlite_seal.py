"""The seals: every commit leaves one over exactly what it committed, chained to the one before."""

import asyncio
from pathlib import Path

import apsw
import pytest
from sqlite_library import AUTHORS, CATALOG, CLOCK, create, delete, look, refusal, run, sign, update, write

from holdfast.base.errors import HoldfastError
from holdfast.core.journal import EntryHead, Seal, hash_payload, make_seal
from holdfast.store.sqlite.store import SqliteStore

HEADS = """SELECT seq, resource, record_id, version, operation, actor_id, request_id, at, before_hash, after_hash
    FROM hf_journal ORDER BY seq"""
SEALS = "SELECT last_seq, first_seq, entries, seal FROM hf_seal ORDER BY last_seq"


def test_each_commit_seals_what_it_committed(tmp_path: Path) -> None:
    """Three writes leave three seals, each over its own entries and the seal before, made with the key of the store."""

    async def story() -> None:
        store = SqliteStore(CATALOG, tmp_path, CLOCK, create=True, keys=lambda _make: sign)
        made = create(AUTHORS)
        await store.write(write(made, create(AUTHORS)))
        await store.write(write(update(made, name="Grace")))
        await store.write(write(delete(made)))
        await store.close()

    asyncio.run(story())
    heads = [EntryHead(*row) for row in look(tmp_path, HEADS)]
    seals = [Seal(*row) for row in look(tmp_path, SEALS)]
    assert [(each.first_seq, each.last_seq, each.entries) for each in seals] == [(1, 2, 2), (3, 3, 1), (4, 4, 1)]
    previous = b""
    for seal in seals:
        assert seal == make_seal(previous, heads[seal.first_seq - 1 : seal.last_seq], sign)
        previous = seal.seal


def test_an_entry_holds_the_hashes_of_its_images(tmp_path: Path) -> None:
    """The hash of a payload is that of its text, and none where there is no payload."""
    made = create(AUTHORS)

    async def story(store: SqliteStore) -> None:
        for step in (made, update(made, name="Grace"), delete(made)):
            await store.write(write(step))

    run(tmp_path, story)
    rows = look(tmp_path, "SELECT before, after, before_hash, after_hash FROM hf_journal ORDER BY seq")
    assert [row[2:] for row in rows] == [(hash_payload(before), hash_payload(after)) for before, after, *_ in rows]
    assert [row[2] is None for row in rows] == [True, False, False]
    assert [row[3] is None for row in rows] == [False, False, True]


def test_what_was_refused_leaves_no_trace_in_a_seal(tmp_path: Path) -> None:
    """A write that is refused after it has changed something, beside others in one group, is neither in the journal nor sealed."""
    ada = create(AUTHORS, email="ada@example.org")
    twice = (create(AUTHORS), create(AUTHORS, email="ada@example.org"))

    async def story(store: SqliteStore) -> str:
        first, second, third = (store.write(write(*steps)) for steps in ((ada,), twice, (create(AUTHORS),)))
        error = await refusal(second)
        await first
        await third
        return error.code

    assert run(tmp_path, story) == "unique_conflict"
    assert sum(entries for _, _, entries, _ in look(tmp_path, SEALS)) == len(look(tmp_path, HEADS)) == 2
    assert [last for last, *_ in look(tmp_path, SEALS)][-1] == 2


@pytest.mark.parametrize("breaks", ["cannot sign", "disk"])
def test_a_seal_that_cannot_be_made_undoes_the_group(tmp_path: Path, breaks: str) -> None:
    """Without its seal nothing is committed: the caller is refused, nothing is written, and the next write works."""
    failing: list[bool] = []

    def sign_or_fail(message: bytes) -> bytes:
        if failing.pop() if failing else False:
            raise apsw.FullError("disk") if breaks == "disk" else ValueError("no key")
        return sign(message)

    async def story() -> str:
        store = SqliteStore(CATALOG, tmp_path, CLOCK, create=True, keys=lambda _make: sign_or_fail)
        failing.append(True)
        try:
            with pytest.raises(HoldfastError) as told:
                await store.write(write(create(AUTHORS)))
            await store.write(write(create(AUTHORS)))
            return str(told.value)
        finally:
            await store.close()

    told = asyncio.run(story())
    assert ("unavailable" if breaks == "disk" else "no key") in told
    assert [row[:3] for row in look(tmp_path, SEALS)] == [(1, 1, 1)]
