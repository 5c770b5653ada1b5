"""Composition: reads settings, picks the adapters and wires them. The only file that names an adapter."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from holdfast.base.errors import Misconfigured
from holdfast.core.account_bodies import AccountBodies
from holdfast.core.ask.cursor import Cursors
from holdfast.core.cors import Cors
from holdfast.core.credentials import Cookies
from holdfast.core.forwarding import Proxies
from holdfast.core.journal import Seal, Sign
from holdfast.core.openapi import build_openapi
from holdfast.core.passwords import PasswordRules
from holdfast.core.permit import Permit
from holdfast.core.rate import parse_rate
from holdfast.core.reply import HeaderPolicy, Replies
from holdfast.core.routes import API, Action, Route, build_routes
from holdfast.docs_page import load_docs_page
from holdfast.engine.access import Explainer
from holdfast.engine.anchors import MESSAGE, Anchors
from holdfast.engine.assemble import assign_handlers
from holdfast.engine.auth.common import is_common
from holdfast.engine.auth.desk import Desk
from holdfast.engine.auth.events import Events
from holdfast.engine.auth.factor import SecondFactor
from holdfast.engine.auth.handlers import account_handlers
from holdfast.engine.auth.oidc import Oidc
from holdfast.engine.auth.post import Post
from holdfast.engine.auth.roster import Roster
from holdfast.engine.auth.tokens import Tokens
from holdfast.engine.auth.users import UserWatch
from holdfast.engine.batch import Batch
from holdfast.engine.changes import Changes
from holdfast.engine.commit import Committer
from holdfast.engine.follower import Follower
from holdfast.engine.forwarded import ForwardedWatch
from holdfast.engine.history import History
from holdfast.engine.identity import Identities
from holdfast.engine.ids import RecordIds
from holdfast.engine.log import Log, route_libraries, wants_colour
from holdfast.engine.metrics import Metrics, WorkerCounts, read_all_counts, take_slot
from holdfast.engine.notice import Notices
from holdfast.engine.observer import Listener, Observer
from holdfast.engine.pages import Document, Pages
from holdfast.engine.quota import LoginLimits, Quota
from holdfast.engine.records import Records
from holdfast.engine.sealing import Judge, Sealing
from holdfast.engine.service import Engine
from holdfast.engine.verify import Anchor, Tell, Verifier
from holdfast.find import load_backend
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.ports.limits import Limiter
from holdfast.ports.mail import Mailer
from holdfast.ports.oidc import Provider
from holdfast.settings import Settings
from holdfast.store.sqlite import connection as sqlite_connection
from holdfast.store.sqlite.audit import SqliteAudit
from holdfast.store.sqlite.store import SqliteStore
from holdfast.world.clock import SystemClock
from holdfast.world.entropy import SystemEntropy
from holdfast.world.limiter import SlotLimiter, Unlimited, open_table
from holdfast.world.mail import ConsoleMailer, NoMailer, SmtpMailer
from holdfast.world.oidc import OidcProvider
from holdfast.world.vault import Vault, load_key, read_key

_DOCUMENT_ACTIONS = frozenset({Action.OPENAPI, Action.DOCS, Action.DOCS_ASSET})


@dataclass(frozen=True, slots=True)
class ServiceMaker:
    """Opens the service in a worker (http.runner.ServiceFactory): plain values, so that it can be sent to a process of its own.

    since_s  when the server began, in seconds since 1970: the same in all its workers
    """

    settings: Settings
    development: bool = False
    since_s: float = field(default_factory=time.time)

    def __call__(self, slot: int) -> "AbstractAsyncContextManager[Worker]":
        """Open the service of the worker with this number."""
        catalog = load_backend(self.settings.app).catalog
        return open_worker(catalog, self.settings, slot=slot, development=self.development, since_s=self.since_s)


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
async def open_store(settings: Settings, catalog: Catalog, *, create: bool = True, bulk: bool = False) -> AsyncIterator[SqliteStore]:
    """Open the database of the settings, making the schema of an empty one; everything queued is finished on leaving.

    create  False refuses where there is no database yet
    bulk    this process loads, and does nothing else
    """
    _refuse_other_databases(settings)

    def give_key(make: bool) -> Sign:  # noqa: FBT001  # the form of store.sqlite.fingerprint.Keys
        return _journal_key(settings, make=make)

    store = SqliteStore(catalog, settings.data, SystemClock(), create=create, keys=give_key, bulk=bulk, journal_days=settings.journal_days)
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def open_audit(settings: Settings, catalog: Catalog, anchors: Sequence[Anchor], tell: Tell) -> Iterator[Verifier]:
    """Open the database of the settings for `verify`, beside whatever serves it."""
    _refuse_other_databases(settings)
    audit = SqliteAudit(catalog, settings.data)
    try:
        yield Verifier(audit, catalog, _journal_key(settings, make=False), anchors, tell)
    finally:
        audit.close()


@contextmanager
def open_secrets(settings: Settings) -> Iterator[Vault]:
    """What seals secret values under the key of the settings. Open the store first: the key is made in its folder."""
    vault = Vault(_master_key(settings))
    try:
        yield vault
    finally:
        vault.close()


@contextmanager
def open_sealing(settings: Settings, catalog: Catalog, resource: ResourceSpec) -> Iterator[Sealing]:
    """What seals the secrets of one resource under the key of the settings; new passwords of users are judged first."""
    with open_secrets(settings) as vault:
        yield Sealing(resource, vault, _judge(settings, catalog, resource))


@asynccontextmanager
async def open_roster(settings: Settings, catalog: Catalog, *, request_id: str, create: bool = False) -> AsyncIterator[Roster]:
    """Open the users and keys of the settings' database, beside whatever serves it.

    request_id  what the journal says of the changes
    create      make the database where there is none yet
    """
    users = catalog.users
    assert users is not None, "every Backend has users"
    async with open_store(settings, catalog, create=create) as store:
        with open_secrets(settings) as vault:
            yield _build_roster(settings, users, store, vault, request_id)


@asynccontextmanager
async def open_explainer(settings: Settings, catalog: Catalog) -> AsyncIterator[Explainer]:
    """Open the settings' database for `holdfast access explain`, beside whatever serves it."""
    async with open_store(settings, catalog, create=False) as store:
        yield Explainer(catalog, store, store.accounts, SystemClock())


@asynccontextmanager
async def open_worker(
    catalog: Catalog,
    settings: Settings,
    *,
    slot: int = 0,
    development: bool = False,
    quiet: bool = False,
    since_s: float = 0.0,
    listeners: Sequence[Listener] = (),
) -> AsyncIterator[Worker]:
    """Open everything that one worker needs, in the running loop.

    slot         the number of the worker, for files that are its own
    development  short log lines on a terminal
    quiet        no log and no files of counts, for tests
    since_s      when the server began, whose workers warn of a thing once
    listeners    who else takes the Observation of every request
    """
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        store = await stack.enter_async_context(open_store(settings, catalog))
        vault = stack.enter_context(open_secrets(settings))
        replies = Replies(HeaderPolicy(cors=bool(settings.cors_origins)))
        if not quiet:
            slot = stack.enter_context(take_slot(settings.data, slot))
        log = None if quiet else Log(folder=settings.data, slot=slot, now=clock.now, **_log_style(settings, development=development))
        metrics = Metrics(
            folder=None if quiet else settings.data,
            slot=slot,
            now_s=lambda: clock.now() / 1e6,
            gauges={
                "in_flight_requests": lambda: engine.in_flight,
                "queued_writes": lambda: store.queued,
                "wal_bytes": lambda: store.wal_bytes,
            },
            counters={"log_lines_dropped": lambda: log.dropped if log else 0},
        )
        if log is not None:
            stack.callback(route_libraries(log))
        observer = Observer([metrics, *([log] if log else []), *listeners], asyncio.get_running_loop().call_later)
        stack.callback(observer.close)
        if log is not None:
            stack.callback(Anchors(store.last_seal, partial(_say_seal, log)).close)
        limiter, login_limiter = stack.enter_context(_open_limiters(settings, vault, log))
        routes = _routes(catalog, settings)
        pages = Pages(
            store=store,
            replies=replies,
            counts=partial(_counts, settings.data, observer, metrics, clock),
            metrics_token=settings.metrics_token,
            openapi=lambda: msgspec.json.encode(build_openapi(catalog, routes=routes)),
            docs=_documents(replies) if settings.docs != "off" else {},
            private_docs=settings.docs == "signed_in",
        )
        users = catalog.users
        assert users is not None, "every Backend has users"
        say = log.say if log is not None else _say_nothing
        events = Events(say)
        commits = Committer(store=store, clock=clock, secrets=vault, replies=replies, tell=UserWatch(users, events).tell)
        rules = PasswordRules(is_common, settings.password_length_min)
        records = {
            path: Records(
                catalog,
                resource,
                store=store,
                journal=store.journal,
                clock=clock,
                entropy=SystemEntropy(),
                secrets=vault,
                cursors=Cursors(partial(vault.sign, "cursors")),
                commits=commits,
                policy=replies.policy,
                judge=_judge(settings, catalog, resource),
            )
            for path, resource in catalog.resources.items()
        }
        histories = {
            path: History(catalog, resource, journal=store.journal, commits=commits, policy=replies.policy)
            for path, resource in catalog.resources.items()
        }
        changes = Changes(catalog, journal=store.journal, clock=clock, replies=replies)
        batch = Batch(catalog, records, commits=commits, replies=replies)
        service_handlers = {**pages.handlers(), Action.CHANGES: changes.read, Action.BATCH: batch.run}
        cookies = Cookies(settings.cors_origins) if settings.cookies else None
        identities = Identities(
            store.accounts, Permit(catalog), secrets=vault, clock=clock, tell_first_use=events.tell_first_use, cookies=cookies
        )
        desk = Desk(
            sessions=store.accounts,
            tickets=store.accounts,
            secrets=vault,
            clock=clock,
            replies=replies,
            events=events,
            limits=LoginLimits(login_limiter),
            bodies=AccountBodies(users, rules),
            tokens=Tokens(vault, SystemEntropy()),
            ids=RecordIds(clock, SystemEntropy()),
            cookies=cookies,
        )
        post = Post(_choose_mailer(catalog, settings, development=development), catalog.title, settings.app_url, say)
        stack.push_async_callback(post.close)
        factor = SecondFactor(desk, store.accounts, SystemEntropy(), catalog.title)
        providers = _open_providers(settings)
        oidc = Oidc(
            desk,
            users,
            store,
            store.accounts,
            factor,
            SystemEntropy(),
            providers,
            registration=catalog.registration,
            app_url=settings.app_url or "",
        )
        service_handlers |= account_handlers(desk, users, store, post, factor, oidc)
        handlers = assign_handlers(catalog, routes, records, histories, service_handlers)
        engine = Engine(
            handlers,
            clock=clock,
            entropy=SystemEntropy(),
            replies=replies,
            tell=observer.tell,
            quota=Quota(limiter, "default"),
            identities=identities,
            moment=store.moment,
            notices=Notices(
                Proxies(settings.trusted_proxies),
                Cors(settings.cors_origins, credentials=settings.cookies),
                SystemEntropy(),
                _note_forwarded(settings, clock, log, since_s=since_s),
            ),
        )
        yield Worker(engine, pages, changes.follower, _build_roster(settings, users, store, vault, "test"))


def check_engine() -> str:
    """Name the database engine; Misconfigured if it is one that can lose data."""
    version = sqlite_connection.engine_version()
    sqlite_connection.check_engine(version)
    return f"SQLite {version}"


def _build_roster(settings: Settings, users: ResourceSpec, store: SqliteStore, vault: Vault, request_id: str) -> Roster:
    clock = SystemClock()
    return Roster(
        users,
        store=store,
        sessions=store.accounts,
        secrets=vault,
        clock=clock,
        make_id=RecordIds(clock, SystemEntropy()).make,
        tokens=Tokens(vault, SystemEntropy()),
        rules=PasswordRules(is_common, settings.password_length_min),
        request_id=request_id,
    )


def _judge(settings: Settings, catalog: Catalog, resource: ResourceSpec) -> Judge | None:
    """What the secrets of a resource must be beyond their type: passwords of users, none that is guessed first."""
    return PasswordRules(is_common, settings.password_length_min).judge_user if resource is catalog.users else None


def _routes(catalog: Catalog, settings: Settings) -> tuple[Route, ...]:
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


def _counts(data: Path, observer: Observer, metrics: Metrics, clock: SystemClock) -> tuple[tuple[WorkerCounts, ...], float]:
    """The counts of every worker: the others' from their files, this one's as they stand."""
    observer.flush()
    own = metrics.counts()
    others = (each for each in read_all_counts(data) if each.slot != own.slot)
    return (own, *others), clock.now() / 1e6


def _log_style(settings: Settings, *, development: bool) -> dict[str, bool]:
    text = settings.log == "text" or (settings.log == "auto" and development and sys.stderr.isatty())
    return {"text": text, "colour": text and wants_colour()}


def _refuse_other_databases(settings: Settings) -> None:
    if settings.database is not None:
        raise Misconfigured(
            "database", "This release serves embedded SQLite alone.", "Leave out --database; choose the folder with --data."
        )


@contextmanager
def _open_limiters(settings: Settings, vault: Vault, log: Log | None) -> Iterator[tuple[Limiter, Limiter]]:
    """What counts requests, and what counts attempts to sign in; both in the table that all workers on the data folder share."""
    rates = parse_rate(settings.rate_limit), parse_rate(settings.login_rate_limit)
    if rates == (None, None):
        yield Unlimited(), Unlimited()
        return
    with open_table(settings.data, partial(log.say, "warning") if log is not None else lambda _: None) as table:
        sign = partial(vault.sign, "limits")
        requests, logins = (
            Unlimited() if rate is None else SlotLimiter(table, rate, sign, scope)
            for rate, scope in zip(rates, (b"requests:", b"logins:"), strict=True)
        )
        yield requests, logins


def _note_forwarded(settings: Settings, clock: SystemClock, log: Log | None, *, since_s: float) -> Callable[[str], None]:
    """What is told of forwarding headers that do not count."""
    if log is None:
        return lambda _: None
    return ForwardedWatch(settings.data, since_s=since_s, now_s=lambda: clock.now() / 1e6, warn=partial(log.say, "warning")).note


def _choose_mailer(catalog: Catalog, settings: Settings, *, development: bool) -> Mailer:
    """What sends mail: SMTP where it is set, the terminal for developers; else nothing, and then nobody can register."""
    if settings.smtp is not None:
        return SmtpMailer(settings.smtp, settings.mail_from)
    if development:
        return ConsoleMailer()
    if catalog.registration:
        mend = "Set `smtp`, or leave out registration=True."
        raise Misconfigured("smtp", "Whoever registers gets a mail, and there is nothing to send it.", mend)
    return NoMailer()


def _open_providers(settings: Settings) -> Mapping[str, Provider]:
    if settings.oidc and settings.app_url is None:
        raise Misconfigured("app_url", "Providers send browsers back to it, and it is not set.", "Set `app_url`.")
    base = f"{(settings.app_url or '').rstrip('/')}{API}/auth/oidc"
    return {
        name: OidcProvider(each.issuer, each.client_id, each.client_secret, each.scopes, f"{base}/{name}/callback")
        for name, each in settings.oidc.items()
    }


def _say_nothing(*_: Any, **__: Any) -> None:
    """Where there is no log."""


def _say_seal(log: Log, seal: Seal) -> None:
    log.say("info", MESSAGE, seq=seal.last_seq, seal=seal.seal.hex())


def _journal_key(settings: Settings, *, make: bool) -> Sign:
    """What signs the seals of the journal."""
    return partial(Vault(_master_key(settings, make=make)).sign, "journal")


def _master_key(settings: Settings, *, make: bool = True) -> bytes:
    """The key of the settings, else that of the file they name, else <data>/key, made on the first start (where `make`)."""
    if settings.key is not None:
        return read_key("key", settings.key)
    if settings.key_file is not None:
        return load_key(settings.key_file, make=False)
    return load_key(settings.data / "key", make=make)
