"""The front of the engine: lets a request in by its head, and sees that every answer leaves through one place.

head -> route -> admit -> [receive body: the door] -> the route's handler -> reply
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, suppress
from urllib.parse import unquote_to_bytes

from holdfast.base.errors import Answerable, Refused, Unavailable
from holdfast.base.hint import find_nearest
from holdfast.base.limits import BODY_BYTES_MAX, IN_FLIGHT_REQUESTS_MAX
from holdfast.base.observe import Observation
from holdfast.core.cors import preflight_headers
from holdfast.core.credentials import refuse_in_query
from holdfast.core.exchange import Exchange, Head, Reply
from holdfast.core.negotiate import keep_request_id, read_accept
from holdfast.core.rate import limit_key
from holdfast.core.reply import Replies
from holdfast.core.routes import API, Action, PathItem, Route, Router
from holdfast.engine.identity import Identities
from holdfast.engine.notice import NOTHING, Notice, Notices
from holdfast.engine.quota import Quota
from holdfast.engine.request import Handler, Request
from holdfast.ports.world import Clock, Entropy

_LENGTH_DIGITS_MAX = 18  # of a Content-Length that is a number at all
_DOCS = "/docs"
_ALWAYS_ADMITTED = frozenset({Action.HEALTH, Action.READY, Action.METRICS})


class Engine:
    """Answers the requests of one worker (core.exchange.Service).

    routes    every route, with the handler of each
    tell      takes the Observation of every finished request
    quota     how much a caller may ask
    notices   reads what stands around a request
    identities  who asks
    moment    opens a moment of the store
    """

    def __init__(
        self,
        routes: Mapping[Route, Handler],
        *,
        clock: Clock,
        entropy: Entropy,
        replies: Replies,
        tell: Callable[[Observation], None],
        quota: Quota,
        notices: Notices,
        identities: Identities,
        moment: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.clock = clock
        self.replies = replies
        self.tell = tell
        self.quota = quota
        self.identities = identities
        self.in_flight = 0
        self._moment = moment
        self._notices = notices
        self._handlers = routes
        self._always_admitted = frozenset(each for each in routes if each.action in _ALWAYS_ADMITTED)
        self._router = Router(tuple(routes))
        self._id_prefix = f"{entropy.bits(64):016x}"
        self._id_count = 0

    def open(self, head: Head) -> Exchange | Reply:
        """Let a request in, or refuse it from its head alone."""
        sent = head.headers.get("x-request-id")
        request_id = (None if sent is None else keep_request_id(sent)) or self._next_id()
        notice = self._notices.read(head)
        target, _, query = head.target.partition("?")
        try:
            path = _decode_path(target) if "%" in target else target
            found = self._router.find(path)
            if found is None:
                raise self.miss(path)
            item, parameter = found
            route = item.routes.get(head.method)
            if route is None:
                return self._answer_without_route(head, item, request_id, notice)
            known = self.identities.nobody()
            request = Request(self, head, notice, path, query, request_id, route, parameter, self._handlers[route], known)
        except Answerable as error:
            return self._refuse(Refused("payload_too_large") if _announces_too_much(head) else error, head, request_id, notice)
        try:
            if route in self._always_admitted:
                refuse_in_query(query, route.resource)
            else:
                self._admit(request)
        except Answerable as error:
            return request.turn_away(Refused("payload_too_large") if _announces_too_much(head) else error)
        return request

    def _admit(self, request: Request) -> None:
        """Find room, and who asks; refuse bad credentials, any in the URL, and what is granted on no row, unless no quota is left.

        What is let in without a body is counted with all others that arrive beside it; one with a body before that is read.
        """
        if self.in_flight >= IN_FLIGHT_REQUESTS_MAX:
            raise Unavailable("overloaded")
        refused: Answerable | None = None
        try:
            if request.query:
                refuse_in_query(request.query, request.route.resource)
            if request.route.identifies:
                request.known = self.identities.find(request.head)
            request.admit()
        except Refused as error:
            refused = error
        request.quota_key = limit_key(request.actor.id, request.head.peer)
        if refused is not None or request.head.has_body:
            request.count()
            refused = request.refused or refused
        if refused is not None:
            raise refused

    def moment(self, arrived: Collection[Exchange]) -> AbstractContextManager[None]:
        """Count what has arrived, then answer from one state of what is stored."""
        with suppress(OSError), self.quota.together():  # a table that cannot be locked is met again, and told, by each answer
            for each in arrived:
                each.count()
        return self._moment()

    def refuse(
        self, code: str, message: str | None = None, *, peer: str, hint: str | None = None, method: str = "", target: str = ""
    ) -> Reply:
        """The reply to bytes that are no request; closes the connection."""
        head = Head(method, target, {}, peer, has_body=False, received_s=self.clock.monotonic_s())
        error = Unavailable(code, message) if code == "overloaded" else Refused(code, message, hint=hint)
        reply = self._refuse(error, head, self._next_id(), NOTHING, () if message is None else (message,))
        reply.close = True
        return reply

    def _next_id(self) -> str:
        self._id_count += 1
        return f"{self._id_prefix}{self._id_count:08x}"

    def miss(self, path: str) -> Refused:
        """The refusal of a path at which nothing is, or nothing that its caller may know of."""
        return Refused("not_found", hint=self._hint_at(path))

    def _hint_at(self, path: str) -> str | None:
        if path.endswith("/") and self._router.find(path.rstrip("/")) is not None:
            return "Leave out the slash at the end."
        if path.rstrip("/") in ("", API) and _DOCS in self._router.paths:
            return f"{_DOCS} shows what is here."
        near = self._find_near(path)
        return None if near is None else f"Did you mean {near}?"

    def _find_near(self, path: str) -> str | None:
        """The path whose last step is misspelt, or that ends in the same step elsewhere: whole paths are alike by what they share."""
        parent, _, last = path.rpartition("/")
        beside = {each.rpartition("/")[2]: each for each in self._router.paths if each.rpartition("/")[0] == parent}
        near = find_nearest(last, beside)
        if near is not None:
            return beside[near]
        elsewhere = [each for each in self._router.paths if each.rpartition("/")[2] == last]
        return elsewhere[0] if len(elsewhere) == 1 else find_nearest(path, elsewhere)

    def _answer_without_route(self, head: Head, item: PathItem, request_id: str, notice: Notice) -> Reply:
        if head.method != "OPTIONS":
            raise Refused("method_not_allowed", headers={"allow": item.allow})
        preflight = notice.headers and head.header("access-control-request-method") is not None
        reply = self.replies.options(item.allow, request_id, preflight_headers(item.allow) if preflight else ())
        reply.headers += notice.headers
        self._tell(head, item.template, request_id, reply, None, notice)
        return reply

    def _refuse(self, error: Answerable, head: Head, request_id: str, notice: Notice, faults: tuple[str, ...] = ()) -> Reply:
        reply = self.replies.error(error, request_id, problem=read_accept(head.header("accept")).problem)
        reply.bare = head.method == "HEAD"
        reply.headers += notice.headers
        self._tell(head, "", request_id, reply, error.code, notice, faults)
        return reply

    def _tell(
        self, head: Head, template: str, request_id: str, reply: Reply, code: str | None, notice: Notice, faults: tuple[str, ...] = ()
    ) -> None:
        path, elapsed_s = head.target.partition("?")[0][:256], self.clock.monotonic_s() - head.received_s
        bytes_out = len(reply.body) if isinstance(reply.body, bytes) else 0
        self.tell(
            Observation(
                request_id,
                self.clock.now(),
                head.method,
                template,
                path,
                reply.status,
                code,
                elapsed_s,
                0.0,
                0,
                bytes_out,
                head.peer,
                faults=faults,
                trace=notice.trace,
            )
        )


def _announces_too_much(head: Head) -> bool:
    """Whether a body is announced that no route takes: its size is judged before its path."""
    length = (head.header("content-length") or "") if head.has_body else ""
    return length.isdecimal() and (len(length) > _LENGTH_DIGITS_MAX or int(length) > BODY_BYTES_MAX)


def _decode_path(path: str) -> str:
    """Undo percent-encoding; what is no UTF-8 names nothing. An encoded slash stays encoded: it is data, not a step."""
    try:
        return unquote_to_bytes(path.replace("%2F", "%252F").replace("%2f", "%252F")).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("not_found") from None
