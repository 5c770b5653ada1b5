"""Registration: whoever has an address may make an account with it. The record is made when the address has been shown to be theirs.

Until then nothing of it is a user, and the answer is the same whether the address has an account or not: only its mailbox learns.
Whoever registers an address that is not theirs voids nothing: registrations of one address wait side by side, and its owner's password
tells which of them is theirs. Once one has made the account the others are void.
"""

from collections.abc import Mapping

import msgspec

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.base.limits import PENDING_REGISTRATIONS_MAX, VERIFY_TOKEN_S
from holdfast.core.exchange import Reply
from holdfast.core.plan import Create, TicketUse, Update, Write, WriteStep
from holdfast.core.view import View
from holdfast.engine.auth.desk import Desk, email_of
from holdfast.engine.auth.events import Event
from holdfast.engine.auth.post import Post
from holdfast.engine.request import Request
from holdfast.engine.sealing import Sealing, sealing_for
from holdfast.ports.accounts import Ticket
from holdfast.ports.store import Store

KIND_NEW, KIND_KNOWN = "register", "verify"


class Registration:
    """The handlers of register and verify-email. `whole` is the view of all that is shown of a user."""

    def __init__(self, desk: Desk, whole: View, store: Store, post: Post) -> None:
        self._desk, self._view, self._store, self._post = desk, whole, store, post
        self._sealing = Sealing(whole.resource, desk.secrets)

    async def register(self, request: Request, body: bytes) -> Reply:
        """Take an address and a password, and mail a token to the address."""
        desk = self._desk
        desk.take_address(request)
        values = desk.bodies.read_registration(desk.read(request, body))
        email = str(values["email"])
        desk.take_account(request, email)
        async with sealing_for(request, self._sealing.count_hashes([values])):
            sealed = await self._sealing.seal(values)
        known = desk.sessions.find_by_email(email) is not None
        self._post.start((lambda: self._post.tell_known(email)) if known else (lambda: self._mail_new(sealed)))
        desk.events.tell(Event.REGISTERED, request)
        return desk.answer(request, None)

    async def verify(self, request: Request, body: bytes) -> Reply:
        """Take a token that was mailed: the account is made, or the address of one is verified. Without a token, mail one to who asks.

        A password that comes with it must be the account's: whoever registered somebody else's address chose another. So it has to come
        where several registered.
        """
        desk = self._desk
        sent = desk.bodies.read_verification(desk.read(request, body))
        if sent.token is None:
            return self._ask(request)
        desk.take_address(request)
        ticket_hash, deadline_s = desk.tokens.hash(sent.token), request.deadline_s
        for kind in (KIND_NEW, KIND_KNOWN):
            ticket = desk.tickets.find_ticket(ticket_hash, kind, desk.now())
            if ticket is not None:
                password, step = self._settle(request, ticket)
                if sent.password is not None:
                    await self._compare(request, ticket, password, sent.password)
                use = TicketUse(ticket_hash, alone=sent.password is None)
                await self._write(request, Write((step,), None, request.request_id, desk.now(), deadline_s, ticket=use))
                desk.events.tell(Event.EMAIL_VERIFIED, request, user_id=step.id)
                return desk.answer(request, None)
        raise desk.refuse_token(request, Event.EMAIL_REFUSED)

    def _ask(self, request: Request) -> Reply:
        desk = self._desk
        user = desk.require_credentials(desk.require(request))
        email = email_of(user)
        desk.take_account(request, email)
        self._post.start(lambda: self._mail_known(email, user.user_id))
        return desk.answer(request, None)

    async def _write(self, request: Request, write: Write) -> None:
        try:
            await request.time_store(self._store.write(write))
        except Refused:
            self._desk.events.tell(Event.EMAIL_REFUSED, request)
            raise

    async def _compare(self, request: Request, ticket: Ticket, password: str | None, sent: str) -> None:
        desk = self._desk
        if ticket.kind == KIND_NEW:  # not on its address, which anyone may register as often as is allowed
            desk.take_ticket(request, ticket)
        else:
            desk.take_account(request, ticket.payload)
        if not await desk.secrets.verify(password, sent):
            desk.events.tell(Event.EMAIL_REFUSED, request)
            raise Refused("invalid_credentials", "The password is not that of the account.")

    def _settle(self, request: Request, ticket: Ticket) -> tuple[str | None, WriteStep]:
        """The password of whose token was shown, and what it does: it makes the user, or verifies the address of one."""
        if ticket.kind == KIND_NEW:
            values = {**msgspec.json.decode(ticket.payload), "email_verified": 1}
            return values["password"], Create(self._desk.ids.make(), self._view, values, known=request.grants.names)
        user = self._desk.sessions.find_by_id(RecordId(ticket.owner or ""))
        if user is None or email_of(user) != ticket.payload:
            raise self._desk.refuse_token(request, Event.EMAIL_REFUSED)
        step = Update(user.user_id, self._view, {"email_verified": 1}, version=user.user_version, stale=409)
        return user.password, step

    async def _mail_new(self, values: Mapping[str, object]) -> None:
        email = str(values["email"])
        payload = msgspec.json.encode(values).decode()
        await self._post.verify(email, await self._desk.issue(KIND_NEW, email, payload, VERIFY_TOKEN_S, kept=PENDING_REGISTRATIONS_MAX))

    async def _mail_known(self, email: str, user_id: RecordId) -> None:
        await self._post.verify(email, await self._desk.issue(KIND_KNOWN, user_id, email, VERIFY_TOKEN_S))
