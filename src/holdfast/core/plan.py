"""Plans: everything that one transaction must do, as frozen values. A store runs a plan; it decides nothing.

Reads are one statement each. Writes are steps in order, all or nothing; every check that could race is a condition of the statement
that writes: the permission (`where`, `allow`, `become`), the version (`version`), the references (`targets`).

A plan follows from who asked. `caller` says from which identity it was made; where that changed meanwhile, a store does nothing and raises
CallerChanged, and the engine makes the plan anew.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant
from holdfast.core.actor import Caller
from holdfast.core.condition import ALWAYS, Condition, Path, Stored
from holdfast.core.known import Known, all_known
from holdfast.core.view import View
from holdfast.model.catalog import ResourceSpec


class CallerChanged(HoldfastError):
    """The identity that a plan was made from has changed: nothing was done, and nothing of it is told."""


class ReadOne(msgspec.Struct, frozen=True):
    """Read one record, if it exists and `where` holds for it."""

    id: RecordId
    view: View
    where: Condition = ALWAYS
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key. Nulls are lowest; text compares by code point."""

    path: Path
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ReadMany:
    """Read one page of a list, with its exact total where `count` is set, from one snapshot.

    order    the sort keys; `id` is always the last one, so that the order is total
    ranked   order by rank before `order` (a search without a sort): decision 004
    after    the sort values of the row before this page (with rank first where `ranked`), id last; None: start at `offset`
    """

    view: View
    where: Condition
    order: tuple[Order, ...]
    limit: int
    offset: int = 0
    after: tuple[Stored, ...] | None = None
    ranked: bool = False
    count: bool = True
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """Insert one record. `values` holds every declared member in storage form; system members are the store's to fill.

    chosen_id   the caller chose the id, so it may belong to a living or deleted record: then 409 unique_conflict
    index_text  what is searched in it (core.search.fold_stored), where that was made beforehand; None: the store makes it
    become      must hold for the row as it would be, else 403 forbidden
    locked      member that was sent -> the part of `become` that lets it be: where that does not hold, 422 read_only instead
    shown       where it does not hold for the new row, the writer is told its id and version alone
    targets     member of a reference -> what must hold for the record it names, else 422 reference_missing
    known       what a refusal may name
    """

    id: RecordId
    view: View
    values: Mapping[str, Stored]
    chosen_id: bool = False
    index_text: str | None = None
    become: Condition = ALWAYS
    locked: Mapping[str, Condition] = field(default_factory=dict)
    shown: Condition = ALWAYS
    targets: Mapping[str, Condition] = field(default_factory=dict)
    known: Known = all_known

    @property
    def resource(self) -> ResourceSpec:
        """The resource that the step writes."""
        return self.view.resource


@dataclass(frozen=True, slots=True)
class Update:
    """Change one record.

    assign   member -> new stored value
    merge    member -> JSON merge patch (RFC 7396) for a stored document; settled against the row by core.change
    equal    member -> stored value that the row must hold already, else 422 read_only at that member
    version  the version the caller has read; None: any
    stale    the status of a stale version: 412 (If-Match), 409 (body or query), 428 (none was said, though one must be)
    where    must hold for the row as it is, else 404 not_found; where it does not hold for the new row, the writer is told its id and
             version alone
    allow    must hold for the row as it is, else 403 forbidden
    become   must hold for the row as it would be, else 403 forbidden
    locked   member -> what must hold for the row as it is before the member may change: else 422 read_only where it would
    seen     member that is sent -> what must hold for the row as it is, so that its value may be told. Where it does not, what is sent is
             never compared with it: a member that may not change is refused whatever is sent, and no reference is taken as what it was
    targets  member of a reference -> what must hold for the record that it is changed to, else 422 reference_missing
    known    what a refusal may name
    """

    id: RecordId
    view: View
    assign: Mapping[str, Stored]
    merge: Mapping[str, Any] = field(default_factory=dict)
    equal: Mapping[str, Stored] = field(default_factory=dict)
    version: int | None = None
    stale: int = 412
    where: Condition = ALWAYS
    allow: Condition = ALWAYS
    become: Condition = ALWAYS
    locked: Mapping[str, Condition] = field(default_factory=dict)
    seen: Mapping[str, Condition] = field(default_factory=dict)
    targets: Mapping[str, Condition] = field(default_factory=dict)
    known: Known = all_known

    @property
    def resource(self) -> ResourceSpec:
        """The resource that the step writes."""
        return self.view.resource


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete one record and what its references say: restrict refuses, cascade deletes, set_null changes the referring records.

    where  must hold for the row, else 404 not_found
    allow  must hold for the row, else 403 forbidden
    known  what a refusal may name of the records that refer to it
    """

    id: RecordId
    view: View
    version: int | None = None
    stale: int = 412
    where: Condition = ALWAYS
    allow: Condition = ALWAYS
    known: Known = all_known

    @property
    def resource(self) -> ResourceSpec:
        """The resource that the step writes."""
        return self.view.resource


@dataclass(frozen=True, slots=True)
class Undelete:
    """Make a deleted record again as it last was (its secrets excepted), under its id, with the next version.

    version, stale  as of an Update: of the record as it last was
    where  must hold for the record as it last was, else 404 not_found
    allow  must hold for the record as it last was, else 403 forbidden
    known  what a refusal may name
    """

    id: RecordId
    view: View
    version: int | None = None
    stale: int = 412
    where: Condition = ALWAYS
    allow: Condition = ALWAYS
    known: Known = all_known

    @property
    def resource(self) -> ResourceSpec:
        """The resource that the step writes."""
        return self.view.resource


WriteStep = Create | Update | Delete | Undelete


def told_where(step: Create | Update | Undelete) -> Condition:
    """What must hold for the record as it was written, so that its writer is told more than its id and version."""
    return step.shown if isinstance(step, Create) else step.where


class TicketUse(NamedTuple):
    """The ticket of an owner, used up by a write together with their others of its kind: refused invalid_credentials where it is gone.

    alone  refused validation_failed where others last beside it, because it does not tell whose it is
    """

    ticket_hash: bytes
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """One transaction: its steps in order, who asked, under which request id, when.

    deadline_s  monotonic time (ports.Clock) after which a queued write is taken out, never run: 503 deadline_exceeded
    step_prefix details of a refusal are prefixed with this template per step ("{}" none, "[{}]" bulk, "operations[{}]" batch)
    caller      looked at when the write runs, not when it was queued
    ticket      used up in the same transaction (ports.accounts)
    circular    its new records may refer to each other in a circle: references are looked at once all steps are done
    """

    steps: tuple[WriteStep, ...]
    actor_id: str | None
    request_id: str
    at: Instant
    deadline_s: float
    step_prefix: str = ""
    caller: Caller | None = None
    ticket: TicketUse | None = None
    circular: bool = False


@dataclass(frozen=True, slots=True)
class Erase:
    """Take the payloads of every entry about one record out of the journal. The rest of each entry, and every seal, stays."""

    resource: ResourceSpec
    id: RecordId
    request_id: str
    at: Instant
    deadline_s: float


class Row(msgspec.Struct, frozen=True, gc=False):
    """One record as it is shown: its JSON text (one object), its version, and the versions of what is included ("" if nothing)."""

    text: str
    id: RecordId
    version: int
    included: str = ""


class Kept(NamedTuple):
    """The answer to a write that is kept with its idempotency key, so that a repeat gets the very same.

    headers  (lower-case name, value) of this answer alone: etag, location, preference-applied
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Shown(NamedTuple):
    """A record that an answer tells more of than its id and version, and what must hold for it so that this may be told again."""

    resource: ResourceSpec
    id: RecordId
    where: Condition


class Claim(NamedTuple):
    """An idempotency key, claimed in the transaction of its write.

    key_hash     16 bytes: who asks, method, path and key
    fingerprint  16 bytes: what is asked, so that another request under the same key is told from a repeat
    keep         one Row for each step, as a store returns them -> the answer that is kept. Pure; called within the transaction.
                 None: the answer follows from those Rows, and they from the journal: nothing is kept (core.idempotency.is_in_journal)
    shows        an answer that was kept -> every record that it shows, each of which this caller must be able to see still. Pure
    """

    key_hash: bytes
    fingerprint: bytes
    keep: "Callable[[tuple[Row | None, ...]], Kept] | None" = None
    shows: "Callable[[Kept], Iterable[Shown]]" = lambda _: ()


class Done(NamedTuple):
    """What became of a write with an idempotency key.

    rows      one Row for each step, of this write or of the one that it repeats
    kept      the answer that was kept, which stands for the rows
    replayed  an earlier request has made it; this one changed nothing
    """

    rows: "tuple[Row | None, ...]"
    kept: Kept | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the rows as JSON texts, the sort values of the last row (None if the list ends here), the total if asked."""

    rows: tuple[str, ...]
    next: tuple[Stored, ...] | None
    total: int | None
