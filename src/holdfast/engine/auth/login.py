"""Signing in, staying signed in, signing out."""

from holdfast.base.errors import Refused, Unavailable
from holdfast.core.account_bodies import SignIn
from holdfast.core.credentials import Cookies
from holdfast.core.exchange import Reply
from holdfast.engine.auth.desk import Desk
from holdfast.engine.auth.events import Event
from holdfast.engine.auth.factor import SecondFactor
from holdfast.engine.request import Request
from holdfast.ports.accounts import Credentials, Turned


class Login:
    """The handlers of login, refresh and logout."""

    def __init__(self, desk: Desk, factor: SecondFactor) -> None:
        self._desk, self._factor = desk, factor

    async def login(self, request: Request, body: bytes) -> Reply:
        """Sign in by e-mail address and password.

        Unknown user, wrong password, no password, not active: one answer, and one hash computed for each.
        """
        desk = self._desk
        desk.take_address(request)
        sent = desk.bodies.read_sign_in(desk.read(request, body))
        if sent.cookie:
            desk.require_cookies().check(request.head)
        desk.take_account(request, sent.email)
        user = await self._verify(sent)
        if user is None or not await self._factor.judge(request, user, sent.totp):
            desk.events.tell(Event.SIGN_IN_REFUSED, request, user_id=_id_of(desk.sessions.find_by_email(sent.email)))
            raise Refused("invalid_credentials")
        password = await self._rehash(request, user, sent.password)
        return await desk.sign_in(request, user, password=password, cookie=sent.cookie)

    async def refresh(self, request: Request, body: bytes) -> Reply:
        """Trade a refresh token for a new pair of tokens."""
        desk = self._desk
        token = desk.bodies.read_refresh(desk.read(request, body))
        now = desk.now()
        pair = desk.make_pair(now)
        turned, session_id, user_id = await request.time_store(
            desk.sessions.rotate(desk.tokens.hash(token), pair.kept, now, request.deadline_s)
        )
        if turned is Turned.ROTATED:
            return desk.answer_pair(request, pair)
        event = Event.REFRESH_REUSED if turned is Turned.REUSED else Event.REFRESH_REFUSED
        desk.events.tell(event, request, user_id=user_id, session_id=session_id)
        raise Refused("invalid_credentials", hint="Sign in again.")

    async def logout(self, request: Request, body: bytes) -> Reply:
        """Revoke the session of the token that was sent. A key is none: a program that tidies up behind itself shall not end it."""
        desk = self._desk
        user_id, session_id, _ = desk.require(request)
        if body:
            desk.bodies.read_nothing(desk.read(request, body))
        if any(each.id == session_id and each.kind == "key" for each in desk.sessions.list_sessions(user_id, desk.now())):
            raise Refused("forbidden", "A key does not sign in, so it cannot sign out.", hint="`holdfast key revoke` ends a key.")
        await request.time_store(desk.sessions.revoke(user_id, session_id, desk.now(), request.deadline_s))
        desk.events.tell(Event.SIGNED_OUT, request, user_id=user_id, session_id=session_id)
        reply = desk.answer(request, None)
        if desk.cookies is not None:
            reply.headers += (Cookies.clear(),)
        return reply

    async def _verify(self, sent: SignIn) -> Credentials | None:
        user = self._desk.sessions.find_by_email(sent.email)
        password = user.password if user is not None and user.active else None
        return user if await self._desk.secrets.verify(password, sent.password) else None

    async def _rehash(self, request: Request, user: Credentials, text: str) -> str | None:
        """Keep a hash by today's parameters where the known one is by others; the hash that is kept then."""
        desk, old = self._desk, user.password
        if old is None or not desk.secrets.needs_rehash(old):
            return old
        try:
            new = await desk.secrets.seal("hashed", text)
        except Unavailable:  # others fill the places for what is to be stored: a later sign-in will find one
            return old
        if await request.time_store(desk.sessions.rehash(user, new, request.request_id, desk.now(), request.deadline_s)):
            return new
        again = desk.sessions.find_by_id(user.user_id)  # perhaps another sign-in of theirs, at the same moment, was quicker
        return again.password if again is not None and await desk.secrets.verify(again.password, text) else old


def _id_of(user: Credentials | None) -> str | None:
    return None if user is None else user.user_id
