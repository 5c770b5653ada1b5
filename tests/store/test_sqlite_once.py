"""Kept answers: what has expired goes, whether or not anybody sends keys still."""

from pathlib import Path

import pytest
from sqlite_library import AUTHORS, BOOKS, CHAPTERS, CLOCK, create, delete, look, run, update, write

from holdfast.base.limits import IDEMPOTENCY_KEPT_S
from holdfast.core.plan import Claim, Erase, Kept, Row, Undelete, WriteStep
from holdfast.store.sqlite import once as module
from holdfast.store.sqlite.once import PRUNED_MAX
from holdfast.store.sqlite.store import SqliteStore


def keep(_rows: tuple[Row | None, ...]) -> Kept:
    """An answer of nothing."""
    return Kept(201, (), b"{}")


def test_writes_without_keys_let_expired_answers_go(tmp_path: Path) -> None:
    """At the first group after a start, and at each one from there until fewer than PRUNED_MAX have gone."""
    count = PRUNED_MAX + 20

    async def keyed(store: SqliteStore) -> None:
        for number in range(count):
            await store.write_once(write(create(AUTHORS)), Claim(number.to_bytes(16, "big"), b"f" * 16, keep))

    async def plain(store: SqliteStore) -> list[int]:
        found = []
        for _ in range(2):
            await store.write(write(create(AUTHORS)))
            ((rows,),) = look(tmp_path, "SELECT count(*) FROM hf_idempotency")
            found.append(rows)
        return found

    run(tmp_path, keyed)
    look(tmp_path, "UPDATE hf_idempotency SET created_at = created_at - ?", IDEMPOTENCY_KEPT_S * 1_000_000)
    assert run(tmp_path, plain) == [20, 0]


@pytest.mark.parametrize(("every_s", "left"), [(0, 0), (1 << 40, 1)])
def test_the_oldest_are_looked_at_no_more_than_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every_s: int, left: int
) -> None:
    """What expires after a look waits for the next."""
    monkeypatch.setattr(module, "TIDY_EVERY_S", every_s)

    async def story(store: SqliteStore) -> None:
        await store.write_once(write(create(AUTHORS)), Claim(b"k" * 16, b"f" * 16, keep))
        look(tmp_path, "UPDATE hf_idempotency SET created_at = created_at - ?", IDEMPOTENCY_KEPT_S * 1_000_000)
        await store.write(write(create(AUTHORS)))
        assert look(tmp_path, "SELECT count(*) FROM hf_idempotency") == [(left,)]

    run(tmp_path, story)


def test_a_repeat_is_told_from_the_journal(tmp_path: Path) -> None:
    """Several steps, each with a record of its own kind: the rows are those of then, byte for byte, whatever became of them since."""
    made, gone = create(AUTHORS, name='Zoë \u2028 "x"', address='{"city":"Bath","zip":null}', labels='{"a":"b"}'), create(AUTHORS)
    book = create(BOOKS, author_id=made.id)
    claims = iter(Claim(number.to_bytes(16, "big"), b"f" * 16) for number in range(100))

    async def story(store: SqliteStore) -> None:
        await store.write(write(gone))
        await store.write(write(delete(gone)))
        writes: list[tuple[WriteStep, ...]] = [
            (made, book, Undelete(gone.id, gone.view)),
            (update(made, name="Grace"),),
            (delete(gone),),
        ]
        told = []
        for steps in writes:
            claim = next(claims)
            told.append((steps, claim, await store.write_once(write(*steps), claim)))
        await store.write(write(update(made, name="Later"), create(CHAPTERS, book_id=book.id)))
        await store.write(write(delete(book)))
        for steps, claim, first in told:
            again = await store.write_once(write(*steps), claim)
            assert (again.rows, again.kept, again.replayed) == (first.rows, None, True)
        assert look(tmp_path, "SELECT count(*) FROM hf_idempotency WHERE body IS NOT NULL") == [(0,)]

    run(tmp_path, story)


def test_what_was_erased_leaves_its_key_free(tmp_path: Path) -> None:
    """The journal no longer tells what the first write was, so that the same request under its key is made anew."""
    claim = Claim(b"k" * 16, b"f" * 16)

    async def story(store: SqliteStore) -> None:
        first = create(AUTHORS)
        assert not (await store.write_once(write(first), claim)).replayed
        await store.write(write(delete(first)))
        await store.erase(Erase(AUTHORS, first.id, "request-e", CLOCK.now(), CLOCK.monotonic_s() + 10))
        second = await store.write_once(write(create(AUTHORS)), claim)
        assert not second.replayed
        third = await store.write_once(write(create(AUTHORS)), claim)
        assert (third.rows, third.replayed) == (second.rows, True)

    run(tmp_path, story)
