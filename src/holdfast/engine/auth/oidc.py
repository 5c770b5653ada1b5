"""Signing in at an OpenID provider: authorization code with PKCE.

A sign-in is one browser's: the ticket is found by the state in the URL and a cookie together, so neither opens anything without the other.
Nonce and PKCE verifier follow from both, by the key; they are not kept.
"""

from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import parse_qsl

import msgspec

from holdfast.base.base64url import encode_base64url
from holdfast.base.errors import Refused
from holdfast.base.instant import after
from holdfast.base.limits import OIDC_PARAMETER_LENGTH_MAX, OIDC_STATE_S
from holdfast.core.credentials import find_cookie, set_cookie
from holdfast.core.exchange import Reply
from holdfast.core.plan import Create, Write
from holdfast.core.view import view_of_id
from holdfast.engine.auth.desk import Desk
from holdfast.engine.auth.events import Event
from holdfast.engine.auth.factor import SecondFactor
from holdfast.engine.request import Request
from holdfast.engine.sealing import Sealing, sealing_for
from holdfast.model.catalog import ResourceSpec
from holdfast.ports.accounts import Credentials, Links, Ticket
from holdfast.ports.oidc import Provider, Vouched
from holdfast.ports.store import Store
from holdfast.ports.world import Entropy

KIND = "oidc"
COOKIE = "__Host-hf-oidc"


class Oidc:
    """The handlers of start and callback.

    registration  who has no account gets one
    app_url       where a browser goes that keeps its session in a cookie: it is set, and nothing that is sent can change it
    """

    def __init__(
        self,
        desk: Desk,
        users: ResourceSpec,
        store: Store,
        links: Links,
        factor: SecondFactor,
        entropy: Entropy,
        providers: Mapping[str, Provider],
        *,
        registration: bool,
        app_url: str,
    ) -> None:
        self._desk, self._store, self._links, self._factor, self._entropy = desk, store, links, factor, entropy
        self._providers, self._registration, self._app_url = providers, registration, app_url
        self._sealing = Sealing(users, desk.secrets)
        self._view = view_of_id(users)

    async def start(self, request: Request, _body: bytes) -> Reply:
        """Send a browser to the provider."""
        desk, provider = self._desk, self._find(request)
        desk.take_address(request)
        cookie = _read_cookie_wish(request)
        if cookie:
            desk.require_cookies()
        state, bound = self._draw(), self._draw()
        challenge = encode_base64url(sha256(self._derive("verifier", state, bound).encode()).digest())
        place = await provider.begin(state, self._derive("nonce", state, bound), challenge, request.deadline_s)
        expires_at = after(desk.now(), OIDC_STATE_S)
        ticket = Ticket(self._hash(request, state, bound), KIND, None, "cookie" if cookie else "", expires_at)
        await request.time_store(desk.tickets.issue(ticket, request.deadline_s))
        reply = desk.answer(request, None, status=302)
        reply.headers += (("location", place), _set_cookie(bound, OIDC_STATE_S))
        return reply

    async def callback(self, request: Request, _body: bytes) -> Reply:
        """Take the browser back, with the code of the provider: the session is opened."""
        desk, provider = self._desk, self._find(request)
        request.require_json_answer()
        desk.take_address(request)
        sent, bound = _read_query(request.query), find_cookie(request.head, COOKIE) or ""
        state, code = sent.get("state", ""), sent.get("code", "")
        ticket_hash = self._hash(request, state, bound)
        ticket = await request.time_store(desk.tickets.redeem(ticket_hash, KIND, desk.now(), request.deadline_s))
        if ticket is None or not state or not bound:
            desk.events.tell(Event.SIGN_IN_REFUSED, request)
            raise Refused("invalid_credentials", "This sign-in was not begun in this browser, or is over.", hint="Begin it again.")
        try:
            user = await self._settle(request, provider, sent, code, state, bound)
        except Refused:
            desk.events.tell(Event.SIGN_IN_REFUSED, request)
            raise
        by_cookie = ticket.payload == "cookie"
        reply = await desk.sign_in(request, user, password=None, cookie=by_cookie)
        if by_cookie:
            reply.status = 303
            reply.headers += (("location", self._app_url),)
        reply.headers += (_set_cookie("", 0),)
        return reply

    async def _settle(
        self, request: Request, provider: Provider, sent: Mapping[str, str], code: str, state: str, bound: str
    ) -> Credentials:
        if not code or sent.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
            raise Refused("invalid_credentials", "The provider did not vouch for a user.", hint="Begin the sign-in again.")
        verifier, nonce = self._derive("verifier", state, bound), self._derive("nonce", state, bound)
        vouched = await provider.finish(code, verifier, nonce, request.deadline_s)
        return await self._admit(request, provider, vouched)

    async def _admit(self, request: Request, provider: Provider, vouched: Vouched) -> Credentials:
        """The user whom a provider vouches for: linked before, or now by an address that both sides say is verified, or new."""
        desk = self._desk
        linked = self._links.find_link(provider.issuer, vouched.subject)
        if linked is not None:
            user = desk.sessions.find_by_id(linked)
        else:
            email = self._read_email(vouched)
            user = desk.sessions.find_by_email(email) or await self._register(request, email)
            if not msgspec.json.decode(user.image)["email_verified"]:
                raise Refused("invalid_credentials", "The address of this account was never verified.", hint="Verify it first.")
        if user is None or not user.active:
            raise Refused("invalid_credentials")
        await self._require_no_factor(request, user)
        if linked is None and not await request.time_store(
            self._links.link(provider.issuer, vouched.subject, user.user_id, user.user_version, request.deadline_s)
        ):
            raise Refused("invalid_credentials", hint="Begin the sign-in again.")
        return user

    async def _register(self, request: Request, email: str) -> Credentials:
        desk = self._desk
        if not self._registration:
            raise Refused("invalid_credentials", "There is no account for this address.")
        given = desk.bodies.read_newcomer(email)
        async with sealing_for(request, self._sealing.count_hashes([given])):
            values = await self._sealing.seal(given)
        step = Create(desk.ids.make(), self._view, values, known=request.grants.names)
        await request.time_store(self._store.write(Write((step,), None, request.request_id, desk.now(), request.deadline_s)))
        desk.events.tell(Event.REGISTERED, request, user_id=step.id)
        user = desk.sessions.find_by_id(step.id)
        if user is None:
            raise Refused("invalid_credentials")
        return user

    async def _require_no_factor(self, request: Request, user: Credentials) -> None:
        try:
            await self._factor.judge(request, user, None)
        except Refused:
            hint = "Sign in by password and code."
            raise Refused("totp_required", "This account has a second factor, which a provider does not ask for.", hint=hint) from None

    def _read_email(self, vouched: Vouched) -> str:
        try:
            return self._desk.bodies.read_email({"email": vouched.email})
        except Refused:
            raise Refused("invalid_credentials", "The provider does not say that the address is verified.") from None

    def _find(self, request: Request) -> Provider:
        provider = self._providers.get(request.parameter)
        if provider is None:
            raise Refused("not_found")
        return provider

    def _draw(self) -> str:
        return encode_base64url(self._entropy.bits(256).to_bytes(32, "big"))

    def _derive(self, use: str, state: str, bound: str) -> str:
        halves = (self._desk.secrets.sign(f"oidc-{use}-{each}", f"{state} {bound}".encode("utf-8", "replace")) for each in (1, 2))
        return encode_base64url(b"".join(halves))

    def _hash(self, request: Request, state: str, bound: str) -> bytes:
        return self._desk.tokens.hash(f"oidc {request.parameter} {state} {bound}")


def _set_cookie(value: str, lasts_s: int) -> tuple[str, str]:
    """Lax: the way back from the provider begins on its page."""
    return set_cookie(COOKIE, value, lasts_s, "Lax")


def _read_query(query: str) -> dict[str, str]:
    """What the provider sent; members that nobody asked for are left alone (RFC 6749, 4.1.2)."""
    pairs = parse_qsl(query, keep_blank_values=True)
    sent = dict(pairs)
    if len(sent) != len(pairs) or any(len(value) > OIDC_PARAMETER_LENGTH_MAX for value in sent.values()):
        raise Refused("unknown_parameter", "A parameter is given twice, or is too long.")
    return sent


def _read_cookie_wish(request: Request) -> bool:
    if request.query not in ("", "cookie=true", "cookie=false"):
        raise Refused("unknown_parameter", hint="`cookie=true` is all that may be asked for.")
    return request.query == "cookie=true"
