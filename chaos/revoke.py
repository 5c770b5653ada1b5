"""Races of revocations against writes: no write is committed after the right to it was.

Users with one role write to two workers at once. While their writes are on the way, some of them waiting in a queue for their group, the
right is taken: the role, the account (as of a key), or the user. What happened is read from the journal, whose order is that of the
commits: after the entry of the revocation there is none by that user.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.store import Failed
from holdfast import Access, Backend, Resource, anyone, role
from holdfast.base.errors import Unavailable
from holdfast.core.routes import API
from holdfast.testing import Client

USERS_PER_ROUND = 20
WRITES_EACH = 4
THREADS = 24
BUSY = 503  # nothing was done: a machine under load may say so
TRIES = 20


class Note(Resource):
    """What is written."""

    text: str

    access = Access(read=anyone, write=role("writer"))


BACKEND = Backend(Note, require_version=False)


@dataclass
class Toll:
    """What the races came to.

    late      writes that were answered as refused although they were sent before their revocation was answered
    landed    writes that were committed before it
    """

    races: Counter[str] = field(default_factory=Counter)
    landed: int = 0
    late: int = 0

    def __str__(self) -> str:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.races.items()))
        return f"{self.races.total():,} races ({kinds}), {self.landed:,} writes before the revocation, {self.late:,} refused, none after"


@dataclass(frozen=True)
class _Writer:
    token: str
    id: str


@dataclass(frozen=True)
class Workers:
    """Two services on one database, and the token of an admin."""

    clients: Sequence[Client]
    admin: str

    def ask(self, worker: int, token: str, method: str, path: str, json: Any = None) -> tuple[int, Any]:
        """Ask one of them."""
        answer = self.clients[worker].request(method, f"{API}{path}", headers={"authorization": f"Bearer {token}"}, json=json)
        if answer.status >= 500 and answer.status != BUSY:
            raise Failed(f"{method} {path} was answered {answer}")
        return answer.status, answer.data if answer.status < 300 else None


def race(seed: int, count: int, folder: Path) -> Toll:
    """Run so many races, in rounds of some users each. Raises Failed where a write came after the revocation."""
    dice, toll = random.Random(seed), Toll()
    with Client(BACKEND, data=str(folder / "data")) as one, Client(BACKEND, data=str(folder / "data")) as other:
        workers = Workers((one, other), add_key(one, "admin"))
        with ThreadPoolExecutor(THREADS) as pool:
            after = 0
            while toll.races.total() < count:
                after = _run_round(workers, pool, dice, min(USERS_PER_ROUND, count - toll.races.total()), toll, after)
    return toll


def _run_round(workers: Workers, pool: ThreadPoolExecutor, dice: random.Random, count: int, toll: Toll, after: int) -> int:
    writers = [_add_writer(workers) for _ in range(count)]
    revokes = {writer.id: dice.choice(tuple(REVOKES)) for writer in writers}
    asks: list[Callable[[], int]] = []
    for writer in writers:
        own: list[Callable[[], int]] = [write_note(workers, dice.randrange(2), writer.token) for _ in range(WRITES_EACH)]
        own.insert(dice.randint(1, WRITES_EACH), _revoke(workers, dice.randrange(2), writer, revokes[writer.id]))
        asks.extend(own)
    ask_at_once(pool, dice, asks, toll)
    toll.races.update(revokes.values())
    return _judge(workers, {writer.id for writer in writers}, toll, after)


def ask_at_once(pool: ThreadPoolExecutor, dice: random.Random, asks: list[Callable[[], int]], toll: Toll) -> None:
    """Ask everything in any order, many at a time; whoever has no right any more is refused."""
    dice.shuffle(asks)
    waiting = [pool.submit(each) for each in asks]
    wait(waiting)
    statuses = Counter(each.result() for each in waiting)
    if unexpected := set(statuses) - {200, 201, 401, 403, BUSY}:
        raise Failed(f"unexpected answers: {unexpected}")
    toll.late += statuses[401] + statuses[403]


def _add_writer(workers: Workers) -> _Writer:
    """A user whom both workers know already: what they remember must not count."""
    token = add_key(workers.clients[0], "writer")
    ids = {_know(workers, each, token) for each in range(2)}
    return _Writer(token, ids.pop())


def _know(workers: Workers, worker: int, token: str) -> str:
    for _ in range(TRIES):
        _status, me = workers.ask(worker, token, "GET", "/auth/me")
        if me is not None:
            return str(me["id"])
    raise Failed(f"a new key is not known after {TRIES} tries")


def add_key(client: Client, name: str) -> str:
    """A key with a role."""
    for _ in range(TRIES):
        with suppress(Unavailable):
            return client.add_key(name)
    raise Failed(f"no key was made in {TRIES} tries")


def write_note(workers: Workers, worker: int, token: str) -> Callable[[], int]:
    """To write a note; the status of the answer."""
    return lambda: workers.ask(worker, token, "POST", "/notes", {"text": "written in a race"})[0]


def ask_until_done(workers: Workers, worker: int, token: str, method: str, path: str, body: Any) -> Callable[[], int]:
    """To revoke something, asked until it is done: who is not revoked is in no race."""

    def ask() -> int:
        for _ in range(TRIES):
            status, _data = workers.ask(worker, token, method, path, body)
            if status != BUSY:
                return status
        raise Failed(f"{method} {path} was not done in {TRIES} tries")

    return ask


def _revoke(workers: Workers, worker: int, writer: _Writer, kind: str) -> Callable[[], int]:
    method, body = REVOKES[kind]
    return ask_until_done(workers, worker, workers.admin, method, f"/users/{writer.id}", body)


REVOKES: dict[str, tuple[str, Any]] = {
    "demote": ("PATCH", {"roles": []}),
    "revoke": ("PATCH", {"active": False}),
    "delete": ("DELETE", None),
}
"""How a right is taken: the role; the account, as `holdfast user revoke` and `holdfast key revoke` do; the user."""


def _judge(workers: Workers, ids: set[str], toll: Toll, after: int) -> int:
    """Read what was committed after a place in the journal, and hold it against the revocations; the next place."""
    revoked: dict[str, int] = {}
    while True:
        answer = workers.clients[0].request(
            "GET", f"{API}/changes", params={"after": after, "limit": 200}, headers={"authorization": f"Bearer {workers.admin}"}
        )
        if answer.status == BUSY:
            continue
        for entry in answer.data:
            actor = entry["actor_id"]
            if entry["resource"] == "users" and entry["id"] in ids and entry["operation"] != "created":
                revoked[entry["id"]] = entry["seq"]
            elif entry["resource"] == "notes" and actor in revoked:
                raise Failed(f"entry {entry['seq']} is a write of {actor}, whose right was revoked by entry {revoked[actor]}")
            elif entry["resource"] == "notes" and actor in ids:
                toll.landed += 1
        after = answer.json()["meta"]["next"]
        if after >= answer.json()["meta"]["head"]:
            break
    if set(revoked) != ids:
        raise Failed(f"{len(ids) - len(revoked)} revocations are not in the journal")
    return after
