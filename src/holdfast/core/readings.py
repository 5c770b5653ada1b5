"""Readings of the journal, as plans: a record as it was, its history, the changes of everything in order. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from holdfast.base.ids import RecordId
from holdfast.core.actor import Caller
from holdfast.core.condition import ALWAYS, Condition
from holdfast.core.view import View


@dataclass(frozen=True, slots=True)
class ReadAsOf:
    """Read one record as it was at a time (a stored timestamp), if it existed then. The view includes nothing.

    where  must hold for the record as it was then, and as it is, or as it last was
    """

    id: RecordId
    view: View
    at: str
    where: Condition = ALWAYS
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """Read what happened to one record, newest first; of a deleted one too.

    before  the sequence before which the page begins; None: at the newest entry
    where   must hold for the record as it is, or as it last was; of an entry only the images are shown for which it holds
    """

    id: RecordId
    view: View
    limit: int
    before: int | None = None
    where: Condition = ALWAYS
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Entries as JSON texts, newest first, and the sequence of the last one if there are more."""

    entries: tuple[str, ...]
    next: int | None


class Watched(msgspec.Struct, frozen=True, cache_hash=True):
    """How one resource is shown in the changes: its view (which includes nothing), and which of its records may be seen."""

    view: View
    where: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class ReadChanges:
    """Read the changes after a sequence, in the order in which they were committed.

    watched  resource path -> how it is shown; the changes of other resources are passed over
    upto     the sequence that is looked at last; None: the last one there is
    """

    after: int
    limit: int
    watched: Mapping[str, Watched]
    caller: Caller | None = None
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Touched:
    """The resources (by path) that some entries in a row are about, whoever may see those, and the sequence of the last one."""

    paths: frozenset[str]
    upto: int


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Some changes.

    changes  (sequence, JSON text), in order; perhaps fewer than there are, even none
    next     the sequence after which to go on: everything up to it was looked at
    head     the last sequence of the journal in the same snapshot: where `next` equals it, that was all
    """

    changes: tuple[tuple[int, str], ...]
    next: int
    head: int
