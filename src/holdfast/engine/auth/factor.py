"""The second factor: a code that an authenticator shows, beside the password; and codes on paper for who has lost it."""

from base64 import b32encode

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.core.exchange import Reply
from holdfast.core.totp import SECRET_BITS, build_uri, find_step
from holdfast.engine.auth.desk import Desk, email_of
from holdfast.engine.auth.events import Event
from holdfast.engine.request import Request
from holdfast.ports.accounts import RECOVERY, Credentials, Factors, Ticket
from holdfast.ports.world import Entropy

RECOVERY_CODES = 10
_CODE_BYTES = 10  # 80 bits: nobody guesses one, so a plain keyed hash is enough


class SecondFactor:
    """The handlers of totp, and the judge of codes at a sign-in."""

    def __init__(self, desk: Desk, factors: Factors, entropy: Entropy, issuer: str) -> None:
        self._desk, self._factors, self._entropy, self._issuer = desk, factors, entropy, issuer

    async def enrol(self, request: Request, body: bytes) -> Reply:
        """Make a secret for an authenticator. It counts once a code of it was sent."""
        desk = self._desk
        user = await self._authenticate(request, desk.bodies.read_password_alone(desk.read(request, body)))
        secret = self._encode(SECRET_BITS // 8)
        sealed = await desk.secrets.seal("encrypted", secret)
        if not await request.time_store(self._factors.enrol(user.user_id, sealed, request.deadline_s)):
            raise Refused("unique_conflict", "There is a second factor already.", hint="Disable it first.")
        desk.events.tell(Event.FACTOR_ENROLLED, request, user_id=user.user_id)
        email = email_of(user)
        return desk.answer(request, {"secret": secret, "uri": build_uri(secret, email, self._issuer)})

    async def confirm(self, request: Request, body: bytes) -> Reply:
        """Take the first code: from now on sign-ins need one. The codes for an emergency are shown once."""
        desk = self._desk
        user = desk.require_credentials(desk.require(request))
        code = desk.bodies.read_code(desk.read(request, body))
        desk.take_account(request, email_of(user))
        factor = self._factors.find_factor(user.user_id)
        step = None if factor is None or factor.confirmed else find_step(desk.secrets.unseal(factor.secret), code, desk.now())
        codes = [self._encode(_CODE_BYTES).lower() for _ in range(RECOVERY_CODES)]
        kept = [Ticket(self._hash(user.user_id, each), RECOVERY, user.user_id, "", None) for each in codes]
        if step is None or not await request.time_store(self._factors.confirm(user.user_id, step, kept, desk.now(), request.deadline_s)):
            desk.events.tell(Event.FACTOR_REFUSED, request, user_id=user.user_id)
            raise Refused("invalid_credentials", "The code is not one of the authenticator that was enrolled.")
        desk.events.tell(Event.FACTOR_CONFIRMED, request, user_id=user.user_id)
        return desk.answer(request, {"recovery_codes": codes})

    async def disable(self, request: Request, body: bytes) -> Reply:
        """Take the second factor away, by password and a code."""
        desk = self._desk
        sent = desk.bodies.read_disabling(desk.read(request, body))
        user = await self._authenticate(request, sent.password)
        if not await self.judge(request, user, sent.totp):
            desk.events.tell(Event.FACTOR_REFUSED, request, user_id=user.user_id)
            raise Refused("invalid_credentials")
        await request.time_store(self._factors.disable(user.user_id, request.deadline_s))
        desk.events.tell(Event.FACTOR_DISABLED, request, user_id=user.user_id)
        return desk.answer(request, None)

    async def judge(self, request: Request, user: Credentials, code: str | None) -> bool:
        """Whether a user's second factor is satisfied, if they have one. Raises Refused totp_required where a code is needed."""
        desk = self._desk
        factor = self._factors.find_factor(user.user_id)
        if factor is None or not factor.confirmed:
            return True
        if code is None:
            desk.events.tell(Event.CODE_ASKED, request, user_id=user.user_id)
            raise Refused("totp_required")
        step = find_step(desk.secrets.unseal(factor.secret), code, desk.now())
        if step is not None:
            return await request.time_store(self._factors.use_step(user.user_id, step, request.deadline_s))
        ticket_hash = self._hash(user.user_id, code.strip().lower())
        return await request.time_store(desk.tickets.redeem(ticket_hash, RECOVERY, desk.now(), request.deadline_s)) is not None

    async def _authenticate(self, request: Request, password: str) -> Credentials:
        desk = self._desk
        user = desk.require_credentials(desk.require(request))
        desk.take_account(request, email_of(user))
        if not await desk.secrets.verify(user.password, password):
            desk.events.tell(Event.FACTOR_REFUSED, request, user_id=user.user_id)
            raise Refused("invalid_credentials")
        return user

    def _hash(self, user_id: RecordId, code: str) -> bytes:
        """A recovery code is one user's own: the same text of another is another."""
        return self._desk.tokens.hash(f"{user_id} {code}")

    def _encode(self, count: int) -> str:
        return b32encode(self._entropy.bits(count * 8).to_bytes(count, "big")).decode()
