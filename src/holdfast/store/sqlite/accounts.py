"""Accounts (ports.accounts) on embedded SQLite: look-ups at once on the loop, changes through the queue of writes.

What revokes moves the identity epoch in the same transaction, so it holds from the next request on, in every process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant
from holdfast.base.limits import SESSIONS_LISTED_MAX
from holdfast.ports.accounts import (
    Credentials,
    Factor,
    Identity,
    NewSession,
    NewToken,
    Rotation,
    Session,
    Ticket,
)
from holdfast.ports.world import Clock
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.statement import Bound, Prepared
from holdfast.store.sqlite.account_steps import AccountSteps, Change, read_credentials
from holdfast.store.sqlite.reader import Reader
from holdfast.store.sqlite.touches import Touches
from holdfast.store.sqlite.writer import Writer


class SqliteAccounts:
    """Accounts of one process, called on the loop."""

    def __init__(self, steps: AccountSteps, reader: Reader, writer: Writer, renderer: Renderer, clock: Clock) -> None:
        self._steps, self._reader, self._writer, self._renderer = steps, reader, writer, renderer
        self._sql = renderer.accounts
        self._touches = Touches(self._sql.touch_session, writer, clock)

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
        return read_credentials(self._find(self._sql.find_by_email, email))

    def find_by_id(self, user_id: RecordId) -> Credentials | None:
        """The user of an id."""
        return read_credentials(self._find(self._sql.find_by_id, user_id))

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
        return self._submit(lambda change: self._steps.open(change, session, tokens, password), deadline_s)

    def rotate(self, token_hash: bytes, tokens: Sequence[NewToken], now: Instant, deadline_s: float) -> Awaitable[Rotation]:
        """Trade a refresh token for new tokens."""
        return self._submit(lambda change: self._steps.rotate(change, token_hash, tokens, now), deadline_s)

    def revoke(self, user_id: RecordId, session_id: str, now: Instant, deadline_s: float) -> Awaitable[bool]:
        """Revoke a session of a user."""
        return self._submit(lambda change: self._steps.revoke(change, user_id, session_id, now), deadline_s)

    def rehash(self, user: Credentials, new: str, request_id: str, now: Instant, deadline_s: float) -> Awaitable[bool]:
        """Keep a new hash of the same password."""
        return self._submit(lambda change: self._steps.rehash(change, user, new, request_id, now), deadline_s)

    def issue(self, ticket: Ticket, deadline_s: float, *, kept: int = 1) -> Awaitable[None]:
        """Keep a ticket."""
        return self._submit(lambda change: self._steps.issue(change, ticket, kept), deadline_s)

    def find_ticket(self, ticket_hash: bytes, kind: str, now: Instant) -> Ticket | None:
        """A ticket that lasts."""
        found = self._find(self._sql.find_ticket, ticket_hash, kind, now)
        return None if found is None else Ticket(ticket_hash, kind, found[0], found[1], None)

    def redeem(self, ticket_hash: bytes, kind: str, now: Instant, deadline_s: float) -> Awaitable[Ticket | None]:
        """Use a ticket."""
        return self._submit(lambda change: self._steps.redeem(change, ticket_hash, kind, now), deadline_s)

    def find_link(self, issuer: str, subject: str) -> RecordId | None:
        """The user whom an issuer knows by a subject."""
        found = self._find(self._sql.find_link, issuer, subject)
        return None if found is None else RecordId(found[0])

    def link(self, issuer: str, subject: str, user_id: RecordId, user_version: int, deadline_s: float) -> Awaitable[bool]:
        """Link a user."""
        return self._submit(lambda change: self._steps.link(change, issuer, subject, user_id, user_version), deadline_s)

    def find_factor(self, user_id: RecordId) -> Factor | None:
        """The second factor of a user."""
        found = self._find(self._sql.find_factor, user_id)
        return None if found is None else Factor(found[0], found[1] is not None)

    def enrol(self, user_id: RecordId, secret: str, deadline_s: float) -> Awaitable[bool]:
        """Keep a secret until it is confirmed."""
        return self._submit(lambda change: self._steps.enrol(change, user_id, secret), deadline_s)

    def confirm(self, user_id: RecordId, step: int, recovery: Sequence[Ticket], now: Instant, deadline_s: float) -> Awaitable[bool]:
        """Put a second factor in force."""
        return self._submit(lambda change: self._steps.confirm(change, user_id, step, recovery, now), deadline_s)

    def use_step(self, user_id: RecordId, step: int, deadline_s: float) -> Awaitable[bool]:
        """Use the code of a step."""
        return self._submit(lambda change: self._steps.use_step(change, user_id, step), deadline_s)

    def disable(self, user_id: RecordId, deadline_s: float) -> Awaitable[None]:
        """Take a second factor away."""
        return self._submit(lambda change: self._steps.disable(change, user_id), deadline_s)

    def touch(self, session_id: str, now: Instant) -> None:
        """Remember that a session is used."""
        self._touches.note(session_id, now)

    def close(self) -> None:
        """Write what was touched, before the writer ends."""
        self._touches.close()

    def _submit(self, work: Callable[[Change], Any], deadline_s: float) -> "asyncio.Future[Any]":
        return self._writer.submit(lambda connection: work(Change(connection)), deadline_s)

    def _find(self, prepared: Prepared, *values: Bound) -> tuple[Any, ...] | None:
        found = self._reader.fetch(prepared.bind(values))
        return found[0] if found else None
