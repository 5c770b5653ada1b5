"""The database of the settings, opened for whoever works on it, and the key that its secrets and seals are made with."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

from holdfast.base.errors import Misconfigured
from holdfast.core.journal import Sign
from holdfast.engine.verify import Anchor, Tell, Verifier
from holdfast.model.catalog import Catalog
from holdfast.settings import Settings
from holdfast.store.sqlite import connection as sqlite_connection
from holdfast.store.sqlite.audit import SqliteAudit
from holdfast.store.sqlite.schema import DATABASE_NAME, extend
from holdfast.store.sqlite.store import SqliteStore
from holdfast.world.clock import SystemClock
from holdfast.world.vault import Vault, load_key, parse_key

_LEFT_BEHIND = ("key", "metrics", "limits")
"""What the first start of a server leaves in a data folder, beside its database."""


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


def extend_schema(settings: Settings, catalog: Catalog) -> tuple[str, ...]:
    """Make the database of the settings fit the classes, if nothing is lost by it; what was done, in words."""
    _refuse_other_databases(settings)
    return extend(settings.data, catalog)


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


async def make_database(settings: Settings, catalog: Catalog) -> None:
    """See that the database of the settings is there and fits, for those who must not make one."""
    async with open_store(settings, catalog):
        pass


def find_loss(settings: Settings) -> Sequence[str]:
    """The warning that an empty database will be made where another was, as what lies around it tells: all of that is made after it."""
    path, is_there = find_database(settings)
    left = [each for each in _LEFT_BEHIND if (path.parent / each).exists()]
    if is_there or not left:
        return ()
    found = f"{path.parent} has the {left[0]} of a database but no {DATABASE_NAME}, so that a new, empty one is made."
    return [f"{found} If the database was moved, stop now and put it back."]


def find_database(settings: Settings) -> tuple[Path, bool]:
    """Where the database of the settings is, and whether it is there; False where that cannot be seen: who opens it is told why."""
    path = settings.data.absolute() / DATABASE_NAME
    try:
        return path, path.exists()
    except OSError:
        return path, False


def check_engine() -> str:
    """Name the database engine; Misconfigured if it is one that can lose data."""
    version = sqlite_connection.engine_version()
    sqlite_connection.check_engine(version)
    return f"SQLite {version}"


def _refuse_other_databases(settings: Settings) -> None:
    if settings.database is not None:
        raise Misconfigured(
            "database", "This release serves embedded SQLite alone.", "Leave out --database; choose the folder with --data."
        )


def _journal_key(settings: Settings, *, make: bool) -> Sign:
    """What signs the seals of the journal."""
    return partial(Vault(_master_key(settings, make=make)).sign, "journal")


def _master_key(settings: Settings, *, make: bool = True) -> bytes:
    """The key of the settings, else that of the file they name, else <data>/key, made on the first start (where `make`)."""
    if settings.key is not None:
        return parse_key("key", settings.key)
    if settings.key_file is not None:
        return load_key(settings.key_file, make=False)
    return load_key(settings.data / "key", make=make)
