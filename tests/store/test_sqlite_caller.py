"""Who asked: a plan that was made from an identity runs only while that identity holds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlite_library import AUTHORS, CLOCK, NOTES, USERS, create, delete, listing, look, run, settle, update, where, write

from holdfast.base.instant import format_instant
from holdfast.core.actor import Caller
from holdfast.core.plan import CallerChanged, Claim, Create, ReadOne, Undelete, WriteStep
from holdfast.core.readings import ReadAsOf, ReadChanges, ReadHistory, Watched
from holdfast.store.sqlite.store import SqliteStore

TOKEN = b"t" * 16


def sign_in(data_dir: Path, user: Create, *, kind: str = "access") -> None:
    """Open a session for a user, as a stranger would write it."""
    look(data_dir, "INSERT INTO hf_session (row, id, user_id, kind, created_at) VALUES (1, 's', ?, 'login', 0)", user.id)
    look(data_dir, "INSERT INTO hf_token (token_hash, session_row, kind) VALUES (?, 1, ?)", TOKEN, kind)


def revoke(data_dir: Path) -> None:
    """End the session, and move the epoch as whoever ends one does."""
    look(data_dir, "UPDATE hf_session SET revoked_at = 1")
    look(data_dir, "UPDATE hf_mark SET value = value + 1 WHERE key = 'identity'")


def epoch(data_dir: Path) -> int:
    """The identity epoch, as a stranger reads it."""
    ((value,),) = look(data_dir, "SELECT value FROM hf_mark WHERE key = 'identity'")
    return int(value)


async def told(answer: Callable[[], Any]) -> str:
    """What became of a plan."""
    try:
        await settle(answer())
    except CallerChanged:
        return "changed"
    return "told"


def reads(store: SqliteStore, made: Create, caller: Caller | None) -> list[Callable[[], Any]]:
    """Every kind of read of a record, and of one that is not there."""
    view, now = made.view, format_instant(CLOCK.now())
    nobody = create(AUTHORS).id
    return [
        lambda: store.read_one(ReadOne(made.id, view, caller=caller)),
        lambda: store.read_one(ReadOne(nobody, view, caller=caller)),
        lambda: store.read_one(ReadOne(made.id, view, where(AUTHORS, "name", "Ada"), caller)),
        lambda: store.read_many(listing(AUTHORS, caller=caller)),
        lambda: store.read_many(listing(AUTHORS, caller=caller, count=False)),
        lambda: store.journal.read_as_of(ReadAsOf(made.id, view, now, caller=caller)),
        lambda: store.journal.read_history(ReadHistory(made.id, view, 10, caller=caller)),
        lambda: store.journal.read_changes(ReadChanges(0, 10, {"authors": Watched(view)}, caller)),
    ]


def test_a_read_holds_while_the_epoch_stands(tmp_path: Path) -> None:
    """Once it has moved nothing is told, not even that there is nothing; a plan that names nobody is always run."""
    made = create(AUTHORS, name="Ada")

    async def story(store: SqliteStore) -> list[set[str]]:
        await store.write(write(made))
        caller = Caller(epoch(tmp_path), TOKEN, made.id, 1)
        outcomes = [{await told(each) for each in reads(store, made, caller)}]
        look(tmp_path, "UPDATE hf_mark SET value = value + 1")
        outcomes.append({await told(each) for each in reads(store, made, caller)})
        outcomes.append({await told(each) for each in reads(store, made, None)})
        return outcomes

    assert run(tmp_path, story) == [{"told"}, {"changed"}, {"told"}]


def test_the_epoch_moves_with_every_change_of_a_user(tmp_path: Path) -> None:
    """An update, a deletion and an undeletion move it, once for each write; a new user and other records do not."""
    user, other, note = create(USERS, email="a@e.org"), create(USERS, email="b@e.org"), create(NOTES)

    async def story(store: SqliteStore) -> list[int]:
        found = [epoch(tmp_path)]
        for steps in (
            (user, other, note),
            (update(note, text="changed"),),
            (update(user, active=0),),
            (update(user, active=1), update(other, active=0)),
            (delete(user),),
            (Undelete(user.id, user.view),),
        ):
            await store.write(write(*steps))
            found.append(epoch(tmp_path))
        return found

    assert run(tmp_path, story) == [1, 1, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ("nothing", "told"),
        ("another user changes", "told"),
        ("the user changes", "changed"),
        ("the user goes", "changed"),
        ("the session is revoked", "changed"),
        ("the token is no access token", "changed"),
    ],
)
def test_a_write_goes_on_while_its_caller_is_who_they_were(tmp_path: Path, event: str, outcome: str) -> None:
    """Looked at when it runs: what changed for others does no harm, what changed for the caller leaves no trace."""
    user, other, note = create(USERS, email="a@e.org"), create(USERS, email="b@e.org"), create(NOTES)

    async def story(store: SqliteStore) -> str:
        await store.write(write(user, other))
        sign_in(tmp_path, user, kind="refresh" if event == "the token is no access token" else "access")
        caller = Caller(epoch(tmp_path), TOKEN, user.id, 1)
        if event == "the session is revoked":
            revoke(tmp_path)
        elif event != "nothing":
            steps: dict[str, WriteStep] = {"the user changes": update(user, roles='["admin"]'), "the user goes": delete(user)}
            await store.write(write(steps.get(event, update(other, active=0))))
        return await told(lambda: store.write(replace(write(note), caller=caller)))

    assert run(tmp_path, story) == outcome
    assert len(look(tmp_path, "SELECT 1 FROM notes")) == (outcome == "told")


def test_a_replay_is_for_who_may_still_ask(tmp_path: Path) -> None:
    """A repeat under a key is looked at as the first write was."""
    user, note = create(USERS), create(NOTES)
    claim = Claim(b"k" * 16, b"f" * 16)

    async def story(store: SqliteStore) -> list[str]:
        await store.write(write(user))
        sign_in(tmp_path, user)
        plan = replace(write(note), caller=Caller(epoch(tmp_path), TOKEN, user.id, 1))
        outcomes = [await told(lambda: store.write_once(plan, claim)) for _ in range(2)]
        revoke(tmp_path)
        return [*outcomes, await told(lambda: store.write_once(plan, claim))]

    assert run(tmp_path, story) == ["told", "told", "changed"]
    assert len(look(tmp_path, "SELECT 1 FROM notes")) == 1


def test_what_was_answered_is_told_again_while_it_may_be_seen(tmp_path: Path) -> None:
    """A repeat is refused once the record is out of sight, told where it was only deleted; who was told little is told as little."""
    ada, bare = replace(create(AUTHORS, name="Ada"), shown=where(AUTHORS, "name", "Ada")), create(AUTHORS, name="Grace")
    bare = replace(bare, shown=where(AUTHORS, "name", "Ada"))
    plans = [(write(ada), Claim(b"1" * 16, b"f" * 16)), (write(bare), Claim(b"2" * 16, b"f" * 16))]

    async def ask(store: SqliteStore) -> list[Any]:
        answers: list[Awaitable[Any]] = [store.write_once(plan, claim) for plan, claim in plans]
        return await asyncio.gather(*answers, return_exceptions=True)

    async def story(store: SqliteStore) -> list[list[Any]]:
        found = [await ask(store), await ask(store)]
        for step in (update(ada, name="Eve"), update(ada, name="Ada"), delete(ada)):
            await store.write(write(step))
            found.append(await ask(store))
        return found

    first, *later = run(tmp_path, story)
    assert [[each.replayed for each in first], first[1].rows[0].text] == [[False, False], f'{{"id":"{bare.id}","version":1}}']
    assert [getattr(each[0], "code", "told") for each in later] == ["told", "forbidden", "told", "told"]
    assert [each[0].rows for each in (later[0], later[2], later[3])] == [first[0].rows] * 3
    assert [each[1].rows for each in later] == [first[1].rows] * 4
