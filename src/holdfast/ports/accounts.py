"""Accounts: what the engine needs to know of tokens and of those who sign in.

A token is looked up by its hash and decides nothing by itself. No token, and no password, ever passes through here: hashes do.
"""

from collections.abc import Awaitable, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant


class Identity(NamedTuple):
    """What a token stands for now.

    user_version  of the user's record: another version is another identity
    image         the user's record as JSON text in storage form, secrets left out
    session_id    the session or key that the token belongs to
    expires_at    when the token ends; None: never
    new_key       the name of a key that was never used so far; None: it was, or is none
    """

    user_id: RecordId
    user_version: int
    image: str
    session_id: str
    expires_at: Instant | None
    new_key: str | None


class Accounts(Protocol):
    """Looks tokens up. Every method comes back at once and may raise Unavailable."""

    def epoch(self) -> int:
        """The identity epoch: it moves in the transaction of every change of a user and of every revocation."""
        ...

    def identify(self, token_hash: bytes) -> Identity | None:
        """What a living access token or key stands for; None if there is none, or it was revoked, or its user is gone or not active.

        Whether it has expired is for the caller to see by `expires_at`.
        """
        ...

    def touch(self, session_id: str, now: Instant) -> None:
        """Remember that a session is used; written now and then, for many at once."""
        ...


class Credentials(NamedTuple):
    """A user as a sign-in finds them. `image` as of Identity; `password` is the hash, None: cannot sign in by password."""

    user_id: RecordId
    user_version: int
    image: str
    password: str | None
    active: bool


class NewToken(NamedTuple):
    """A token to be kept. kind: "access", "refresh" or "key"; `expires_at` None: never."""

    token_hash: bytes
    kind: str
    expires_at: Instant | None


class NewSession(NamedTuple):
    """A session to be opened. kind: "login" or "key".

    name        of a key
    expires_at  when it ends unless a refresh token of it is used before; None: never
    limit_at    when it ends in any case
    agent       what the client calls itself
    """

    id: RecordId
    user_id: RecordId
    kind: str
    name: str | None
    created_at: Instant
    expires_at: Instant | None
    limit_at: Instant | None
    agent: str | None = None
    address: str | None = None


class Session(NamedTuple):
    """A living session, as its user may see it. `seen_at` is when it was last used, to about a minute; None: not yet."""

    id: RecordId
    user_id: RecordId
    kind: str
    name: str | None
    created_at: Instant
    seen_at: Instant | None
    expires_at: Instant | None
    agent: str | None
    address: str | None


class Turned(Enum):
    """What became of a refresh token that was shown.

    ROTATED   there are new tokens
    REUSED    it was used before: somebody has a copy, and its session was revoked
    UNKNOWN   there is no such token, or it is over, or its session or user is
    """

    ROTATED = "rotated"
    REUSED = "reused"
    UNKNOWN = "unknown"


class Rotation(NamedTuple):
    """What became of a refresh token, and of whose session; both None where it is not known."""

    turned: Turned
    session_id: RecordId | None = None
    user_id: RecordId | None = None


class Sessions(Protocol):
    """Opens, renews and revokes sessions. What waits is durable once it comes; every write may raise Unavailable as Store.write does.

    deadline_s  monotonic time after which a queued write is not begun any more
    """

    def find_by_email(self, email: str) -> Credentials | None:
        """The user of an e-mail address in lower case, at once."""
        ...

    def find_by_id(self, user_id: RecordId) -> Credentials | None:
        """The user of an id, at once."""
        ...

    def list_sessions(self, user_id: RecordId, now: Instant) -> Sequence[Session]:
        """The living sessions of a user, newest first, at once."""
        ...

    def is_linked(self, user_id: RecordId) -> bool:
        """Whether another provider vouches for a user, at once."""
        ...

    def list_keys(self, now: Instant) -> Sequence[Session]:
        """The living keys, oldest first, SESSIONS_LISTED_MAX of them, at once."""
        ...

    def find_key(self, name: str, now: Instant) -> Session | None:
        """The living key of a name, at once."""
        ...

    def open(self, session: NewSession, tokens: Sequence[NewToken], password: str | None, deadline_s: float) -> Awaitable[bool]:
        """Open a session with its tokens, if its user is still active and still has this password hash (None: whatever it is).

        The oldest sign-ins beyond SESSIONS_PER_USER_MAX are revoked with it.
        """
        ...

    def rotate(self, token_hash: bytes, tokens: Sequence[NewToken], now: Instant, deadline_s: float) -> Awaitable[Rotation]:
        """Trade a refresh token for new tokens of its session, none of which outlives it.

        Within REFRESH_GRACE_S after its first use it may be traded again, for clients that were cut off; later use revokes the session.
        """
        ...

    def revoke(self, user_id: RecordId, session_id: str, now: Instant, deadline_s: float) -> Awaitable[bool]:
        """Revoke a session of a user; False if they have no such living session."""
        ...

    def rehash(self, user: Credentials, new: str, request_id: str, now: Instant, deadline_s: float) -> Awaitable[bool]:
        """Keep a new hash of the same password, as a change by the user that ends no session; False if they changed meanwhile."""
        ...


class Factor(NamedTuple):
    """The second factor of a user. `secret` is encrypted; until it is confirmed no sign-in asks for it."""

    secret: str
    confirmed: bool


USED_UP = "The token is not known, was used, or has ended."
"""What is said of a mailed token that no ticket stands behind."""

SEVERAL = "Several registered with this address: the password says which of them is meant."
"""What is said of the password that a mailed token lacks."""

RESET, RECOVERY = "reset", "recovery"
"""Kinds of tickets that end with what they open: with the password, with the second factor."""


class Ticket(NamedTuple):
    """What is used once: a token that was mailed, a recovery code, a sign-in under way at another provider.

    owner       whose it is, if anyone's: the id of a user, or the address of whoever is none yet
    payload     what it stands for, in a form of its kind's own
    expires_at  None: never
    """

    ticket_hash: bytes
    kind: str
    owner: str | None
    payload: str
    expires_at: Instant | None


class Tickets(Protocol):
    """Issues and redeems tickets; every write may raise Unavailable as Store.write does."""

    def issue(self, ticket: Ticket, deadline_s: float, *, kept: int = 1) -> Awaitable[None]:
        """Keep a ticket. Of those of its kind that its owner has, if it has one, so many are kept: the newest."""
        ...

    def find_ticket(self, ticket_hash: bytes, kind: str, now: Instant) -> Ticket | None:
        """A ticket that lasts, at once."""
        ...

    def redeem(self, ticket_hash: bytes, kind: str, now: Instant, deadline_s: float) -> Awaitable[Ticket | None]:
        """Use a ticket, which is gone then; None if there is none that lasts. Of many who try one gets it."""
        ...


class Links(Protocol):
    """Keeps whom OpenID providers vouch for; every write may raise Unavailable as Store.write does."""

    def find_link(self, issuer: str, subject: str) -> RecordId | None:
        """The user whom an issuer knows by this subject, at once."""
        ...

    def link(self, issuer: str, subject: str, user_id: RecordId, user_version: int, deadline_s: float) -> Awaitable[bool]:
        """Link a user who is active and still of this version; False if not, or where the subject is another user's."""
        ...


class Factors(Protocol):
    """Keeps second factors; every write may raise Unavailable as Store.write does."""

    def find_factor(self, user_id: RecordId) -> Factor | None:
        """The second factor of a user, at once."""
        ...

    def enrol(self, user_id: RecordId, secret: str, deadline_s: float) -> Awaitable[bool]:
        """Keep an encrypted secret, in the place of one that was never confirmed; False where one is in force."""
        ...

    def confirm(self, user_id: RecordId, step: int, recovery: Sequence[Ticket], now: Instant, deadline_s: float) -> Awaitable[bool]:
        """Put a second factor in force, its first code being that of a step, with tickets for an emergency."""
        ...

    def use_step(self, user_id: RecordId, step: int, deadline_s: float) -> Awaitable[bool]:
        """Use the code of a step; False if it, or a later one, was used before."""
        ...

    def disable(self, user_id: RecordId, deadline_s: float) -> Awaitable[None]:
        """Take a second factor away, with its tickets."""
        ...
