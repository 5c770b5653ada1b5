"""What the tests of the engine share: heads as a door makes them, and an engine around handlers of the test's own."""

import asyncio
import json
import time
from collections.abc import Awaitable, Coroutine, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

from holdfast.base.instant import Instant
from holdfast.base.observe import Observation
from holdfast.core.cors import Cors
from holdfast.core.exchange import Exchange, Head, Reply
from holdfast.core.forwarding import Proxies
from holdfast.core.permit import Permit
from holdfast.core.reply import Replies
from holdfast.core.routes import Route
from holdfast.engine.identity import Identities
from holdfast.engine.notice import Notices
from holdfast.engine.quota import Quota
from holdfast.engine.request import Handler
from holdfast.engine.service import Engine
from holdfast.model.catalog import Catalog
from holdfast.ports.accounts import Identity
from holdfast.ports.limits import Limiter
from holdfast.world.clock import SystemClock
from holdfast.world.entropy import SystemEntropy
from holdfast.world.limiter import Unlimited
from holdfast.world.vault import Vault

Value = TypeVar("Value")


def head(method: str, target: str, *, peer: str = "127.0.0.1", has_body: bool = False, **headers: str) -> Head:
    """A request head; underscores in names of headers are hyphens."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Head(method, target, sent, peer, has_body, time.monotonic())


class _NoAccounts:
    """Where nobody has an account."""

    def epoch(self) -> int:
        """It never moves."""
        return 1

    def identify(self, token_hash: bytes) -> Identity | None:  # noqa: ARG002  # none is known
        """No token is known."""
        return None

    def touch(self, session_id: str, now: Instant) -> None:  # none is kept
        """No session is used."""


@dataclass
class Desk:
    """An engine and what it told."""

    routes: Mapping[Route, Handler]
    limiter: Limiter = field(default_factory=Unlimited)
    trusted_proxies: tuple[str, ...] = ()
    cors: Cors = field(default_factory=Cors)
    forwarded: list[str] = field(default_factory=list)
    catalog: Catalog = field(default_factory=lambda: Catalog({}))
    told: list[Observation] = field(default_factory=list)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(
            self.routes,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            replies=Replies(),
            tell=self.told.append,
            quota=Quota(self.limiter, "default"),
            notices=Notices(Proxies(self.trusted_proxies), self.cors, SystemEntropy(), self.forwarded.append),
            identities=Identities(
                _NoAccounts(), Permit(self.catalog), secrets=Vault(bytes(32)), clock=SystemClock(), tell_first_use=lambda *_: None
            ),
            moment=nullcontext,
        )

    def ask(self, method: str, target: str, body: bytes = b"", **parts: Any) -> Reply | Awaitable[Reply]:
        """Open a request and answer it."""
        opened = self.engine.open(head(method, target, has_body=bool(body), **parts))
        return opened if isinstance(opened, Reply) else opened.answer(body)

    def open(self, method: str, target: str, **parts: Any) -> Exchange:
        """Open a request that is let in."""
        opened = self.engine.open(head(method, target, **parts))
        assert not isinstance(opened, Reply)
        return opened


def now(reply: Reply | Awaitable[Reply]) -> Reply:
    """A reply that came at once."""
    assert isinstance(reply, Reply)
    return reply


def body_of(reply: Reply) -> dict[str, Any]:
    """The body of a reply as JSON."""
    assert isinstance(reply.body, bytes)
    parsed: dict[str, Any] = json.loads(reply.body)
    return parsed


def run(work: Coroutine[Any, Any, Value]) -> Value:
    """Run a coroutine in a loop of its own."""
    return asyncio.run(work)
