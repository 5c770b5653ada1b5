"""The journal as the engine reads it: history, records as they were, and the changes in order."""

from collections.abc import Awaitable
from typing import Protocol

from holdfast.core.plan import Row
from holdfast.core.readings import ChangesPage, HistoryPage, ReadAsOf, ReadChanges, ReadHistory, Touched


class Journal(Protocol):
    """Every reading is one snapshot that ends with it. Short ones come back at once. May raise the errors of base.errors."""

    def read_as_of(self, plan: ReadAsOf) -> Row | None | Awaitable[Row | None]:
        """Read a record as it was; None if it was not there yet, or no more, or was erased, or may not be seen."""
        ...

    def read_history(self, plan: ReadHistory) -> HistoryPage | None | Awaitable[HistoryPage | None]:
        """Read what happened to a record; None if there never was one, or it may not be seen."""
        ...

    def read_changes(self, plan: ReadChanges) -> ChangesPage | Awaitable[ChangesPage]:
        """Read changes in order. Raises Refused invalid_cursor where entries after `after` are gone, or `after` was never reached."""
        ...

    def read_touched(self, after: int, upto: int) -> Touched | Awaitable[Touched]:
        """Read which resources the entries after `after` are about, as far as one reading of changes up to `upto` looks.

        Raises Refused as that does.
        """
        ...

    def head(self) -> int:
        """The last sequence, at once; 0 if there is none. Cheap."""
        ...
