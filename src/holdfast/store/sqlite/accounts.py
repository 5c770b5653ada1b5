"""Accounts (ports.accounts) on embedded SQLite: look-ups at once on the loop, changes through the queue of writes.

What revokes moves the identity epoch in the same transaction, so it holds from the next request on, in every process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import apsw

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant, after, before, format_instant
from holdfast.base.limits import ACCOUNTS_KEPT_S, REFRESH_GRACE_S, REFRESH_TOKEN_S, SESSIONS_LISTED_MAX, SESSIONS_PER_USER_MAX
from holdfast.core.plan import Delete, Undelete, Update, Write, WriteStep
from holdfast.model.catalog import ResourceSpec
from holdfast.ports.accounts import (
    RECOVERY,
    RESET,
    USED_UP,
    Credentials,
    Factor,
    Identity,
    NewSession,
    NewToken,
    Rotation,
    Session,
    Ticket,
    Turned,
)
from holdfast.ports.world import Clock
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.statement import Bound, Prepared
from holdfast.store.sqlite import execute
from holdfast.store.sqlite.reader import Reader
from holdfast.store.sqlite.touches import Touches
from holdfast.store.sqlite.transaction import Transaction
from holdfast.store.sqlite.writer import Writer

TIDY_EVERY_S = 60
TIDIED_MAX = 50  # of each table at once, so that a group stays short


class SqliteAccounts:
    """Accounts of one process. Its methods are called on the loop; `tidy` in the thread of the writer."""

    def __init__(self, users: ResourceSpec | None, reader: Reader, writer: Writer, renderer: Renderer, clock: Clock) -> None:
        self._reader, self._writer, self._renderer = reader, writer, renderer
        self._users, self._sql = users, renderer.accounts
        self._touches = Touches(self._sql.touch_session, writer, clock)
        self._tidy_at = 0

    # Look-ups

    def epoch(self) -> int:
        """The identity epoch."""
        return int(self._reader.fetch(self._renderer.epoch())[0][0])

    def identify(self, token_hash: bytes) -> Identity | None:
        """What a token stands for."""
        found = self._find(self._sql.find_identity, token_hash)
        return Identity._make(found) if found else None

    def find_by_email(self, email: str) -> Credentials | None:
        """The user of an e-mail address."""
        return _credentials(self._find(self._sql.find_by_email, email))

    def find_by_id(self, user_id: RecordId) -> Credentials | None:
        """The user of an id."""
        return _credentials(self._find(self._sql.find_by_id, user_id))

    def list_sessions(self, user_id: RecordId, now: Instant) -> Sequence[Session]:
        """The living sessions of a user."""
        statement = self._sql.list_sessions.bind((user_id, now, SESSIONS_LISTED_MAX))
        return [Session._make(row) for row in self._reader.fetch(statement)]

    def is_linked(self, user_id: RecordId) -> bool:
        """Whether another provider vouches for a user."""
        return self._find(self._sql.find_link_of, user_id) is not None

    def list_keys(self, now: Instant) -> Sequence[Session]:
        """The living keys."""
        return [Session._make(row) for row in self._reader.fetch(self._sql.list_keys.bind((now, SESSIONS_LISTED_MAX)))]

    def find_key(self, name: str, now: Instant) -> Session | None:
        """The living key of a name."""
        found = self._find(self._sql.find_key, now, name)
        return None if found is None else Session._make(found)

    # Changes

    def open(self, session: NewSession, tokens: Sequence[NewToken], password: str | None, deadline_s: float) -> Awaitable[bool]:
        """Open a session."""
        return self._submit(lambda change: self._open(change, session, tokens, password), deadline_s)

    def rotate(self, token_hash: bytes, tokens: Sequence[NewToken], now: Instant, deadline_s: float) -> Awaitable[Rotation]:
        """Trade a refresh token for new tokens."""
        return self._submit(lambda change: self._rotate(change, token_hash, tokens, now), deadline_s)

    def revoke(self, user_id: RecordId, session_id: str, now: Instant, deadline_s: float) -> Awaitable[bool]:
        """Revoke a session of a user."""
        return self._submit(lambda change: bool(self._revoke(change, self._sql.revoke_session, (session_id, user_id, now))), deadline_s)

    def rehash(self, user: Credentials, new: str, request_id: str, now: Instant, deadline_s: float) -> Awaitable[bool]:
        """Keep a new hash of the same password."""
        return self._submit(lambda change: self._rehash(change, user, new, request_id, now), deadline_s)

    def issue(self, ticket: Ticket, deadline_s: float) -> Awaitable[None]:
        """Keep a ticket."""
        return self._submit(lambda change: self._issue(change, ticket), deadline_s)

    def find_ticket(self, ticket_hash: bytes, kind: str, now: Instant) -> Ticket | None:
        """A ticket that lasts."""
        found = self._find(self._sql.find_ticket, ticket_hash, kind, now)
        return None if found is None else Ticket(ticket_hash, kind, found[0], found[1], None)

    def redeem(self, ticket_hash: bytes, kind: str, now: Instant, deadline_s: float) -> Awaitable[Ticket | None]:
        """Use a ticket."""
        return self._submit(lambda change: self._redeem(change, ticket_hash, kind, now), deadline_s)

    def find_link(self, issuer: str, subject: str) -> RecordId | None:
        """The user whom an issuer knows by a subject."""
        found = self._find(self._sql.find_link, issuer, subject)
        return None if found is None else RecordId(found[0])

    def link(self, issuer: str, subject: str, user_id: RecordId, user_version: int, deadline_s: float) -> Awaitable[bool]:
        """Link a user."""
        return self._submit(lambda change: self._link(change, issuer, subject, user_id, user_version), deadline_s)

    def find_factor(self, user_id: RecordId) -> Factor | None:
        """The second factor of a user."""
        found = self._find(self._sql.find_factor, user_id)
        return None if found is None else Factor(found[0], found[1] is not None)

    def enrol(self, user_id: RecordId, secret: str, deadline_s: float) -> Awaitable[bool]:
        """Keep a secret until it is confirmed."""
        return self._submit(lambda change: self._enrol(change, user_id, secret), deadline_s)

    def confirm(self, user_id: RecordId, step: int, recovery: Sequence[Ticket], now: Instant, deadline_s: float) -> Awaitable[bool]:
        """Put a second factor in force."""
        return self._submit(lambda change: self._confirm(change, user_id, step, recovery, now), deadline_s)

    def use_step(self, user_id: RecordId, step: int, deadline_s: float) -> Awaitable[bool]:
        """Use the code of a step."""
        return self._submit(lambda change: change.run(self._sql.use_step, user_id, step) == 1, deadline_s)

    def disable(self, user_id: RecordId, deadline_s: float) -> Awaitable[None]:
        """Take a second factor away."""
        return self._submit(lambda change: self._disable(change, user_id), deadline_s)

    def touch(self, session_id: str, now: Instant) -> None:
        """Remember that a session is used."""
        self._touches.note(session_id, now)

    def close(self) -> None:
        """Write what was touched, before the writer ends."""
        self._touches.close()

    # In the thread of the writer

    def tidy(self, connection: apsw.Connection, now: Instant) -> None:
        """Let go of what is long over at the end of any group: once a minute, and more often while there is much."""
        if now < self._tidy_at:
            return
        change = Change(connection)
        gone = [change.run(prepared, before(now, ACCOUNTS_KEPT_S), TIDIED_MAX) for prepared in self._sql.prune]
        if max(gone) < TIDIED_MAX:
            self._tidy_at = after(now, TIDY_EVERY_S)

    def use_ticket(self, connection: apsw.Connection, plan: Write) -> None:
        """Take the ticket of a write away in its own transaction, so that one that fails leaves it. Raises Refused where it is gone."""
        if plan.ticket is not None and Change(connection).run(self._sql.delete_ticket, plan.ticket) == 0:
            raise Refused("invalid_credentials", USED_UP)

    def follow(self, connection: apsw.Connection, plan: Write) -> None:
        """End the sessions of users whom a write takes the right to them, in its own transaction.

        A session dies with its user: deleted, not active any more, or with another password. Who changes their own password keeps the
        session in which they do it. A user who is undeleted has to sign in again.
        """
        for step in plan.steps:
            if step.resource is self._users and _ends_sessions(step):
                self._end(Change(connection), step, plan)

    def _end(self, change: "Change", step: WriteStep, plan: Write) -> None:
        keep = plan.caller if isinstance(step, Update) and plan.caller is not None and plan.caller.user_id == step.id else None
        kept = [] if keep is None else change.fetch(self._sql.session_of_token, keep.token_hash)
        self._revoke(change, self._sql.revoke_sessions, (step.id, kept[0][0] if kept else "", plan.at))
        change.run(self._sql.delete_tickets, step.id, RESET)
        if not isinstance(step, Update):
            for prepared in (self._sql.delete_all_tickets, self._sql.delete_factor, self._sql.delete_links):
                change.run(prepared, step.id)

    def _open(self, change: "Change", session: NewSession, tokens: Sequence[NewToken], password: str | None) -> bool:
        if not change.fetch(self._sql.still_holds, session.user_id, password):
            return False
        now = session.created_at
        row = change.insert(
            self._sql.insert_session,
            *(session.id, session.user_id, session.kind, session.name, now, None, session.expires_at, session.limit_at),
            *(session.agent, session.address),
        )
        self._add_tokens(change, row, tokens)
        excess = (session.user_id, now, SESSIONS_PER_USER_MAX, TIDIED_MAX)
        for (session_id,) in change.fetch(self._sql.excess_sessions, *excess):
            self._revoke(change, self._sql.revoke_session, (session_id, session.user_id, now))
        return True

    def _rotate(self, change: "Change", token_hash: bytes, tokens: Sequence[NewToken], now: Instant) -> Rotation:
        found = change.fetch(self._sql.find_refresh, token_hash)
        if not found:
            return Rotation(Turned.UNKNOWN)
        ((token, expires_at, used_at, session, session_id, user_id, limit_at, revoked_at, active),) = found
        if revoked_at is not None or not active:
            return Rotation(Turned.UNKNOWN, session_id, user_id)
        if used_at is not None and used_at < before(now, REFRESH_GRACE_S):
            self._revoke(change, self._sql.revoke_session, (session_id, user_id, now))
            return Rotation(Turned.REUSED, session_id, user_id)
        if expires_at <= now or limit_at <= now:
            return Rotation(Turned.UNKNOWN, session_id, user_id)
        if used_at is None:
            change.run(self._sql.use_token, token, now)
        self._add_tokens(change, session, [each._replace(expires_at=_earlier(each.expires_at, limit_at)) for each in tokens])
        change.run(self._sql.extend_session, session, now, _earlier(after(now, REFRESH_TOKEN_S), limit_at))
        return Rotation(Turned.ROTATED, session_id, user_id)

    def _rehash(self, change: "Change", user: Credentials, new: str, request_id: str, now: Instant) -> bool:
        """A change with its entry, as any other: `verify` compares what is stored of the password with it."""
        users = self._users
        assert users is not None, "a user has signed in"
        tx = Transaction(change.connection, self._renderer, user.user_id, request_id, format_instant(now), users)
        stand = tx.stand(users, user.user_id)
        if stand is None or stand.version != user.user_version:
            return False
        tx.assign(users, user.user_id, stand, {"password": new})
        return True

    def _issue(self, change: "Change", ticket: Ticket) -> None:
        if ticket.owner is not None:
            change.run(self._sql.delete_tickets, ticket.owner, ticket.kind)
        change.run(self._sql.insert_ticket, *ticket)

    def _redeem(self, change: "Change", ticket_hash: bytes, kind: str, now: Instant) -> Ticket | None:
        found = change.fetch(self._sql.find_ticket, ticket_hash, kind, now)
        if not found:
            return None
        change.run(self._sql.delete_ticket, ticket_hash)
        ((owner, payload),) = found
        return Ticket(ticket_hash, kind, owner, payload, None)

    def _link(self, change: "Change", issuer: str, subject: str, user_id: RecordId, user_version: int) -> bool:
        linked = change.fetch(self._sql.find_link, issuer, subject)
        if linked:
            return bool(linked[0][0] == user_id)
        found = change.fetch(self._sql.find_by_id, user_id)
        user = _credentials(found[0] if found else None)
        if user is None or not user.active or user.user_version != user_version:
            return False
        change.run(self._sql.insert_link, issuer, subject, user_id)
        return True

    def _enrol(self, change: "Change", user_id: RecordId, secret: str) -> bool:
        found = change.fetch(self._sql.find_factor, user_id)
        if found and found[0][1] is not None:
            return False
        change.run(self._sql.delete_factor, user_id)
        change.run(self._sql.insert_factor, user_id, secret)
        return True

    def _confirm(self, change: "Change", user_id: RecordId, step: int, recovery: Sequence[Ticket], now: Instant) -> bool:
        found = change.fetch(self._sql.find_factor, user_id)
        if not found or found[0][1] is not None or change.run(self._sql.use_step, user_id, step) != 1:
            return False
        change.run(self._sql.confirm_factor, user_id, now)
        for each in recovery:
            change.run(self._sql.insert_ticket, *each)
        return True

    def _disable(self, change: "Change", user_id: RecordId) -> None:
        change.run(self._sql.delete_factor, user_id)
        change.run(self._sql.delete_tickets, user_id, RECOVERY)

    def _add_tokens(self, change: "Change", session: int, tokens: Sequence[NewToken]) -> None:
        for each in tokens:
            change.run(self._sql.insert_token, each.token_hash, session, each.kind, each.expires_at)

    def _revoke(self, change: "Change", prepared: Prepared, values: Sequence[Bound]) -> int:
        revoked = change.run(prepared, *values)
        if revoked:
            execute.change(change.connection, self._renderer.epoch_move())
        return revoked

    # On the loop

    def _submit(self, work: "Callable[[Change], Any]", deadline_s: float) -> "asyncio.Future[Any]":
        return self._writer.submit(lambda connection: work(Change(connection)), deadline_s)

    def _find(self, prepared: Prepared, *values: Bound) -> tuple[Any, ...] | None:
        found = self._reader.fetch(prepared.bind(values))
        return found[0] if found else None


class Change:
    """Runs statements on the connection of the writer, each fetched to its end."""

    __slots__ = ("connection",)

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    def fetch(self, prepared: Prepared, *values: Bound) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return execute.fetch(self.connection, prepared.bind(values))

    def run(self, prepared: Prepared, *values: Bound) -> int:
        """How many rows a statement changed."""
        return execute.change(self.connection, prepared.bind(values))

    def insert(self, prepared: Prepared, *values: Bound) -> int:
        """The number of the row that a statement made."""
        self.run(prepared, *values)
        return self.connection.last_insert_rowid()


def _credentials(found: tuple[Any, ...] | None) -> Credentials | None:
    if found is None:
        return None
    user_id, version, image, password, active = found
    return Credentials(user_id, version, image, password, bool(active))


def _ends_sessions(step: WriteStep) -> bool:
    return isinstance(step, Delete | Undelete) or (
        isinstance(step, Update) and ("password" in step.assign or step.assign.get("active") == 0)
    )


def _earlier(expires_at: Instant | None, limit_at: int) -> Instant:
    return Instant(limit_at if expires_at is None else min(expires_at, limit_at))
