"""Group commit: several jobs in one transaction, made durable by one COMMIT, and each undone by itself if it fails.

A job of several statements that may be refused half-way has a savepoint. A plain one is refused, if at all, by its first statement,
which SQLite undoes alone; its savepoint would cost more than the job (a full-text index writes a segment for each). Should one fail
after it has changed something all the same, the whole transaction is given up, and the others run one by one.

A refusal is an answer too: who was refused after a neighbour had written may have been refused because of it. So it stands only if the
transaction was committed, or if nobody before it had written.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from holdfast.base.errors import Broken, HoldfastError, Refused, Unavailable
from holdfast.store.sqlite.fault import build_fault
from holdfast.store.sqlite.queue import Job

Finish = Callable[[apsw.Connection], None]
"""What a group does last, in the transaction of all its jobs."""

More = Callable[[], Iterable[Job]]
"""What else can go into a group whose jobs have run; nothing ends it."""


@dataclass(slots=True, eq=False)
class Outcome:
    """What became of a job: its value, or its error."""

    job: Job
    value: Any = None
    error: HoldfastError | None = None


def begin(connection: apsw.Connection) -> None:
    """Begin the transaction of a group, with SQLite's write lock. Raises apsw.Error."""
    connection.execute("BEGIN IMMEDIATE")


def run_group(connection: apsw.Connection, jobs: list[Job], finish: Finish = lambda _: None, more: More = lambda: ()) -> list[Outcome]:
    """Run jobs in the transaction that was begun, and `more` that join them, finish it and end it; an outcome for each job, in order.

    A fault may take the whole transaction with it. Then nothing of the group happened: the offender is answered and the others run
    one by one; an offender that was refused runs again too, for what it was refused for may be gone.
    A COMMIT that fails is `outcome_unknown` for all, unless it is known that nothing was written.
    Raises apsw.Error only where SQLite cannot even roll back.
    """
    outcomes: list[Outcome] = []
    for job in jobs:
        outcomes.append(_run_guarded(connection, job) if job.guarded and len(jobs) > 1 else _run_plain(connection, job))
        if not connection.in_transaction:
            return _run_apart(connection, jobs, outcomes[-1], finish) if len(jobs) > 1 else outcomes
        if len(outcomes) == len(jobs):
            jobs.extend(more())
    return _end(connection, outcomes, finish)


def is_doubtful(outcomes: Sequence[Outcome]) -> bool:
    """Whether it is not known what the database holds."""
    return any(isinstance(each.error, Unavailable) and each.error.code == "outcome_unknown" for each in outcomes)


def fail(job: Job, error: Exception) -> Outcome:
    """The outcome of a job that could not run."""
    fault = build_fault(error) if isinstance(error, apsw.Error) else Broken(f"{type(error).__name__}: {error}")
    fault.__cause__ = error
    return Outcome(job, error=fault)


def disown(outcomes: list[Outcome], error: Exception) -> list[Outcome]:
    """The outcomes of a group that was committed to what may not be the database any more."""
    return _undo(outcomes, error, doubt)


def roll_back(connection: apsw.Connection) -> None:
    """End the transaction without a trace, if one is still open."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _run_plain(connection: apsw.Connection, job: Job) -> Outcome:
    changes = connection.total_changes()
    outcome = _attempt(connection, job)
    if outcome.error is not None and connection.total_changes() != changes:
        roll_back(connection)
    return outcome


def _run_guarded(connection: apsw.Connection, job: Job) -> Outcome:
    try:
        connection.execute("SAVEPOINT job")
        outcome = _attempt(connection, job)
        if connection.in_transaction:
            if outcome.error is not None:
                connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
    except apsw.Error as error:
        roll_back(connection)
        return fail(job, error)
    return outcome


def _attempt(connection: apsw.Connection, job: Job) -> Outcome:
    try:
        value = job.work(connection)
    except HoldfastError as error:
        return Outcome(job, error=error)
    except Exception as error:  # noqa: BLE001  # a bug in one job must not end the writer, nor harm its neighbours
        return fail(job, error)
    if not connection.in_transaction:
        return Outcome(job, error=Broken("a job ended the transaction of its group"))
    return Outcome(job, value)


def _run_apart(connection: apsw.Connection, jobs: Sequence[Job], offender: Outcome, finish: Finish) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for job in jobs:
        if job is offender.job and not isinstance(offender.error, Refused):
            outcomes.append(offender)
        elif is_doubtful(outcomes):
            outcomes.append(Outcome(job, error=Unavailable("unavailable")))
        else:
            outcomes.append(_run_by_itself(connection, job, finish))
    return outcomes


def _run_by_itself(connection: apsw.Connection, job: Job, finish: Finish) -> Outcome:
    try:
        begin(connection)
    except apsw.Error as error:
        return fail(job, error)
    (outcome,) = run_group(connection, [job], finish)
    return outcome


def _end(connection: apsw.Connection, outcomes: list[Outcome], finish: Finish) -> list[Outcome]:
    if all(each.error is not None for each in outcomes):
        roll_back(connection)
        return outcomes
    try:
        finish(connection)
    except Exception as error:  # noqa: BLE001  # whatever it was, nothing is committed, and that is known
        roll_back(connection)
        return _undo(outcomes, error, fail)
    try:
        connection.execute("COMMIT")
    except apsw.Error as error:
        return _end_uncommitted(connection, outcomes, error)
    return outcomes


def _end_uncommitted(connection: apsw.Connection, outcomes: list[Outcome], error: apsw.Error) -> list[Outcome]:
    """Say what a failed COMMIT means.

    A transaction that is still open was not committed. SQLITE_FULL means that a frame of the log could not be written whole, the last
    of which would have been the commit. Anything else may have reached the disk: a later recovery of the log can bring it back.
    """
    known = connection.in_transaction or isinstance(error, apsw.FullError)
    roll_back(connection)
    return _undo(outcomes, error, fail if known else doubt)


def _undo(outcomes: list[Outcome], error: Exception, end: Callable[[Job, Exception], Outcome]) -> list[Outcome]:
    """The outcomes of a transaction that was not committed: `end` for who had succeeded, and who was refused after that was not done."""
    undone: list[Outcome] = []
    written = False
    for each in outcomes:
        written = written or each.error is None
        if each.error is None:
            undone.append(end(each.job, error))
        elif written and isinstance(each.error, Refused):
            undone.append(fail(each.job, error))
        else:
            undone.append(each)
    return undone


def doubt(job: Job, error: Exception) -> Outcome:
    """The outcome of a job of which nobody knows whether it was committed."""
    unknown = Unavailable("outcome_unknown")
    unknown.__cause__ = error
    return Outcome(job, error=unknown)
