"""A worker: the service that one process gives, with everything that it needs."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial

import msgspec

from holdfast.app.accounts import build_account_handlers, build_identities, build_roster, judge_of
from holdfast.app.parts import Parts
from holdfast.app.store import extend_schema, open_secrets, open_store
from holdfast.app.watch import Watch, open_watch
from holdfast.core.ask.cursor import Cursors
from holdfast.core.cors import Cors
from holdfast.core.forwarding import Proxies
from holdfast.core.openapi import build_openapi
from holdfast.core.rate import parse_rate
from holdfast.core.reply import HeaderPolicy, Replies
from holdfast.core.routes import Action, Route, build_routes
from holdfast.docs_page import load_docs_page
from holdfast.engine.assemble import assign_handlers
from holdfast.engine.auth.events import Events
from holdfast.engine.auth.roster import Roster
from holdfast.engine.auth.users import UserWatch
from holdfast.engine.batch import Batch
from holdfast.engine.changes import Changes
from holdfast.engine.commit import Committer
from holdfast.engine.follower import Follower
from holdfast.engine.history import History
from holdfast.engine.metrics import take_slot
from holdfast.engine.notice import Notices
from holdfast.engine.observer import Listener
from holdfast.engine.pages import Document, Pages
from holdfast.engine.quota import Quota
from holdfast.engine.records import Records
from holdfast.engine.request import Handler
from holdfast.engine.service import Engine
from holdfast.find import load_backend
from holdfast.model.catalog import Catalog
from holdfast.ports.limits import Limiter
from holdfast.settings import Settings
from holdfast.world.clock import SystemClock
from holdfast.world.entropy import SystemEntropy
from holdfast.world.limiter import SlotLimiter, Unlimited, open_table
from holdfast.world.vault import Vault

_DOCUMENT_ACTIONS = frozenset({Action.OPENAPI, Action.DOCS, Action.DOCS_ASSET})


@dataclass(frozen=True, slots=True)
class ServiceMaker:
    """Opens the service in a worker (http.runner.ServiceFactory): plain values, so that it can be sent to a process of its own.

    since_s  when the server began, in seconds since 1970: the same in all its workers
    create   False refuses where there is no database: a worker that takes the place of another must not begin with an empty one
    """

    settings: Settings
    development: bool = False
    since_s: float = field(default_factory=time.time)
    create: bool = True

    def __call__(self, slot: int) -> "AbstractAsyncContextManager[Worker]":
        """Open the service of the worker with this number."""
        catalog = load_backend(self.settings.app).catalog
        return open_worker(catalog, self.settings, slot=slot, development=self.development, since_s=self.since_s, create=self.create)


class Worker:
    """A service that runs (http.runner.Runner)."""

    def __init__(self, service: Engine, pages: Pages, follower: Follower, roster: Roster) -> None:
        self.service = service
        self.roster = roster
        self._pages = pages
        self._follower = follower

    def draining(self) -> None:
        """Readiness turns false and event streams end; requests are still answered."""
        self._pages.draining = True
        self._follower.end()


@asynccontextmanager
async def open_worker(
    catalog: Catalog,
    settings: Settings,
    *,
    slot: int = 0,
    development: bool = False,
    quiet: bool = False,
    since_s: float = 0.0,
    create: bool = True,
    listeners: Sequence[Listener] = (),
) -> AsyncIterator[Worker]:
    """Open everything that one worker needs, in the running loop.

    slot         the number of the worker, for files that are its own
    development  short log lines on a terminal; a database that is behind the classes is extended, where nothing is lost by it
    quiet        no log and no files of counts, for tests
    since_s      when the server began, whose workers warn of a thing once
    create       make the database where there is none
    listeners    who else takes the Observation of every request
    """
    async with AsyncExitStack() as stack:
        extended = extend_schema(settings, catalog) if development else ()
        store = await stack.enter_async_context(open_store(settings, catalog, create=create))
        vault = stack.enter_context(open_secrets(settings))
        gauges: dict[str, Callable[[], float]] = {"queued_writes": lambda: store.queued, "wal_bytes": lambda: store.wal_bytes}
        watch = stack.enter_context(
            open_watch(
                settings,
                slot=None if quiet else stack.enter_context(take_slot(settings.data, slot)),
                development=development,
                gauges=gauges,
                last_seal=store.last_seal,
                listeners=listeners,
            )
        )
        for done in extended:
            watch.say("info", f"schema: {done}")
        requests, logins = stack.enter_context(_open_limiters(settings, vault, partial(watch.say, "warning")))
        replies = Replies(HeaderPolicy(cors=bool(settings.cors_origins), cookies=settings.cookies))
        parts = Parts(settings, catalog, store, vault, SystemClock(), replies, watch.say)
        routes = _build_routes(catalog, settings)
        pages = _build_pages(parts, routes, watch)
        changes = Changes(catalog, journal=store.journal, clock=parts.clock, replies=parts.replies)
        events = Events(parts.say)
        accounts = build_account_handlers(parts, events, logins, stack, development=development)
        engine = Engine(
            _build_handlers(parts, routes, events, {**pages.handlers(), Action.CHANGES: changes.read, **accounts}),
            clock=parts.clock,
            entropy=SystemEntropy(),
            replies=parts.replies,
            tell=watch.observer.tell,
            quota=Quota(requests, "default"),
            identities=build_identities(parts, events),
            moment=store.moment,
            notices=Notices(
                Proxies(settings.trusted_proxies),
                Cors(settings.cors_origins, credentials=settings.cookies),
                SystemEntropy(),
                watch.note_forwarded(since_s=since_s),
            ),
        )
        gauges["in_flight_requests"] = lambda: engine.in_flight
        yield Worker(engine, pages, changes.follower, build_roster(settings, catalog, store, vault, "test"))


def _build_handlers(parts: Parts, routes: tuple[Route, ...], events: Events, others: Mapping[Action, Handler]) -> Mapping[Route, Handler]:
    """The handler of every route; `others` are those of the routes that are of no resource, the batch aside."""
    catalog, store = parts.catalog, parts.store
    commits = Committer(
        store=store, clock=parts.clock, secrets=parts.vault, replies=parts.replies, tell=UserWatch(parts.users, events).tell
    )
    records = {
        path: Records(
            catalog,
            resource,
            store=store,
            journal=store.journal,
            clock=parts.clock,
            entropy=SystemEntropy(),
            secrets=parts.vault,
            cursors=Cursors(partial(parts.vault.sign, "cursors")),
            commits=commits,
            policy=parts.replies.policy,
            judge=judge_of(parts.settings, catalog, resource),
        )
        for path, resource in catalog.resources.items()
    }
    histories = {
        path: History(catalog, resource, journal=store.journal, commits=commits, policy=parts.replies.policy)
        for path, resource in catalog.resources.items()
    }
    batch = Batch(catalog, records, commits=commits, replies=parts.replies)
    return assign_handlers(catalog, routes, records, histories, {**others, Action.BATCH: batch.run})


def _build_pages(parts: Parts, routes: tuple[Route, ...], watch: Watch) -> Pages:
    settings = parts.settings
    return Pages(
        store=parts.store,
        replies=parts.replies,
        counts=watch.counts,
        metrics_token=settings.metrics_token,
        openapi=lambda: msgspec.json.encode(
            build_openapi(parts.catalog, routes=routes, cookies=settings.cookies, cors=bool(settings.cors_origins))
        ),
        docs=_documents(parts.replies) if settings.docs != "off" else {},
        private_docs=settings.docs == "signed_in",
    )


def _build_routes(catalog: Catalog, settings: Settings) -> tuple[Route, ...]:
    routes = build_routes(catalog, query_method=settings.query_method, oidc=bool(settings.oidc))
    return routes if settings.docs != "off" else tuple(each for each in routes if each.action not in _DOCUMENT_ACTIONS)


def _documents(replies: Replies) -> Mapping[str, Document]:
    return {
        name: Document(
            asset.body,
            replies.policy.block(content_type=asset.content_type, cache=asset.cache, content_policy=asset.content_policy),
        )
        for name, asset in load_docs_page().items()
    }


@contextmanager
def _open_limiters(settings: Settings, vault: Vault, warn: Callable[[str], None]) -> Iterator[tuple[Limiter, Limiter]]:
    """What counts requests, and what counts attempts to sign in; both in the table that all workers on the data folder share."""
    rates = parse_rate(settings.rate_limit), parse_rate(settings.login_rate_limit)
    if rates == (None, None):
        yield Unlimited(), Unlimited()
        return
    with open_table(settings.data, warn) as table:
        sign = partial(vault.sign, "limits")
        requests, logins = (
            Unlimited() if rate is None else SlotLimiter(table, rate, sign, scope)
            for rate, scope in zip(rates, (b"requests:", b"logins:"), strict=True)
        )
        yield requests, logins
