"""The routes of the service itself: health, readiness, metrics, the OpenAPI document and its page."""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from holdfast.base.errors import Refused, Unavailable
from holdfast.core.ask.query import check_no_parameters
from holdfast.core.exchange import Reply
from holdfast.core.forwarding import FORWARDING
from holdfast.core.reply import Replies
from holdfast.core.routes import Action
from holdfast.engine.exposition import CONTENT_TYPE, render_metrics
from holdfast.engine.metrics import WorkerCounts
from holdfast.engine.request import Handler, Request
from holdfast.ports.store import Store

_BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class Document:
    """A prepared body with its header lines (Replies.policy.block)."""

    body: bytes
    block: bytes


class Pages:
    """The handlers of the service's own routes.

    counts         the counts of every worker, and the present time in seconds since 1970
    metrics_token  what opens /metrics from elsewhere than loopback; None: nothing does
    openapi        makes the document on first use: it is large and few workers are ever asked
    docs           name -> file of the docs page ("" is the page itself)
    private_docs   document and page are for callers who are signed in
    """

    def __init__(
        self,
        *,
        store: Store,
        replies: Replies,
        counts: Callable[[], tuple[tuple[WorkerCounts, ...], float]],
        metrics_token: str | None,
        openapi: Callable[[], bytes],
        docs: Mapping[str, Document],
        private_docs: bool = False,
    ) -> None:
        self.draining = False
        self._store, self._replies, self._counts, self._openapi, self._docs = store, replies, counts, openapi, docs
        self._metrics_token = metrics_token
        self._private_docs = private_docs
        self._metrics_block = replies.policy.block(content_type=CONTENT_TYPE)
        self._json_block = replies.policy.block()
        self._document: bytes | None = None

    def handlers(self) -> Mapping[Action, Handler]:
        """The handler of each action of the service."""
        return {
            Action.HEALTH: self._health,
            Action.READY: self._ready,
            Action.METRICS: self._metrics,
            Action.OPENAPI: self._openapi_document,
            Action.DOCS: self._docs_page,
            Action.DOCS_ASSET: self._docs_page,
        }

    def _health(self, request: Request, _body: bytes) -> Reply:
        """The process answers."""
        return self._replies.data('{"status":"alive"}', request.request_id)

    def _ready(self, request: Request, _body: bytes) -> Reply:
        """The database can be read and written, and no stop has begun."""
        health = self._store.health()
        if self.draining or not (health.readable and health.writable):
            raise Unavailable("unavailable", "The service is not ready.")
        return self._replies.data('{"status":"ready"}', request.request_id)

    def _metrics(self, request: Request, _body: bytes) -> Reply | Awaitable[Reply]:
        """The counts of all workers; for loopback, or who has the token. A forwarded request does not come from loopback."""
        if not (self._is_local(request) or self._has_token(request)):
            raise Refused("not_found")
        workers, now_s = self._counts()
        return self._replies.plain(render_metrics(workers, now_s=now_s), self._metrics_block, request.request_id)

    def _is_local(self, request: Request) -> bool:
        """Whether someone on this machine asks: not through a proxy, and not a page whose own name was bound to loopback."""
        head = request.head
        host = head.header("host")
        return FORWARDING.isdisjoint(head.headers) and _is_loopback(head.peer) and (host is None or _names_loopback(host))

    def _has_token(self, request: Request) -> bool:
        sent = request.head.header("authorization") or ""
        if self._metrics_token is None or not sent.startswith(_BEARER):
            return False
        return hmac.compare_digest(sent[len(_BEARER) :].encode("latin-1"), self._metrics_token.encode())

    def _check_docs(self, request: Request) -> None:
        check_no_parameters(request.query)
        if self._private_docs:
            request.renew()
            if request.actor.id is None:
                raise Refused("unauthenticated")

    def _openapi_document(self, request: Request, _body: bytes) -> Reply:
        self._check_docs(request)
        if self._document is None:
            self._document = self._openapi()
        return self._replies.plain(self._document, self._json_block, request.request_id)

    def _docs_page(self, request: Request, _body: bytes) -> Reply:
        self._check_docs(request)
        document = self._docs.get(request.parameter)
        if document is None:
            raise Refused("not_found")
        return self._replies.plain(document.body, document.block, request.request_id)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _names_loopback(host: str) -> bool:
    """Whether a Host header names this machine; browsers always send the name that they were given."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower() == "localhost" or _is_loopback(name)
