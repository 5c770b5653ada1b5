"""A forgotten password: a token is mailed to the address of the account, and one new password may be chosen with it."""

from holdfast.base.ids import RecordId
from holdfast.base.limits import RESET_TOKEN_S
from holdfast.core.exchange import Reply
from holdfast.core.plan import TicketUse, Update, Write
from holdfast.core.view import View
from holdfast.engine.auth.desk import Desk, email_of
from holdfast.engine.auth.events import Event
from holdfast.engine.auth.post import Post
from holdfast.engine.request import Request
from holdfast.ports.accounts import RESET, Credentials, Ticket
from holdfast.ports.store import Store


class Recovery:
    """The handlers of reset. `whole` is the view of all that is shown of a user."""

    def __init__(self, desk: Desk, whole: View, store: Store, post: Post) -> None:
        self._desk, self._view, self._store, self._post = desk, whole, store, post

    async def ask(self, request: Request, body: bytes) -> Reply:
        """Mail a token, if there is such a user; the answer is the same if not, and comes before anything is done."""
        desk = self._desk
        desk.take_address(request)
        email = desk.bodies.read_email(desk.read(request, body))
        desk.take_account(request, email)
        user = desk.sessions.find_by_email(email)
        if user is not None and user.active:
            self._post.start(lambda: self._mail(email, user))
        desk.events.tell(Event.RESET_ASKED, request, user_id=None if user is None else user.user_id)
        return desk.answer(request, None)

    async def confirm(self, request: Request, body: bytes) -> Reply:
        """Take the token and the new password. Every session of the user ends."""
        desk = self._desk
        desk.take_address(request)
        sent = desk.bodies.read_reset(desk.read(request, body))
        ticket_hash, now = desk.tokens.hash(sent.token), desk.now()
        ticket = desk.tickets.find_ticket(ticket_hash, RESET, now)
        user = None if ticket is None else self._user_of(ticket)
        if user is None:
            raise desk.refuse_token(request, Event.RESET_REFUSED)
        email = email_of(user)
        desk.bodies.check_context(sent.password, email, ".password")
        sealed = await desk.secrets.seal("hashed", sent.password)
        step = Update(user.user_id, self._view, {"password": sealed, "email_verified": 1}, version=user.user_version, stale=409)
        write = Write((step,), user.user_id, request.request_id, desk.now(), request.deadline_s, ticket=TicketUse(ticket_hash))
        await request.time_store(self._store.write(write))
        desk.events.tell(Event.PASSWORD_CHANGED, request, user_id=user.user_id)
        return desk.answer(request, None)

    def _user_of(self, ticket: Ticket) -> Credentials | None:
        """The user of a token, if the address that it was mailed to is still theirs."""
        user = self._desk.sessions.find_by_id(RecordId(ticket.owner or ""))
        return user if user is not None and user.active and email_of(user) == ticket.payload else None

    async def _mail(self, email: str, user: Credentials) -> None:
        await self._post.reset(email, await self._desk.issue(RESET, user.user_id, email, RESET_TOKEN_S))
