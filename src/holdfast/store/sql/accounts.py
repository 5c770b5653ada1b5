"""Accounts in SQL: who a token stands for, and everything that changes that. Conditions that could race stand in the statements."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.condition import Conditions
from holdfast.store.sql.dialect import Dialect, Element, Truth
from holdfast.store.sql.rows import TableRow
from holdfast.store.sql.statement import Prepared, at_most, constant, parameter, whole
from holdfast.store.sql.tables import Tables
from holdfast.store.sql.view import Views

SESSION_MEMBERS = ("id", "user_id", "kind", "name", "created_at", "seen_at", "expires_at", "limit_at", "agent", "address")
"""The columns of a new session, in the order in which their values are bound."""

TOKEN_MEMBERS = ("token_hash", "session_row", "kind", "expires_at")
TICKET_MEMBERS = ("ticket_hash", "kind", "owner", "payload", "expires_at")
SHOWN_MEMBERS = ("id", "user_id", "kind", "name", "created_at", "seen_at", "expires_at", "agent", "address")


class AccountStatements:
    """Builds the statements on sessions, tokens, tickets, factors and links, each when it is first asked for.

    users  the resource of those who sign in; None where a catalog has none, and nobody does
    """

    def __init__(self, users: ResourceSpec | None, tables: Tables, dialect: Dialect) -> None:
        self._dialect = dialect
        self._tables = tables
        self._session, self._token, self._ticket, self._factor, self._link = tables.accounts
        self._resource = users
        self._views = Views(tables, dialect, Conditions(tables, dialect))

    # Who a token stands for

    @cached_property
    def find_identity(self) -> Prepared:
        """By token hash (position 0): user id, version and image, session id, expiry of the token, name of a key that is new.

        No row where there is no such access token or key, or its session was revoked, or its user is gone or not active.
        """
        session, token = self._session, self._token
        image = self._views.stored(self._user.resource, self._user)
        new_key = sa.case((sa.and_(session.c.kind == constant("key"), session.c.seen_at.is_(None)), session.c.name))
        columns = (self._user.value("id"), self._user.value("version"), image, session.c.id, token.c.expires_at, new_key)
        found = sa.select(*columns).select_from(
            token.join(session, session.c.row == token.c.session_row).join(self._user.table, self._user.value("id") == session.c.user_id)
        )
        opens = token.c.kind.in_((constant("access"), constant("key")))
        return self._prepare(found.where(token.c.token_hash == parameter(0), opens, session.c.revoked_at.is_(None), self._is_active()))

    @cached_property
    def find_by_email(self) -> Prepared:
        """By e-mail address in lower case (position 0): user id, version, image, password hash, 1 if active."""
        return self._prepare(self._credentials().where(self._user.value("email") == parameter(0)))

    @cached_property
    def find_by_id(self) -> Prepared:
        """By user id (position 0): the same."""
        return self._prepare(self._credentials().where(self._user.value("id") == parameter(0)))

    @cached_property
    def still_holds(self) -> Prepared:
        """One row if a user (position 0) is active and has this password hash (1; null: whatever the password is)."""
        password = sa.or_(parameter(1).is_(None), self._user.value("password") == parameter(1))
        found = sa.select(constant(1)).select_from(self._user.table)
        return self._prepare(found.where(self._user.value("id") == parameter(0), self._is_active(), password))

    # Sessions

    @cached_property
    def insert_session(self) -> Prepared:
        """A session: SESSION_MEMBERS."""
        return self._insert(self._session, SESSION_MEMBERS)

    @cached_property
    def insert_token(self) -> Prepared:
        """A token: TOKEN_MEMBERS."""
        return self._insert(self._token, TOKEN_MEMBERS)

    @cached_property
    def find_refresh(self) -> Prepared:
        """By hash (position 0), of a refresh token whatever became of it.

        One row: row, expiry and use of the token, row, id, user, limit and revocation of its session, 1 if the user is active.
        """
        session, token = self._session, self._token
        active = sa.case((self._is_active(), constant(1)), else_=constant(0))
        columns = (token.c.row, token.c.expires_at, token.c.used_at, session.c.row.label("session_row"), session.c.id, session.c.user_id)
        found = sa.select(*columns, session.c.limit_at, session.c.revoked_at, active).select_from(
            token.join(session, session.c.row == token.c.session_row).outerjoin(
                self._user.table, self._user.value("id") == session.c.user_id
            )
        )
        return self._prepare(found.where(token.c.token_hash == parameter(0), token.c.kind == constant("refresh")))

    @cached_property
    def use_token(self) -> Prepared:
        """A token (its row at position 0) used at an instant (1)."""
        token = self._token
        return self._prepare(sa.update(token).values({token.c.used_at: parameter(1)}).where(token.c.row == parameter(0)))

    @cached_property
    def extend_session(self) -> Prepared:
        """A session (its row at position 0) seen at an instant (1), to end at another (2) unless it is used again."""
        session = self._session
        change = sa.update(session).values({session.c.seen_at: parameter(1), session.c.expires_at: parameter(2)})
        return self._prepare(change.where(session.c.row == parameter(0)))

    @cached_property
    def touch_session(self) -> Prepared:
        """A session (its id at position 0) seen at an instant (1), if it was not seen later."""
        session = self._session
        earlier = sa.or_(session.c.seen_at.is_(None), session.c.seen_at < parameter(1))
        return self._prepare(sa.update(session).values({session.c.seen_at: parameter(1)}).where(session.c.id == parameter(0), earlier))

    @cached_property
    def revoke_session(self) -> Prepared:
        """A living session (its id at position 0) of a user (1) revoked at an instant (2)."""
        session = self._session
        return self._prepare(self._revoke(2).where(session.c.id == parameter(0), session.c.user_id == parameter(1)))

    @cached_property
    def revoke_sessions(self) -> Prepared:
        """Every living session of a user (position 0) but one (its id at 1; "" keeps none) revoked at an instant (2)."""
        session = self._session
        return self._prepare(self._revoke(2).where(session.c.user_id == parameter(0), session.c.id != parameter(1)))

    @cached_property
    def excess_sessions(self) -> Prepared:
        """The ids of the living sign-ins of a user (position 0) at an instant (1) beyond the newest (2): many at most (3)."""
        session = self._session
        found = sa.select(session.c.id).where(session.c.user_id == parameter(0), session.c.kind == constant("login"), *self._alive(1))
        return self._prepare(found.order_by(session.c.row.desc()).limit(whole(3)).offset(whole(2)))

    @cached_property
    def session_of_token(self) -> Prepared:
        """By token hash (position 0): the id of its session."""
        session, token = self._session, self._token
        found = sa.select(session.c.id).select_from(token.join(session, session.c.row == token.c.session_row))
        return self._prepare(found.where(token.c.token_hash == parameter(0)))

    @cached_property
    def list_sessions(self) -> Prepared:
        """The living sessions of a user (position 0) at an instant (1), newest first, as many as asked for (2): SHOWN_MEMBERS."""
        session = self._session
        found = sa.select(*self._shown()).where(session.c.user_id == parameter(0), *self._alive(1))
        return self._prepare(at_most(found.order_by(session.c.row.desc()), 2))

    @cached_property
    def list_keys(self) -> Prepared:
        """Every living key at an instant (position 0), oldest first, as many as asked for (1): SHOWN_MEMBERS."""
        return self._prepare(at_most(self._keys().order_by(self._session.c.row), 1))

    @cached_property
    def find_key(self) -> Prepared:
        """The living key of a name (position 1) at an instant (0): SHOWN_MEMBERS."""
        return self._prepare(self._keys().where(self._session.c.name == parameter(1)))

    # Tickets

    @cached_property
    def insert_ticket(self) -> Prepared:
        """A ticket: TICKET_MEMBERS."""
        return self._insert(self._ticket, TICKET_MEMBERS)

    @cached_property
    def find_ticket(self) -> Prepared:
        """By hash (position 0), kind (1) and an instant (2) before its expiry: owner and payload of a ticket."""
        ticket = self._ticket
        found = sa.select(ticket.c.owner, ticket.c.payload)
        return self._prepare(found.where(ticket.c.ticket_hash == parameter(0), ticket.c.kind == parameter(1), self._lasts(2)))

    @cached_property
    def delete_ticket(self) -> Prepared:
        """A ticket away, by its hash (position 0)."""
        return self._prepare(sa.delete(self._ticket).where(self._ticket.c.ticket_hash == parameter(0)))

    @cached_property
    def delete_tickets(self) -> Prepared:
        """The tickets of a kind (position 1) of an owner (0) away."""
        ticket = self._ticket
        return self._prepare(sa.delete(ticket).where(ticket.c.owner == parameter(0), ticket.c.kind == parameter(1)))

    @cached_property
    def delete_old_tickets(self) -> Prepared:
        """The tickets of a kind (position 1) of an owner (0) beyond the newest (2) away: many at most (3)."""
        ticket = self._ticket
        old = sa.select(ticket.c.row).where(ticket.c.owner == parameter(0), ticket.c.kind == parameter(1))
        old = old.order_by(ticket.c.row.desc()).limit(whole(3)).offset(whole(2))
        return self._prepare(sa.delete(ticket).where(ticket.c.row.in_(old)))

    @cached_property
    def count_tickets_beside(self) -> Prepared:
        """How many tickets that last beyond an instant (position 1) have the owner and kind of one (its hash at 0), itself among them."""
        return self._prepare(sa.select(sa.func.count()).select_from(self._ticket).where(self._is_beside(0), self._lasts(1)))

    @cached_property
    def delete_tickets_beside(self) -> Prepared:
        """Every ticket that has the owner and kind of one (its hash at position 0) away, itself among them."""
        return self._prepare(sa.delete(self._ticket).where(self._is_beside(0)))

    @cached_property
    def delete_all_tickets(self) -> Prepared:
        """Every ticket of an owner (position 0) away."""
        return self._prepare(sa.delete(self._ticket).where(self._ticket.c.owner == parameter(0)))

    # Second factors

    @cached_property
    def find_factor(self) -> Prepared:
        """The second factor of a user (position 0): encrypted secret, confirmation, last step used."""
        factor = self._factor
        return self._prepare(sa.select(factor.c.secret, factor.c.confirmed_at, factor.c.last_step).where(factor.c.user_id == parameter(0)))

    @cached_property
    def insert_factor(self) -> Prepared:
        """A second factor that is not yet confirmed: user (position 0), encrypted secret (1)."""
        factor = self._factor
        values = {factor.c.user_id: parameter(0), factor.c.secret: parameter(1), factor.c.last_step: constant(0)}
        return self._prepare(sa.insert(factor).values(values))

    @cached_property
    def confirm_factor(self) -> Prepared:
        """The second factor of a user (position 0) confirmed at an instant (1)."""
        factor = self._factor
        return self._prepare(sa.update(factor).values({factor.c.confirmed_at: parameter(1)}).where(factor.c.user_id == parameter(0)))

    @cached_property
    def use_step(self) -> Prepared:
        """A step (position 1) of the second factor of a user (0) used, if none as late was used before: one row is changed then."""
        factor = self._factor
        change = sa.update(factor).values({factor.c.last_step: parameter(1)})
        return self._prepare(change.where(factor.c.user_id == parameter(0), factor.c.last_step < parameter(1)))

    @cached_property
    def delete_factor(self) -> Prepared:
        """The second factor of a user (position 0) away."""
        return self._prepare(sa.delete(self._factor).where(self._factor.c.user_id == parameter(0)))

    # Links to other providers

    @cached_property
    def find_link(self) -> Prepared:
        """By issuer (position 0) and subject (1): the user's id."""
        link = self._link
        return self._prepare(sa.select(link.c.user_id).where(link.c.issuer == parameter(0), link.c.subject == parameter(1)))

    @cached_property
    def find_link_of(self) -> Prepared:
        """A row for each link of a user (position 0)."""
        return self._prepare(sa.select(constant(1)).select_from(self._link).where(self._link.c.user_id == parameter(0)))

    @cached_property
    def insert_link(self) -> Prepared:
        """A link: issuer (position 0), subject (1), user (2)."""
        return self._insert(self._link, ("issuer", "subject", "user_id"))

    @cached_property
    def delete_links(self) -> Prepared:
        """Every link of a user (position 0) away."""
        return self._prepare(sa.delete(self._link).where(self._link.c.user_id == parameter(0)))

    # What is over

    @cached_property
    def prune(self) -> tuple[Prepared, ...]:
        """Tokens, tickets and sessions that ended before an instant (position 0) away, of each as many as position 1 says.

        The index of expiries gives them without a look at the others.
        """
        return tuple(self._prune(table) for table in (self._token, self._ticket, self._session))

    @cached_property
    def _user(self) -> TableRow:
        assert self._resource is not None
        return self._tables.row(self._resource)

    def _prune(self, table: sa.Table) -> Prepared:
        over = sa.select(table.c.row).where(table.c.expires_at < parameter(0)).order_by(table.c.expires_at)
        return self._prepare(sa.delete(table).where(table.c.row.in_(at_most(over, 1))))

    def _credentials(self) -> sa.Select[*tuple[object, ...]]:
        user = self._user
        image = self._views.stored(user.resource, user)
        columns = (user.value("id"), user.value("version"), image, user.value("password"), user.value("active"))
        return sa.select(*columns).select_from(user.table)

    def _is_active(self) -> Truth:
        return self._user.value("active") == constant(1)

    def _lasts(self, position: int) -> Truth:
        """The ticket lasts beyond the instant at a position."""
        return sa.or_(self._ticket.c.expires_at.is_(None), self._ticket.c.expires_at > parameter(position))

    def _is_beside(self, position: int) -> Truth:
        """The ticket has the owner and kind of that whose hash is at a position."""
        ticket, shown = self._ticket, self._ticket.alias("shown")
        its = sa.select(shown.c.owner, shown.c.kind).where(shown.c.ticket_hash == parameter(position))
        return sa.tuple_(ticket.c.owner, ticket.c.kind).in_(its)

    def _alive(self, position: int) -> tuple[Truth, ...]:
        """The session was not revoked and lasts beyond the instant at a position."""
        session = self._session
        return session.c.revoked_at.is_(None), sa.or_(session.c.expires_at.is_(None), session.c.expires_at > parameter(position))

    def _revoke(self, position: int) -> sa.Update:
        """Revoked at the instant at a position. Its end is set too, so that what was revoked goes with what is over."""
        session, at = self._session, parameter(position)
        return sa.update(session).values({session.c.revoked_at: at, session.c.expires_at: at}).where(session.c.revoked_at.is_(None))

    def _keys(self) -> sa.Select[Any]:
        return sa.select(*self._shown()).where(self._session.c.kind == constant("key"), *self._alive(0))

    def _shown(self) -> tuple[Element, ...]:
        return tuple(self._session.c[each] for each in SHOWN_MEMBERS)

    def _insert(self, table: sa.Table, members: Sequence[str]) -> Prepared:
        return self._prepare(sa.insert(table).values({table.c[each]: parameter(position) for position, each in enumerate(members)}))

    def _prepare(self, statement: sa.ClauseElement) -> Prepared:
        return self._dialect.prepare(statement)
