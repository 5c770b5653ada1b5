"""What changes accounts: the steps of sessions, tokens, tickets, links and second factors, each in a transaction of the writer."""

from collections.abc import Sequence
from typing import Any

import apsw

from holdfast.base.errors import Refused, detail
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant, after, before, format_instant
from holdfast.base.limits import ACCOUNTS_KEPT_S, REFRESH_GRACE_S, REFRESH_TOKEN_S, SESSIONS_PER_USER_MAX
from holdfast.core.plan import Delete, Undelete, Update, Write, WriteStep
from holdfast.model.catalog import ResourceSpec
from holdfast.ports.accounts import (
    RECOVERY,
    RESET,
    SEVERAL,
    USED_UP,
    Credentials,
    NewSession,
    NewToken,
    Rotation,
    Ticket,
    Turned,
)
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.statement import Bound, Prepared
from holdfast.store.sqlite import execute
from holdfast.store.sqlite.transaction import Transaction

TIDY_EVERY_S = 60
TIDIED_MAX = 50  # of each table at once, so that a group stays short


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


class AccountSteps:
    """The steps of one process, in the thread of the writer."""

    def __init__(self, users: ResourceSpec | None, renderer: Renderer) -> None:
        self._users, self._renderer, self._sql = users, renderer, renderer.accounts
        self._tidy_at = 0

    def open(self, change: Change, session: NewSession, tokens: Sequence[NewToken], password: str | None) -> bool:
        """Open a session, and end the oldest where there are too many; False where its user is not as they were."""
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
            self.revoke(change, session.user_id, session_id, now)
        return True

    def rotate(self, change: Change, token_hash: bytes, tokens: Sequence[NewToken], now: Instant) -> Rotation:
        """Trade a refresh token for new tokens; one that was used before ends its session."""
        found = change.fetch(self._sql.find_refresh, token_hash)
        if not found:
            return Rotation(Turned.UNKNOWN)
        ((token, expires_at, used_at, session, session_id, user_id, limit_at, revoked_at, active),) = found
        if revoked_at is not None or not active:
            return Rotation(Turned.UNKNOWN, session_id, user_id)
        if used_at is not None and used_at < before(now, REFRESH_GRACE_S):
            self.revoke(change, user_id, session_id, now)
            return Rotation(Turned.REUSED, session_id, user_id)
        if expires_at <= now or limit_at <= now:
            return Rotation(Turned.UNKNOWN, session_id, user_id)
        if used_at is None:
            change.run(self._sql.use_token, token, now)
        self._add_tokens(change, session, [each._replace(expires_at=_earlier(each.expires_at, limit_at)) for each in tokens])
        change.run(self._sql.extend_session, session, now, _earlier(after(now, REFRESH_TOKEN_S), limit_at))
        return Rotation(Turned.ROTATED, session_id, user_id)

    def revoke(self, change: Change, user_id: RecordId, session_id: str, now: Instant) -> bool:
        """End a session of a user; False where it has ended."""
        return self._revoke(change, self._sql.revoke_session, (session_id, user_id, now)) > 0

    def rehash(self, change: Change, user: Credentials, new: str, request_id: str, now: Instant) -> bool:
        """A change with its entry, as any other: `verify` compares what is stored of the password with it."""
        users = self._users
        assert users is not None, "a user has signed in"
        tx = Transaction(change.connection, self._renderer, user.user_id, request_id, format_instant(now), users)
        stand = tx.stand(users, user.user_id)
        if stand is None or stand.version != user.user_version:
            return False
        tx.assign(users, user.user_id, stand, {"password": new})
        return True

    def issue(self, change: Change, ticket: Ticket, kept: int) -> None:
        """Keep a ticket among the newest of its owner and kind."""
        change.run(self._sql.insert_ticket, *ticket)
        if ticket.owner is not None:
            change.run(self._sql.delete_old_tickets, ticket.owner, ticket.kind, kept, TIDIED_MAX)

    def redeem(self, change: Change, ticket_hash: bytes, kind: str, now: Instant) -> Ticket | None:
        """Take a ticket away; what it was."""
        found = change.fetch(self._sql.find_ticket, ticket_hash, kind, now)
        if not found:
            return None
        change.run(self._sql.delete_ticket, ticket_hash)
        ((owner, payload),) = found
        return Ticket(ticket_hash, kind, owner, payload, None)

    def link(self, change: Change, issuer: str, subject: str, user_id: RecordId, user_version: int) -> bool:
        """Link a user, if they are as they were."""
        linked = change.fetch(self._sql.find_link, issuer, subject)
        if linked:
            return bool(linked[0][0] == user_id)
        found = change.fetch(self._sql.find_by_id, user_id)
        user = read_credentials(found[0] if found else None)
        if user is None or not user.active or user.user_version != user_version:
            return False
        change.run(self._sql.insert_link, issuer, subject, user_id)
        return True

    def enrol(self, change: Change, user_id: RecordId, secret: str) -> bool:
        """Keep a secret, unless one is confirmed."""
        found = change.fetch(self._sql.find_factor, user_id)
        if found and found[0][1] is not None:
            return False
        change.run(self._sql.delete_factor, user_id)
        change.run(self._sql.insert_factor, user_id, secret)
        return True

    def confirm(self, change: Change, user_id: RecordId, step: int, recovery: Sequence[Ticket], now: Instant) -> bool:
        """Put a second factor in force, by a step that was not used."""
        found = change.fetch(self._sql.find_factor, user_id)
        if not found or found[0][1] is not None or not self.use_step(change, user_id, step):
            return False
        change.run(self._sql.confirm_factor, user_id, now)
        for each in recovery:
            change.run(self._sql.insert_ticket, *each)
        return True

    def use_step(self, change: Change, user_id: RecordId, step: int) -> bool:
        """Use the code of a step; False where it or a later one was used."""
        return change.run(self._sql.use_step, user_id, step) == 1

    def disable(self, change: Change, user_id: RecordId) -> None:
        """Take a second factor away, and its recovery codes."""
        change.run(self._sql.delete_factor, user_id)
        change.run(self._sql.delete_tickets, user_id, RECOVERY)

    def use_ticket(self, connection: apsw.Connection, plan: Write) -> None:
        """Take the ticket of a write away in its own transaction, with its owner's others, so that one that fails leaves them.

        Raises Refused where it is gone, or is not alone and has to be.
        """
        use, change = plan.ticket, Change(connection)
        if use is None:
            return
        if use.alone and change.fetch(self._sql.count_tickets_beside, use.ticket_hash, plan.at)[0][0] > 1:
            raise Refused("validation_failed", details=[detail("password", "required", SEVERAL)])
        if change.run(self._sql.delete_tickets_beside, use.ticket_hash) == 0:
            raise Refused("invalid_credentials", USED_UP)

    def follow(self, connection: apsw.Connection, plan: Write) -> None:
        """End the sessions of users whom a write takes the right to them, in its own transaction.

        A session dies with its user: deleted, not active any more, or with another password. Who changes their own password keeps the
        session in which they do it. A user who is undeleted has to sign in again.
        """
        for step in plan.steps:
            if step.resource is self._users and _ends_sessions(step):
                self._end(Change(connection), step, plan)

    def tidy(self, connection: apsw.Connection, now: Instant) -> None:
        """Let go of what is long over at the end of any group: once a minute, and more often while there is much."""
        if now < self._tidy_at:
            return
        change = Change(connection)
        gone = [change.run(prepared, before(now, ACCOUNTS_KEPT_S), TIDIED_MAX) for prepared in self._sql.prune]
        if max(gone) < TIDIED_MAX:
            self._tidy_at = after(now, TIDY_EVERY_S)

    def _end(self, change: Change, step: WriteStep, plan: Write) -> None:
        keep = plan.caller if isinstance(step, Update) and plan.caller is not None and plan.caller.user_id == step.id else None
        kept = [] if keep is None else change.fetch(self._sql.session_of_token, keep.token_hash)
        self._revoke(change, self._sql.revoke_sessions, (step.id, kept[0][0] if kept else "", plan.at))
        change.run(self._sql.delete_tickets, step.id, RESET)
        if not isinstance(step, Update):
            for prepared in (self._sql.delete_all_tickets, self._sql.delete_factor, self._sql.delete_links):
                change.run(prepared, step.id)

    def _add_tokens(self, change: Change, session: int, tokens: Sequence[NewToken]) -> None:
        for each in tokens:
            change.run(self._sql.insert_token, each.token_hash, session, each.kind, each.expires_at)

    def _revoke(self, change: Change, prepared: Prepared, values: Sequence[Bound]) -> int:
        revoked = change.run(prepared, *values)
        if revoked:
            execute.change(change.connection, self._renderer.epoch_move())
        return revoked


def read_credentials(found: tuple[Any, ...] | None) -> Credentials | None:
    """The user of a row, if there is one."""
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
