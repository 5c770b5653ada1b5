"""What the handlers of accounts share: reading a body, opening a session, answering."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant
from holdfast.base.limits import ACCESS_TOKEN_S, AGENT_LENGTH_MAX, REFRESH_TOKEN_S, REQUEST_DEADLINE_S, SESSION_S
from holdfast.core.account_bodies import AccountBodies
from holdfast.core.actor import Caller
from holdfast.core.document import parse_json
from holdfast.core.exchange import Reply
from holdfast.core.negotiate import check_content_type
from holdfast.core.reply import Replies
from holdfast.engine.auth.events import Events
from holdfast.engine.auth.tokens import Tokens
from holdfast.engine.ids import RecordIds
from holdfast.engine.quota import LoginLimits
from holdfast.engine.request import Request
from holdfast.ports.accounts import Credentials, NewSession, NewToken, Sessions, Tickets
from holdfast.ports.world import Clock, Secrets

_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Pair:
    """The two tokens of a session: as they are sent, and as they are kept."""

    access: str
    refresh: str
    kept: tuple[NewToken, NewToken]


class SignedIn(NamedTuple):
    """Who asks: the user, by which session, and what a plan says of them."""

    user_id: RecordId
    session_id: str
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The surroundings of every handler of accounts."""

    sessions: Sessions
    tickets: Tickets
    secrets: Secrets
    clock: Clock
    replies: Replies
    events: Events
    limits: LoginLimits
    bodies: AccountBodies
    tokens: Tokens
    ids: RecordIds

    def now(self) -> Instant:
        """The present."""
        return self.clock.now()

    def deadline(self, request: Request) -> float:
        """Until when a write of this request may begin."""
        return request.head.received_s + REQUEST_DEADLINE_S

    def read(self, request: Request, body: bytes) -> Any:
        """The parsed body of a request that must have one."""
        request.require_json_answer()
        check_content_type(request.head.header("content-type"))
        return parse_json(body)

    def require(self, request: Request) -> SignedIn:
        """Who asks, as of now: what is shown or changed here is of one's own account. Raises Refused unauthenticated."""
        request.require_json_answer()
        request.renew()
        caller, session_id = request.known.caller, request.actor.session_id
        if caller is None or session_id is None:
            raise Refused("unauthenticated")
        return SignedIn(caller.user_id, session_id, caller)

    def require_credentials(self, signed_in: SignedIn) -> Credentials:
        """The user who asks, as a sign-in finds them."""
        user = self.sessions.find_by_id(signed_in.user_id)
        if user is None:
            raise Refused("unauthenticated")
        return user

    def answer(self, request: Request, data: Any, *, status: int = 200) -> Reply:
        """The envelope around plain data."""
        return self.replies.data(msgspec.json.encode(data).decode(), request.request_id, status=status)

    def make_pair(self, now: Instant) -> Pair:
        """New tokens for a session."""
        access, kept_access = self.tokens.make("access", Instant(now + ACCESS_TOKEN_S * _US))
        refresh, kept_refresh = self.tokens.make("refresh", Instant(now + REFRESH_TOKEN_S * _US))
        return Pair(access, refresh, (kept_access, kept_refresh))

    def answer_pair(self, request: Request, pair: Pair) -> Reply:
        """The answer that hands tokens out."""
        data = {
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            "expires_in": ACCESS_TOKEN_S,
            "token_type": "Bearer",
        }
        return self.answer(request, data)

    async def open_session(self, request: Request, user: Credentials, *, password: str | None) -> tuple[NewSession, Pair] | None:
        """Sign a user in, if they are still active and the hash of their password is still this one (None: whatever it is)."""
        now = self.now()
        pair = self.make_pair(now)
        agent = (request.head.header("user-agent") or "")[:AGENT_LENGTH_MAX] or None
        session = NewSession(
            id=self.ids.make(),
            user_id=user.user_id,
            kind="login",
            name=None,
            created_at=now,
            expires_at=Instant(now + REFRESH_TOKEN_S * _US),
            limit_at=Instant(now + SESSION_S * _US),
            agent=agent,
            address=request.head.peer,
        )
        opened = await request.time_store(self.sessions.open(session, pair.kept, password, self.deadline(request)))
        return (session, pair) if opened else None
