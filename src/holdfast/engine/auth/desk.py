"""What the handlers of accounts share: reading a body, opening a session, answering."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import msgspec

from holdfast.base.errors import Refused, detail
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant, after
from holdfast.base.limits import ACCESS_TOKEN_S, AGENT_LENGTH_MAX, COOKIE_SESSION_S, REFRESH_TOKEN_S, REQUEST_DEADLINE_S, SESSION_S
from holdfast.core.account_bodies import AccountBodies
from holdfast.core.actor import Caller
from holdfast.core.credentials import Cookies
from holdfast.core.document import parse_json
from holdfast.core.exchange import Reply
from holdfast.core.negotiate import check_content_type
from holdfast.core.reply import Replies
from holdfast.engine.auth.events import Event, Events
from holdfast.engine.auth.tokens import Tokens
from holdfast.engine.ids import RecordIds
from holdfast.engine.quota import LoginLimits
from holdfast.engine.request import Request
from holdfast.ports.accounts import USED_UP, Credentials, NewSession, NewToken, Sessions, Ticket, Tickets
from holdfast.ports.world import Clock, Secrets


@dataclass(frozen=True, slots=True)
class Pair:
    """The two tokens of a session: as they are sent, and as they are kept."""

    access: str
    refresh: str
    kept: tuple[NewToken, NewToken]


class Asker(NamedTuple):
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
    cookies: Cookies | None

    def now(self) -> Instant:
        """The present."""
        return self.clock.now()

    def read(self, request: Request, body: bytes) -> Any:
        """The parsed body of a request that must have one."""
        request.require_json_answer()
        check_content_type(request.head.header("content-type"))
        return parse_json(body)

    def require(self, request: Request) -> Asker:
        """Who asks, as of now: what is shown or changed here is of one's own account. Raises Refused unauthenticated."""
        request.require_json_answer()
        request.renew()
        caller, session_id = request.known.caller, request.actor.session_id
        if caller is None or session_id is None:
            raise Refused("unauthenticated")
        return Asker(caller.user_id, session_id, caller)

    def require_credentials(self, asker: Asker) -> Credentials:
        """The user who asks, as a sign-in finds them."""
        user = self.sessions.find_by_id(asker.user_id)
        if user is None:
            raise Refused("unauthenticated")
        return user

    def answer(self, request: Request, data: Any, *, status: int = 200) -> Reply:
        """The envelope around plain data."""
        return self.replies.data(msgspec.json.encode(data).decode(), request.request_id, status=status)

    def make_pair(self, now: Instant) -> Pair:
        """New tokens for a session."""
        access, kept_access = self.tokens.make("access", after(now, ACCESS_TOKEN_S))
        refresh, kept_refresh = self.tokens.make("refresh", after(now, REFRESH_TOKEN_S))
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

    def take_address(self, request: Request) -> None:
        """Count an attempt from the address of a request. Raises Refused rate_limited."""
        self._take(request, partial(self.limits.take_address, request.head.peer))

    def take_account(self, request: Request, email: str) -> None:
        """Count an attempt on an account. Raises Refused rate_limited."""
        self._take(request, partial(self.limits.take_account, email))

    def take_ticket(self, request: Request, ticket: Ticket) -> None:
        """Count an attempt on what a ticket opens. Raises Refused rate_limited."""
        self._take(request, partial(self.limits.take_ticket, ticket.ticket_hash))

    def _take(self, request: Request, take: Callable[[], None]) -> None:
        try:
            take()
        except Refused:
            self.events.tell(Event.ATTEMPT_LIMITED, request)
            raise

    async def issue(self, kind: str, owner: str, payload: str, lasts_s: int, *, kept: int = 1) -> str:
        """Keep a ticket that is to be mailed, among so many of its owner; its token.

        No request waits for it, so it has the time of one from now on.
        """
        token, made = self.tokens.make("ticket")
        ticket = Ticket(made.token_hash, kind, owner, payload, after(self.now(), lasts_s))
        await self.tickets.issue(ticket, self.clock.monotonic_s() + REQUEST_DEADLINE_S, kept=kept)
        return token

    def refuse_token(self, request: Request, event: Event) -> Refused:
        """Tell that a mailed token opened nothing; the refusal."""
        self.events.tell(event, request)
        return Refused("invalid_credentials", USED_UP)

    def require_cookies(self) -> Cookies:
        """The cookies of the service. Raises Refused validation_failed where signing in by one is not set."""
        if self.cookies is None:
            raise Refused("validation_failed", details=[detail("cookie", "not_in_choices", "Cookies are not in use here.")])
        return self.cookies

    async def sign_in(self, request: Request, user: Credentials, *, password: str | None, cookie: bool) -> Reply:
        """Open a session and answer with its tokens, or with one in a cookie.

        Raises Refused invalid_credentials where the user is not active any more, or the hash of their password is another than this one
        (None: whatever it is).
        """
        now = self.now()
        if cookie:
            text, token = self.tokens.make("access", after(now, COOKIE_SESSION_S))
            session_id = await self._open(request, user, password, (token,), COOKIE_SESSION_S, COOKIE_SESSION_S)
            data = {"access_token": None, "refresh_token": None, "expires_in": COOKIE_SESSION_S, "token_type": "Cookie"}
            reply = self.answer(request, data)
            reply.headers += (Cookies.set(text, COOKIE_SESSION_S),)
        else:
            pair = self.make_pair(now)
            session_id = await self._open(request, user, password, pair.kept, REFRESH_TOKEN_S, SESSION_S)
            reply = self.answer_pair(request, pair)
        self.events.tell(Event.SIGNED_IN, request, user_id=user.user_id, session_id=session_id)
        return reply

    async def _open(
        self, request: Request, user: Credentials, password: str | None, tokens: Sequence[NewToken], lasts_s: int, limit_s: int
    ) -> RecordId:
        now = self.now()
        agent = (request.head.header("user-agent") or "")[:AGENT_LENGTH_MAX] or None
        session = NewSession(
            id=self.ids.make(),
            user_id=user.user_id,
            kind="login",
            name=None,
            created_at=now,
            expires_at=after(now, lasts_s),
            limit_at=after(now, limit_s),
            agent=agent,
            address=request.head.peer,
        )
        if not await request.time_store(self.sessions.open(session, tokens, password, request.deadline_s)):
            raise Refused("invalid_credentials")
        return session.id


def email_of(user: Credentials) -> str:
    """The address of a user."""
    return str(msgspec.json.decode(user.image)["email"])
