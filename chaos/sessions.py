"""Races of the ends of sessions against writes: no write of a session is committed after its end.

Users sign in and write to two workers at once, until their session ends: they sign out, end it from another session, or change their
password there. No entry of the journal says that a session ended, so a trigger of our own notes in the same transaction how far the
journal was then: beyond that there is no write of its user, who wrote by that session alone.
"""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from chaos.revoke import (
    BACKEND,
    THREADS,
    TRIES,
    USERS_PER_ROUND,
    WRITES_EACH,
    Toll,
    Workers,
    add_key,
    ask_at_once,
    ask_until_done,
    write_note,
)
from chaos.store import Failed
from holdfast.testing import Client

ENDS = ("sign out", "end the session", "change the password")
"""How a session ends."""

_PASSWORD, _OTHER = "what they sign in with", "what they sign in with later"
_WATCH = """
CREATE TABLE race_end (session_id TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TRIGGER race_watch AFTER UPDATE OF revoked_at ON hf_session WHEN OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
BEGIN INSERT INTO race_end SELECT NEW.id, coalesce(max(seq), 0) FROM hf_journal; END;
"""
_ENDED = "SELECT seq FROM race_end WHERE session_id = ?"
_WRITES = "SELECT seq FROM hf_journal WHERE resource = 'notes' AND actor_id = ?"


@dataclass(frozen=True)
class _Writer:
    """A user, the session by which they write, and another one."""

    id: str
    session_id: str
    token: str
    other: str


def race_sessions(seed: int, count: int, folder: Path) -> Toll:
    """Run so many races, in rounds of some users each. Raises Failed where a write came after the end of its session."""
    dice, toll, data = random.Random(seed), Toll(), folder / "data"
    with Client(BACKEND, data=str(data)) as one, Client(BACKEND, data=str(data)) as other:
        database = apsw.Connection(str(data / "holdfast.db"))
        database.set_busy_timeout(10_000)
        database.execute(_WATCH)
        workers = Workers((one, other), add_key(one, "admin"))
        with ThreadPoolExecutor(THREADS) as pool:
            while toll.races.total() < count:
                _run_round(workers, pool, dice, min(USERS_PER_ROUND, count - toll.races.total()), toll, database)
        database.close()
    return toll


def _run_round(workers: Workers, pool: ThreadPoolExecutor, dice: random.Random, count: int, toll: Toll, database: apsw.Connection) -> None:
    emails = [f"writer-{toll.races.total() + number}@example.org" for number in range(count)]
    writers = list(pool.map(lambda email: _add_writer(workers, email), emails))
    asks: list[Callable[[], int]] = []
    for writer in writers:
        end = dice.choice(ENDS)
        own = [write_note(workers, dice.randrange(2), writer.token) for _ in range(WRITES_EACH)]
        own.insert(dice.randint(1, WRITES_EACH), _end(workers, dice.randrange(2), writer, end))
        asks.extend(own)
        toll.races[end] += 1
    ask_at_once(pool, dice, asks, toll)
    for writer in writers:
        _judge(database, writer, toll)


def _add_writer(workers: Workers, email: str) -> _Writer:
    """A user whose session both workers know already: what they remember must not count."""
    _ask(workers, 0, workers.admin, "POST", "/users", {"email": email, "password": _PASSWORD, "roles": ["writer"]})
    signed_in = {"email": email, "password": _PASSWORD}
    token, other = (str(_ask(workers, worker, "", "POST", "/auth/login", signed_in)["access_token"]) for worker in range(2))
    me, _ = (_ask(workers, worker, token, "GET", "/auth/me", None) for worker in range(2))
    (own,) = (each for each in _ask(workers, 0, token, "GET", "/auth/sessions", None) if each["current"])
    return _Writer(str(me["id"]), str(own["id"]), token, other)


def _ask(workers: Workers, worker: int, token: str, method: str, path: str, body: Any) -> Any:
    for _ in range(TRIES):
        _, data = workers.ask(worker, token, method, path, body)
        if data is not None:
            return data
    raise Failed(f"{method} {path} was not answered in {TRIES} tries")


def _end(workers: Workers, worker: int, writer: _Writer, kind: str) -> Callable[[], int]:
    if kind == "sign out":
        return ask_until_done(workers, worker, writer.token, "POST", "/auth/logout", None)
    if kind == "end the session":
        return ask_until_done(workers, worker, writer.other, "DELETE", f"/auth/sessions/{writer.session_id}", None)
    passwords = {"current": _PASSWORD, "new": _OTHER}
    return ask_until_done(workers, worker, writer.other, "POST", "/auth/password", passwords)


def _judge(database: apsw.Connection, writer: _Writer, toll: Toll) -> None:
    ended = _numbers(database, _ENDED, writer.session_id)
    if not ended:
        raise Failed(f"the session {writer.session_id} did not end")
    writes = _numbers(database, _WRITES, writer.id)
    late = [each for each in writes if each > ended[0]]
    if late:
        raise Failed(f"entry {late[0]} is a write of a session that ended after entry {ended[0]}")
    toll.landed += len(writes)


def _numbers(database: apsw.Connection, text: str, value: str) -> list[int]:
    return [int(str(each[0])) for each in database.execute(text, (value,))]
