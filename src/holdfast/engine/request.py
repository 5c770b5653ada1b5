"""One request on its way: what was asked, by which route, under which id, and what it has cost so far."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

import msgspec

from holdfast.base.errors import Answerable, Refused, Unavailable
from holdfast.base.ids import ABSENT_ID, RecordId, parse_uuid
from holdfast.base.limits import BODY_BYTES_MAX, REQUEST_DEADLINE_S
from holdfast.base.observe import Observation
from holdfast.core.actor import Actor
from holdfast.core.exchange import Head, Reply
from holdfast.core.negotiate import TAKES_JSON, check_content_encoding, read_accept
from holdfast.core.permit import Grants
from holdfast.core.plan import CallerChanged
from holdfast.core.reply import Replies
from holdfast.core.routes import Route
from holdfast.engine.identity import Identities, Known
from holdfast.engine.notice import Notice
from holdfast.engine.quota import Quota
from holdfast.ports.world import Clock

Value = TypeVar("Value")

Handler = Callable[["Request", bytes], Reply | Awaitable[Reply]]
"""What answers a route once the body is whole. Raises Answerable to refuse."""

CLIENT_GONE = 499
"""The status in log and metrics of a request whose client left before its answer; never sent."""

_CHANGES_MAX = 5  # times that an identity may change under one request

_LOGGED_PATH_LENGTH_MAX = 256
_LOGGED_FAULTS_MAX = 20
_LOGGED_NAME_LENGTH_MAX = 64


class Surroundings(Protocol):
    """What every request needs of the engine that let it in."""

    clock: Clock
    replies: Replies
    quota: Quota
    identities: Identities
    in_flight: int

    def tell(self, observation: Observation, /) -> None:
        """Take the Observation of a finished request."""
        ...

    def miss(self, path: str, /) -> Refused:
        """The refusal of a path at which nothing is."""
        ...


class Request(msgspec.Struct, eq=False):
    """A request that was let in (core.exchange.Exchange). `answer` is called once.

    around         the engine
    notice         what its head tells beside what it asks
    handler        answers the route
    known          who asks
    quota_key      who it is counted for (core.rate.limit_key); b"" where it is not counted
    limit_lines    what its answer says about the caller's quota; None until it is counted
    charged        how many requests it was counted as
    cost           how many it turned out to be, as far as the present attempt to answer it has come
    refused        why it is refused whatever it asks: it could not be counted
    """

    around: Surroundings
    head: Head
    notice: Notice
    path: str
    query: str
    request_id: str
    route: Route
    parameter: str
    handler: Handler
    known: Known
    body_bytes_max: int = BODY_BYTES_MAX
    quota_key: bytes = b""
    limit_lines: bytes | None = None
    charged: int = 1
    cost: int = 1
    refused: Answerable | None = None
    bytes_in: int = 0
    store_s: float = 0.0

    def answer(self, body: bytes) -> Reply | Awaitable[Reply]:
        """Answer the whole request: at once where nothing waits. Never raises."""
        self.bytes_in = len(body)
        try:
            self.count()
            if self.refused is not None:
                return self._fail(self.refused)
            if body:
                check_content_encoding(self.head.header("content-encoding"))
            reply = self.handler(self, body)
        except CallerChanged:
            return self._answer_later(self._answer_anew(body), body)
        except Exception as error:  # noqa: BLE001 - the one place where whatever was raised becomes an answer
            return self._answer_later(self._answer_anew(body), body) if self._is_outdated(error) else self._fail(error)
        return self._finish(reply) if isinstance(reply, Reply) else self._answer_later(reply, body)

    def count(self) -> None:
        """Count it for its caller, unless that is done; who has no quota left is refused by `answer`."""
        if self.limit_lines is None:
            self.limit_lines = b""
            if self.quota_key:
                try:
                    self.limit_lines = self.around.quota.charge(self.quota_key)
                except Answerable as error:
                    self.refused = error

    def turn_away(self, error: Answerable) -> Reply:
        """The reply to a request that is not let in, with everything that its answer would say beside."""
        return self._fail(error)

    def refuse(self, code: str, message: str | None = None) -> Reply:
        """The reply to a fault that the door found in the body."""
        reply = self._fail(Refused(code, message), () if message is None else (message,))
        reply.close = True
        return reply

    @property
    def record_id(self) -> RecordId:
        """The id in the path; ABSENT_ID if it is malformed."""
        return parse_uuid(self.parameter) or ABSENT_ID

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.known.grants.actor

    @property
    def grants(self) -> Grants:
        """What they are granted."""
        return self.known.grants

    def renew(self) -> None:
        """Find anew who asks, for an answer that goes on for long. Raises Refused where the credentials are no longer good."""
        self.known = self.around.identities.renew(self.head)

    def require_granted(self) -> None:
        """Refuse what is granted on no row of the route's resource: 401 unauthenticated, 403 forbidden.

        A list by a reference that is shown in no row is not there at all.
        """
        route = self.route
        if route.verb is None or route.resource is None:
            return
        if route.reverse is not None and route.reverse.member in self.known.grants.on(route.resource).hidden:
            raise self.around.miss(self.path)
        self.known.grants.require(route.verb, route.resource)

    def admit(self) -> None:
        """Refuse what is granted on no row, to who asks as they are now."""
        try:
            self.require_granted()
        except Refused as refused:
            if not self._is_outdated(refused):
                raise
            self.known = self.around.identities.find_again(self.head, self.known)
            self.require_granted()

    def require_json_answer(self) -> None:
        """Refuse a caller who takes no JSON: 406 not_acceptable."""
        accept = self.head.headers.get("accept")
        if accept is not None and accept not in TAKES_JSON and not read_accept(accept).data:
            raise Refused("not_acceptable")

    def charge_more(self, cost: int) -> None:
        """Count what the request turned out to be beside what it was let in as. Raises Refused (rate_limited).

        What an answer that is made anew finds again is not counted again.
        """
        self.cost += cost
        if self.cost > self.charged:
            self.limit_lines = b""  # a refusal carries its own
            self.limit_lines = self.around.quota.charge_more(self.quota_key, self.charged, self.cost)
            self.charged = self.cost

    @property
    def deadline_s(self) -> float:
        """The monotonic time at which it must be done."""
        return self.head.received_s + REQUEST_DEADLINE_S

    @asynccontextmanager
    async def within_deadline(self) -> AsyncIterator[None]:
        """Stop what is done in it at the deadline. Raises Unavailable (deadline_exceeded)."""
        try:
            async with asyncio.timeout(self.deadline_s - self.around.clock.monotonic_s()):
                yield
        except TimeoutError as error:
            raise Unavailable("deadline_exceeded") from error

    async def time_store(self, waiting: Awaitable[Value]) -> Value:
        """Wait for the store, and count the time as the store's."""
        started_s = self.around.clock.monotonic_s()
        try:
            return await waiting
        finally:
            self.store_s += self.around.clock.monotonic_s() - started_s

    async def _answer_later(self, waiting: Awaitable[Reply], body: bytes) -> Reply:
        self.around.in_flight += 1
        try:
            try:
                reply = await waiting
            except (CallerChanged, Refused) as error:
                if not self._is_outdated(error):
                    raise
                reply = await self._answer_anew(body)
        except Exception as error:  # noqa: BLE001 - as in answer
            return self._fail(error)
        except BaseException:
            self._tell(CLIENT_GONE, None, 0, None)
            raise
        finally:
            self.around.in_flight -= 1
        return self._finish(reply)

    def _is_outdated(self, error: Exception) -> bool:
        """Whether an error follows from who asked as they were. Of what is refused before the store is asked nothing else would tell."""
        return isinstance(error, CallerChanged) or (isinstance(error, Refused) and not self.around.identities.is_current(self.known))

    async def _answer_anew(self, body: bytes) -> Reply:
        """Answer again, from who asks now: the identity that the plan was made from has changed."""
        for _ in range(_CHANGES_MAX):
            self.known = self.around.identities.find_again(self.head, self.known)
            self.require_granted()
            self.cost = 1
            try:
                reply = self.handler(self, body)
                return reply if isinstance(reply, Reply) else await reply
            except CallerChanged:
                continue
        raise Unavailable("overloaded")

    def _fail(self, error: Exception, faults: tuple[str, ...] = ()) -> Reply:
        problem = read_accept(self.head.header("accept")).problem
        if isinstance(error, Answerable):
            cause = _describe(error) if error.status >= 500 else None
            faults += tuple(f"{each.field[:_LOGGED_NAME_LENGTH_MAX]}: {each.code}" for each in error.details[:_LOGGED_FAULTS_MAX])
            return self._finish(self.around.replies.error(error, self.request_id, problem=problem), error.code, cause, faults)
        return self._finish(self.around.replies.broken(self.request_id, problem=problem), "internal_error", _describe(error))

    def _finish(self, reply: Reply, code: str | None = None, cause: str | None = None, faults: tuple[str, ...] = ()) -> Reply:
        if self.head.method == "HEAD":
            reply.bare = True
        reply.lines = self.limit_lines or b""
        if self.notice.headers:
            reply.headers += self.notice.headers
        self._tell(reply.status, code, len(reply.body) if isinstance(reply.body, bytes) else 0, cause, faults)
        return reply

    def _tell(self, status: int, code: str | None, bytes_out: int, cause: str | None, faults: tuple[str, ...] = ()) -> None:
        clock, head = self.around.clock, self.head
        self.around.tell(
            Observation(
                self.request_id,
                clock.now(),
                head.method,
                self.route.template,
                self.path[:_LOGGED_PATH_LENGTH_MAX],
                status,
                code,
                clock.monotonic_s() - head.received_s,
                self.store_s,
                self.bytes_in,
                bytes_out,
                head.peer,
                cause,
                faults,
                _name_parameters(self.query) if self.query and 400 <= status < 500 else (),
                self.notice.trace,
            )
        )


def _name_parameters(query: str) -> tuple[str, ...]:
    """The names in a query string, as they were sent: of a refused one nothing says that it can be decoded."""
    parts = query.split("&", _LOGGED_FAULTS_MAX)[:_LOGGED_FAULTS_MAX]
    return tuple(part.partition("=")[0][:_LOGGED_NAME_LENGTH_MAX] for part in parts if part)


def _describe(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
