"""What the builders of one worker share."""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.core.reply import Replies
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.settings import Settings
from holdfast.store.sqlite.store import SqliteStore
from holdfast.world.clock import SystemClock
from holdfast.world.vault import Vault


@dataclass(frozen=True, slots=True)
class Parts:
    """The opened parts of one worker. `say` is engine.log.Log.say, or nothing where there is no log."""

    settings: Settings
    catalog: Catalog
    store: SqliteStore
    vault: Vault
    clock: SystemClock
    replies: Replies
    say: Callable[..., None]

    @property
    def users(self) -> ResourceSpec:
        """The resource of the users."""
        return users_of(self.catalog)


def users_of(catalog: Catalog) -> ResourceSpec:
    """The resource of the users."""
    assert catalog.users is not None, "every Backend has users"
    return catalog.users
