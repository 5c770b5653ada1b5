"""The store: runs plans, each in one transaction. The engine knows no more of a database than this."""

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from holdfast.core.plan import Claim, Done, Page, ReadMany, ReadOne, Row, Write


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the store can answer. `reason` is for the operator: log and doctor, never an answer to a caller."""

    readable: bool
    writable: bool
    reason: str = ""


class Store(Protocol):
    """Every method may raise the errors of base.errors: Refused for the plan, Unavailable for the world, Broken for us."""

    def read_one(self, plan: ReadOne) -> Row | None | Awaitable[Row | None]:
        """Read one record; None if there is none for this caller. Short reads come back at once, without a task."""
        ...

    def read_many(self, plan: ReadMany) -> Page | Awaitable[Page]:
        """Read one page and its total from one snapshot; what outlives its slice on the loop comes back as an awaitable."""
        ...

    def moment(self) -> AbstractContextManager[None]:
        """While it is open, reads that come back at once are of one state of the database, not older than the opening.

        For what runs without giving up the loop: what waits is read from a state of its own.
        """
        ...

    def write(self, plan: Write) -> "Awaitable[tuple[Row | None, ...]]":
        """Run a write in its transaction; one Row for each step (None for a delete), only after the commit is durable.

        Raises Refused with the code and details of the first failing step: not_found, version_conflict (headers: etag of the
        current row), unique_conflict, reference_conflict, validation_failed (reference_missing, read_only, check_failed).
        Raises Unavailable: overloaded (queue full), deadline_exceeded (never started), unavailable (refused cleanly: disk full,
        read-only), outcome_unknown (the commit itself failed).
        Cancelling the awaitable takes a queued write out; one that runs is finished.
        """
        ...

    def write_once(self, plan: Write, claim: Claim) -> "Awaitable[Done]":
        """Run a write as `write` does, and claim its idempotency key in the same transaction; its rows, or the answer that is kept.

        If the key was claimed by a committed write of the last IDEMPOTENCY_KEPT_S seconds, no step runs: rows or answer are those of
        then, `replayed` set, or, where the fingerprint is another, Refused idempotency_mismatch. What was refused or rolled
        back leaves the key free.
        """
        ...

    def health(self) -> Health:
        """The last known state, at most a second old; never blocks."""
        ...

    async def close(self) -> None:
        """Finish what is queued, then release every connection, lock and thread. Idempotent."""
        ...
