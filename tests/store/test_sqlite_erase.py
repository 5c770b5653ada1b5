"""Erasure: payloads go, everything that is known without them stays true."""

from pathlib import Path

import pytest
from sqlite_library import AUTHORS, CLOCK, create, delete, listing, look, make_id, page, refusal, run, settle, total, update, write

from holdfast.core.plan import Claim, Create, Erase, Kept, Row, Undelete
from holdfast.core.readings import HistoryPage, ReadAsOf, ReadChanges, ReadHistory, Watched
from holdfast.store.sqlite.store import SqliteStore


def erase(made: Create) -> Erase:
    """The plan that erases a record."""
    return Erase(AUTHORS, made.id, "request-e", CLOCK.now(), CLOCK.monotonic_s() + 10)


def test_readings_show_nothing_of_what_was_erased(tmp_path: Path) -> None:
    """History keeps its entries without payloads, changes pass them over, the past is empty, and undelete finds nothing."""
    made = create(AUTHORS, name="Mallory")

    async def story(store: SqliteStore) -> None:
        await store.write(write(made))
        await store.write(write(update(made, name="Mallory II")))
        await store.write(write(delete(made)))
        assert await store.erase(erase(made)) == 3
        assert await store.erase(erase(made)) == 0
        history = await settle(store.journal.read_history(ReadHistory(made.id, made.view, 10)))
        assert isinstance(history, HistoryPage)
        assert len(history.entries) == 4
        assert "Mallory" not in "".join(history.entries)
        assert '"operation":"erase"' in history.entries[0]
        changes = await settle(store.journal.read_changes(ReadChanges(0, 10, {"authors": Watched(made.view)})))
        assert (changes.changes, changes.next, changes.head) == ((), 4, 4)
        assert await settle(store.journal.read_as_of(ReadAsOf(made.id, made.view, "2999"))) is None
        error = await refusal(store.write(write(Undelete(made.id, made.view))))
        assert error.code == "not_found"

    run(tmp_path, story)
    assert look(tmp_path, "SELECT count(*) FROM hf_journal WHERE before_hash IS NULL AND after_hash IS NULL") == [(1,)]
    assert b"Mallory" not in (tmp_path / "holdfast.db").read_bytes()


@pytest.mark.parametrize("erased", [True, False])
def test_totals_stay_exact_when_payloads_go(tmp_path: Path, erased: bool) -> None:  # noqa: FBT001  # a case
    """A total that was counted before a creation is right after it, whether or not the creation was erased meanwhile."""
    later = create(AUTHORS, make_id(), name="Later")

    async def story(store: SqliteStore) -> None:
        await store.write(write(create(AUTHORS)))
        assert await total(store, AUTHORS) == 1
        await store.write(write(later))
        if erased:
            await store.erase(erase(later))
        assert await total(store, AUTHORS) == len((await page(store, listing(AUTHORS))).rows) == 2

    run(tmp_path, story)


def test_kept_answers_that_mention_the_record_go_too(tmp_path: Path) -> None:
    """What is kept with a key shows an erased record no more, not even in the file; answers about others stay."""
    made, other = create(AUTHORS, name="Mallory"), create(AUTHORS, name="Ada")

    def keep(rows: tuple[Row | None, ...]) -> Kept:
        return Kept(201, (), "".join(row.text for row in rows if row is not None).encode())

    async def story(store: SqliteStore) -> None:
        for key, step in ((b"1" * 16, made), (b"2" * 16, other)):
            await store.write_once(write(step), Claim(key, b"f" * 16, keep))
        await store.write(write(delete(made)))
        assert await store.erase(erase(made)) == 2

    run(tmp_path, story)
    assert look(tmp_path, "SELECT key_hash FROM hf_idempotency") == [(b"2" * 16,)]
    assert b"Mallory" not in (tmp_path / "holdfast.db").read_bytes()
