"""The tables of accounts beside the users themselves: sessions, tokens, tickets, second factors and links to other providers.

None of them is journaled: they hold no data of the developer's, and change with every sign-in. No token stands here, only keyed hashes.
Instants are microseconds since 1970.
"""

from typing import Any, NamedTuple

import sqlalchemy as sa

from holdfast.store.sql.columns import BLOB, INTEGER, TEXT
from holdfast.store.sql.dialect import Dialect


class AccountTables(NamedTuple):
    """The tables of accounts.

    session  who is signed in: one row for each sign-in ("login") and each API key ("key")
    token    what opens a session: access and refresh tokens, keys
    ticket   what is used once: links that were mailed, recovery codes, sign-ins under way at another provider; its owner is a
             user, or an address that is no user's yet
    factor   the second factor of a user
    link     the subject that an issuer, another provider, knows a user by
    """

    session: sa.Table
    token: sa.Table
    ticket: sa.Table
    factor: sa.Table
    link: sa.Table


def build_account_tables(metadata: sa.MetaData, dialect: Dialect) -> AccountTables:
    """Every table of accounts; a database holds them whether anyone signs in or not."""
    options = dialect.table_options()
    session = _session(metadata, options)
    return AccountTables(
        session, _token(metadata, options), _ticket(metadata, options), _factor(metadata, options), _link(metadata, options)
    )


def _session(metadata: sa.MetaData, options: dict[str, Any]) -> sa.Table:
    """`expires_at` moves with every use of a refresh token, up to `limit_at`; null: never."""
    table = sa.Table(
        "hf_session",
        metadata,
        sa.Column("row", INTEGER, primary_key=True),
        sa.Column("id", TEXT, nullable=False, unique=True),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("seen_at", INTEGER),
        sa.Column("expires_at", INTEGER),
        sa.Column("limit_at", INTEGER),
        sa.Column("revoked_at", INTEGER),
        sa.Column("agent", TEXT),
        sa.Column("address", TEXT),
        **options,
    )
    sa.Index("hf_session_user", table.c.user_id, table.c.row)
    sa.Index("hf_session_expiry", table.c.expires_at)
    return table


def _token(metadata: sa.MetaData, options: dict[str, Any]) -> sa.Table:
    """By row, not by hash, as hf_idempotency and for the same reason. A refresh token that was used stays, so that reuse is noticed."""
    table = sa.Table(
        "hf_token",
        metadata,
        sa.Column("row", INTEGER, primary_key=True),
        sa.Column("token_hash", BLOB, nullable=False, unique=True),
        sa.Column("session_row", INTEGER, sa.ForeignKey("hf_session.row", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("expires_at", INTEGER),
        sa.Column("used_at", INTEGER),
        **options,
    )
    sa.Index("hf_token_session", table.c.session_row)
    sa.Index("hf_token_expiry", table.c.expires_at)
    return table


def _ticket(metadata: sa.MetaData, options: dict[str, Any]) -> sa.Table:
    table = sa.Table(
        "hf_ticket",
        metadata,
        sa.Column("row", INTEGER, primary_key=True),
        sa.Column("ticket_hash", BLOB, nullable=False, unique=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("owner", TEXT),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("expires_at", INTEGER),
        **options,
    )
    sa.Index("hf_ticket_owner", table.c.owner, table.c.kind)
    sa.Index("hf_ticket_expiry", table.c.expires_at)
    return table


def _factor(metadata: sa.MetaData, options: dict[str, Any]) -> sa.Table:
    """`secret` is encrypted; `confirmed_at` null: enrolled, not yet asked for; `last_step` is the newest code that was used."""
    return sa.Table(
        "hf_factor",
        metadata,
        sa.Column("row", INTEGER, primary_key=True),
        sa.Column("user_id", TEXT, nullable=False, unique=True),
        sa.Column("secret", TEXT, nullable=False),
        sa.Column("confirmed_at", INTEGER),
        sa.Column("last_step", INTEGER, nullable=False),
        **options,
    )


def _link(metadata: sa.MetaData, options: dict[str, Any]) -> sa.Table:
    table = sa.Table(
        "hf_link",
        metadata,
        sa.Column("row", INTEGER, primary_key=True),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        **options,
    )
    sa.Index("hf_link_subject", table.c.issuer, table.c.subject, unique=True)
    sa.Index("hf_link_user", table.c.user_id)
    return table
