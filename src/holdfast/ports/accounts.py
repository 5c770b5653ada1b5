"""Accounts: what the engine needs to know of tokens. A token is looked up by its hash and decides nothing by itself."""

from typing import NamedTuple, Protocol

from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant


class Identity(NamedTuple):
    """What a token stands for now.

    user_version  of the user's record: another version is another identity
    image         the user's record as JSON text in storage form, secrets left out
    session_id    the session or key that the token belongs to
    expires_at    when the token ends; None: never
    """

    user_id: RecordId
    user_version: int
    image: str
    session_id: str
    expires_at: Instant | None


class Accounts(Protocol):
    """Looks tokens up. Both methods come back at once and may raise Unavailable."""

    def epoch(self) -> int:
        """The identity epoch: it moves in the transaction of every change of a user and of every revocation."""
        ...

    def identify(self, token_hash: bytes) -> Identity | None:
        """What a living access token or key stands for; None if there is none, or it was revoked, or its user is gone or not active.

        Whether it has expired is for the caller to see by `expires_at`.
        """
        ...
