"""Actors: who asks, as far as rules need to know it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from holdfast.base.ids import RecordId
from holdfast.core.condition import Stored
from holdfast.model.access import ADMIN


class Caller(NamedTuple):
    """What a plan was made from, so that the store can tell whether it still holds when the plan runs.

    epoch         the identity epoch of then: it moves with every change of a user, and with every revocation
    token_hash    16 bytes: the token that was sent
    user_id       whose it is
    user_version  of the user's record
    """

    epoch: int
    token_hash: bytes
    user_id: RecordId
    user_version: int


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A caller, signed in or not.

    id          of the user; None: not signed in
    roles       that the user holds
    values      member -> stored value of the user's record, secrets left out
    session_id  of the session or key that was used
    """

    id: RecordId | None = None
    roles: frozenset[str] = frozenset()
    values: Mapping[str, Stored] = field(default_factory=dict)
    session_id: str | None = None

    @property
    def is_admin(self) -> bool:
        """Whether everything is granted."""
        return ADMIN in self.roles


NOBODY = Actor()
"""A caller who is not signed in."""
