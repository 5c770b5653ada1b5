"""Accounts: who may sign in and how, opened for the command line or built for a worker."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from holdfast.app.parts import Parts, users_of
from holdfast.app.store import open_secrets, open_store
from holdfast.base.errors import Misconfigured
from holdfast.core.account_bodies import AccountBodies
from holdfast.core.ask.view import ViewReader
from holdfast.core.credentials import Cookies
from holdfast.core.passwords import PasswordRules
from holdfast.core.permit import Permit
from holdfast.core.routes import API, Action
from holdfast.engine.access import Explainer
from holdfast.engine.auth.common import is_common
from holdfast.engine.auth.desk import Desk
from holdfast.engine.auth.events import Events
from holdfast.engine.auth.factor import SecondFactor
from holdfast.engine.auth.handlers import account_handlers
from holdfast.engine.auth.oidc import Oidc
from holdfast.engine.auth.post import Post
from holdfast.engine.auth.roster import Roster
from holdfast.engine.auth.tokens import Tokens
from holdfast.engine.identity import Identities
from holdfast.engine.ids import RecordIds
from holdfast.engine.quota import LoginLimits
from holdfast.engine.request import Handler
from holdfast.engine.sealing import Judge, Sealing
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.ports.limits import Limiter
from holdfast.ports.mail import Mailer
from holdfast.ports.oidc import Provider
from holdfast.settings import Settings
from holdfast.store.sqlite.store import SqliteStore
from holdfast.world.clock import SystemClock
from holdfast.world.entropy import SystemEntropy
from holdfast.world.mail import ConsoleMailer, NoMailer, SmtpMailer
from holdfast.world.oidc import OidcProvider
from holdfast.world.vault import Vault


@asynccontextmanager
async def open_roster(settings: Settings, catalog: Catalog, *, request_id: str, create: bool = False) -> AsyncIterator[Roster]:
    """Open the users and keys of the settings' database, beside whatever serves it.

    request_id  what the journal says of the changes
    create      make the database where there is none yet
    """
    async with open_store(settings, catalog, create=create) as store:
        with open_secrets(settings) as vault:
            yield build_roster(settings, catalog, store, vault, request_id)


@asynccontextmanager
async def open_explainer(settings: Settings, catalog: Catalog) -> AsyncIterator[Explainer]:
    """Open the settings' database for `holdfast access explain`, beside whatever serves it."""
    async with open_store(settings, catalog, create=False) as store:
        yield Explainer(catalog, store, store.accounts, SystemClock())


@contextmanager
def open_sealing(settings: Settings, catalog: Catalog, resource: ResourceSpec) -> Iterator[Sealing]:
    """What seals the secrets of one resource under the key of the settings; new passwords of users are judged first."""
    with open_secrets(settings) as vault:
        yield Sealing(resource, vault, judge_of(settings, catalog, resource))


def build_roster(settings: Settings, catalog: Catalog, store: SqliteStore, vault: Vault, request_id: str) -> Roster:
    """The users and keys of an open database. `request_id` is what the journal says of the changes."""
    clock = SystemClock()
    return Roster(
        users_of(catalog),
        store=store,
        sessions=store.accounts,
        secrets=vault,
        clock=clock,
        make_id=RecordIds(clock, SystemEntropy()).make,
        tokens=Tokens(vault, SystemEntropy()),
        rules=_password_rules(settings),
        request_id=request_id,
    )


def judge_of(settings: Settings, catalog: Catalog, resource: ResourceSpec) -> Judge | None:
    """What the secrets of a resource must be beyond their type: passwords of users, none that is guessed first."""
    return _password_rules(settings).judge_user if resource is catalog.users else None


def build_identities(parts: Parts, events: Events) -> Identities:
    """What finds who asks."""
    return Identities(
        parts.store.accounts,
        Permit(parts.catalog),
        secrets=parts.vault,
        clock=parts.clock,
        tell_first_use=events.tell_first_use,
        cookies=_cookies(parts.settings),
    )


def build_account_handlers(
    parts: Parts, events: Events, logins: Limiter, stack: AsyncExitStack, *, development: bool
) -> Mapping[Action, Handler]:
    """The handler of each action below /auth.

    logins       counts attempts to sign in
    stack        closes what is opened
    development  mail goes to the terminal where no server is set
    """
    settings, catalog, accounts = parts.settings, parts.catalog, parts.store.accounts
    desk = _build_desk(parts, events, logins)
    post = Post(_choose_mailer(catalog, settings, development=development), catalog.title, settings.app_url, parts.say)
    stack.push_async_callback(post.close)
    factor = SecondFactor(desk, accounts, SystemEntropy(), catalog.title)
    oidc = Oidc(
        desk,
        parts.users,
        parts.store,
        accounts,
        factor,
        SystemEntropy(),
        _open_providers(settings),
        registration=catalog.registration,
        app_url=settings.app_url or "",
    )
    return account_handlers(desk, ViewReader(catalog, parts.users).default, parts.store, post, factor, oidc)


def check_accounts(settings: Settings, catalog: Catalog) -> None:
    """Raise Misconfigured where `serve` would find that accounts lack something."""
    _choose_mailer(catalog, settings, development=False)
    _open_providers(settings)


def _build_desk(parts: Parts, events: Events, logins: Limiter) -> Desk:
    return Desk(
        sessions=parts.store.accounts,
        tickets=parts.store.accounts,
        secrets=parts.vault,
        clock=parts.clock,
        replies=parts.replies,
        events=events,
        limits=LoginLimits(logins),
        bodies=AccountBodies(parts.users, _password_rules(parts.settings)),
        tokens=Tokens(parts.vault, SystemEntropy()),
        ids=RecordIds(parts.clock, SystemEntropy()),
        cookies=_cookies(parts.settings),
    )


def _cookies(settings: Settings) -> Cookies | None:
    return Cookies(settings.cors_origins) if settings.cookies else None


def _password_rules(settings: Settings) -> PasswordRules:
    return PasswordRules(is_common, settings.password_length_min)


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
