"""Identities: from the credentials of a request to who asks, and what they are granted.

What is found is kept, and decides nothing by itself: a plan names the identity that it was made from, the store compares the epoch in the
statement, and what is out of date is looked up again.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from holdfast.base.errors import Refused, Unavailable
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant
from holdfast.core.actor import NOBODY, Actor, Caller
from holdfast.core.credentials import Cookies
from holdfast.core.exchange import Head
from holdfast.core.permit import Grants, Permit
from holdfast.ports.accounts import Accounts, Identity
from holdfast.ports.world import Clock, Secrets

KEPT_MAX = 10_000  # identities that a worker keeps; some kilobytes each
TOKEN_LENGTH_MAX = 512
TOKENS = "tokens"
"""The purpose under which the hash of a token is signed."""

_SCHEME = "Bearer "


class Known(NamedTuple):
    """Who asks, as it was found.

    grants      what they are granted
    caller      what the store compares; None for a caller who is not signed in
    expires_at  when the token ends
    session_id  the session or key that it belongs to
    """

    grants: Grants
    caller: Caller | None = None
    expires_at: Instant | None = None
    session_id: str = ""

    @property
    def actor(self) -> Actor:
        """The caller."""
        return self.grants.actor


class Identities:
    """Finds who asks, for one worker. `tell_first_use` hears of each key that was never used so far."""

    def __init__(
        self,
        accounts: Accounts,
        permit: Permit,
        *,
        secrets: Secrets,
        clock: Clock,
        tell_first_use: Callable[[Head, Identity], None],
        cookies: Cookies | None = None,
    ) -> None:
        self._cookies, self._tell_first_use = cookies, tell_first_use
        self._accounts, self._permit, self._secrets, self._clock = accounts, permit, secrets, clock
        self._kept: OrderedDict[str, Known] = OrderedDict()  # by the one spelling of their credentials
        self._nobody = Known(permit.grant(NOBODY, clock.now()))

    def nobody(self) -> Known:
        """A caller who is not signed in."""
        return Known(self._permit.grant(NOBODY, self._clock.now())) if self._permit.timely else self._nobody

    def find(self, head: Head) -> Known:
        """Who asks. Raises Refused unauthenticated where credentials were sent that are not good."""
        sent = self._read(head)
        if sent is None:
            return self.nobody()
        now = self._clock.now()
        known = self._kept.get(sent)
        if known is None:
            sent = _spell(sent)
            known = self._kept.get(sent) or self._look_up(head, sent, None)
        if self._permit.timely:
            known = known._replace(grants=self._permit.grant(known.actor, now))
        if known.expires_at is not None and known.expires_at <= now:
            self._kept.pop(sent, None)
            raise self._refuse(head, "The token has expired.")
        self._accounts.touch(known.session_id, now)
        return known

    def find_again(self, head: Head, known: Known) -> Known:
        """Who asks, looked up because the store found the identity out of date. Raises as `find` does."""
        sent = self._read(head)
        return self.nobody() if sent is None else self._look_up(head, _spell(sent), known)

    def renew(self, head: Head) -> Known:
        """Who asks, as of now. Raises as `find` does."""
        found = self.find(head)
        return found if self.is_current(found) else self.find_again(head, found)

    def is_current(self, known: Known) -> bool:
        """Whether an identity still holds, for answers that need no other look into the store; where that cannot tell, it does."""
        try:
            return known.caller is None or known.caller.epoch == self._accounts.epoch()
        except Unavailable:
            return True

    def _read(self, head: Head) -> str | None:
        """The credentials of a request: its Authorization header, else, where browsers may sign in by cookie, that."""
        sent = head.header("authorization")
        if sent is None and self._cookies is not None:
            token = self._cookies.read(head)
            return None if token is None else _SCHEME + token
        return sent

    def _look_up(self, head: Head, spelled: str, before: Known | None) -> Known:
        token_hash = self._secrets.sign(TOKENS, spelled.removeprefix(_SCHEME).encode())
        epoch = self._accounts.epoch()  # first: what is found then is at least as new
        identity = self._accounts.identify(token_hash)
        if identity is None:
            self._kept.pop(spelled, None)
            raise self._refuse(head, "The token is not known, or was revoked.")
        now = self._clock.now()
        if identity.new_key is not None and before is None and (identity.expires_at is None or identity.expires_at > now):
            self._tell_first_use(head, identity)
        caller = Caller(epoch, token_hash, identity.user_id, identity.user_version)
        if before is not None and before.caller is not None and before.caller.user_version == caller.user_version:
            known = before._replace(caller=caller)
        else:
            known = Known(self._permit.grant(_actor_of(identity), now), caller, identity.expires_at, identity.session_id)
        self._keep(spelled, known)
        return known

    def _refuse(self, head: Head, message: str) -> Refused:
        """The refusal of credentials that are good no more. A cookie is taken away, or it would stand in the way of everything."""
        refused = _refuse(message)
        if head.header("authorization") is None:
            refused.headers = {**refused.headers, **dict((Cookies.clear(),))}
        return refused

    def _keep(self, spelled: str, known: Known) -> None:
        self._kept[spelled] = known
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)


def _spell(sent: str) -> str:
    """The one spelling of bearer credentials, which have one space or more behind the scheme (RFC 9110, 11.4; RFC 6750, 2.1)."""
    scheme, _, token = sent.partition(" ")
    token = token.lstrip(" ")
    if scheme.lower() != "bearer" or not 1 <= len(token) <= TOKEN_LENGTH_MAX or not token.isascii() or not token.isprintable():
        raise _refuse("The Authorization header holds no bearer token.")
    return _SCHEME + token


def read_actor(user_id: RecordId, image: str, session_id: str | None = None) -> Actor:
    """The actor that a user is, by the image of their record."""
    values = msgspec.json.decode(image, type=dict[str, str | int | float | None])
    roles = msgspec.json.decode(str(values["roles"]), type=frozenset[str])
    return Actor(user_id, roles, values, session_id)


def _actor_of(identity: Identity) -> Actor:
    return read_actor(identity.user_id, identity.image, identity.session_id)


def _refuse(message: str) -> Refused:
    return Refused("unauthenticated", message, headers={"www-authenticate": 'Bearer realm="api", error="invalid_token"'})
