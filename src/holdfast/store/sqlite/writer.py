"""The writer: the one thread of a process that changes the database."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import apsw

from holdfast.base.errors import Unavailable
from holdfast.base.limits import GROUP_REQUESTS_MAX, QUEUE_REQUESTS_MAX
from holdfast.ports.world import Clock
from holdfast.store.sqlite.file import DatabaseFile, FileMoved
from holdfast.store.sqlite.group import Finish, Outcome, begin, disown, doubt, fail, is_doubtful, roll_back, run_group
from holdfast.store.sqlite.queue import Job, JobQueue, Work
from holdfast.store.sqlite.turn import Turn

GROUP_STEPS_MAX = 1_000  # one bulk request; keeps the turn of a group in the tens of milliseconds
BULK_STEPS_MAX = 4_000  # measured with the atlas: half the time in COMMIT; twice as many bring a tenth more
TURN_WAIT_MAX_S = 2.0  # for so long the turn stays away only if another process has stopped while it held it
PROBE_INTERVAL_S = 1.0  # after a fault the disk is tried this often, so that readiness returns without a request


class Writer:
    """Takes jobs from the queue in groups, each group one transaction in one turn, and answers after the commit.

    bulk  a group goes on with what was queued meanwhile, up to BULK_STEPS_MAX, as long as no other process waits for the turn
    """

    def __init__(
        self,
        file: DatabaseFile,
        connect: Callable[[Path], apsw.Connection],
        turn: Turn,
        clock: Clock,
        finish: Finish = lambda _: None,
        *,
        queue_max: int = QUEUE_REQUESTS_MAX,
        group_max: int = GROUP_REQUESTS_MAX,
        bulk: bool = False,
    ) -> None:
        self._file = file
        self._connect = connect
        self._turn = turn
        self._clock = clock
        self._finish = finish
        self._group_max = group_max
        self._steps_max = BULK_STEPS_MAX if bulk else 0
        self._queue = JobQueue(queue_max)
        self._taken: list[Job] = []
        self._connection: apsw.Connection | None = None
        self._doubtful = False
        self._damage = ""
        self._waiting_since_s: float | None = None
        self._waking: asyncio.AbstractEventLoop | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._sweep_loop: asyncio.AbstractEventLoop | None = None
        self._sweep_at_s = 0.0
        self.fault = ""
        """Why the last write could not be made, for the operator; "" once one could."""
        self._thread = Thread(target=self._run, name="holdfast-writer", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        """How many jobs wait."""
        return len(self._queue)

    def tell_fault(self) -> str:
        """Why no write can be made now: the fault of the last one, or a turn that does not come; "" where nothing is known."""
        since_s = self._waiting_since_s
        if self.fault or since_s is None or self._clock.monotonic_s() - since_s <= TURN_WAIT_MAX_S:
            return self.fault
        return "writes wait for another process, which holds holdfast.turn"

    def submit(self, work: Work, deadline_s: float, *, weight: int = 1, guarded: bool = True) -> "asyncio.Future[Any]":
        """Queue a job (queue.Job says what the arguments mean). Its future has what `work` returned, once that is durable, or the error.

        Raises Unavailable (overloaded) if the queue is full. Call it on the loop.
        """
        loop = asyncio.get_running_loop()
        job = Job(work, deadline_s, weight, guarded, loop.create_future())
        if not self._queue.put(job):
            raise Unavailable("overloaded")
        if self._waking is not loop:
            self._waking = loop
            loop.call_soon(self._wake)
        if self._sweep is None or deadline_s < self._sweep_at_s or self._sweep_loop is not loop:
            self._arm(loop, deadline_s)
        return job.future

    def close(self, timeout_s: float | None = None) -> bool:
        """Finish what is queued and end the thread; blocks. Whether it ended in time."""
        self._queue.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _wake(self) -> None:
        """Wake the thread: once for all that came with one turn of the loop, so that they are one group, not the first of them alone."""
        self._waking = None
        self._queue.wake()

    # On the loop: a queued job past its deadline is answered even while the writer thread waits for a lock.

    def _arm(self, loop: asyncio.AbstractEventLoop, deadline_s: float) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
        self._sweep_loop, self._sweep_at_s = loop, deadline_s
        self._sweep = loop.call_later(max(0.0, deadline_s - self._clock.monotonic_s()), self._take_expired, loop)

    def _take_expired(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep = None
        _deliver([_expire(job) for job in self._queue.take_expired(self._clock.monotonic_s())])
        deadline_s = self._queue.next_deadline()
        if deadline_s is not None:
            self._arm(loop, deadline_s)

    # In the writer thread.

    def _run(self) -> None:
        while not self._queue.ended:
            work = self._queue.wait(PROBE_INTERVAL_S if self.fault else None)
            try:
                if work:
                    _answer(self._serve())
                    self._taken = []
                elif self.fault and not self._queue.ended:
                    self._probe()
            except Exception as error:  # noqa: BLE001  # whatever happens, the thread goes on and nobody waits in vain
                self._forget(doubtful=True)
                self.fault = _describe(error)
                taken, self._taken = self._taken, []
                _answer([doubt(job, error) for job in taken] + [fail(job, error) for job in self._queue.take_all()])
        self._forget()

    def _serve(self) -> list[Outcome]:
        """Run one group in one turn. The queue is emptied only once the turn and the lock are held: who waits can still be taken out."""
        try:
            self._check()
        except apsw.Error as error:
            return self._give_up(error)
        self._waiting_since_s = self._clock.monotonic_s()
        with self._turn:
            self._waiting_since_s = None
            try:
                connection = self._ready()
                begin(connection)
            except apsw.BusyError as error:
                self.fault = _describe(error)  # an outsider holds the lock: wait on, within the deadlines
                return []
            except apsw.Error as error:
                return self._give_up(error)
            return self._run_taken(connection)

    def _give_up(self, error: apsw.Error) -> list[Outcome]:
        """Nothing can be written: whoever waits is told so."""
        self._blame(error)
        return [fail(job, error) for job in self._queue.take_all()]

    def _run_taken(self, connection: apsw.Connection) -> list[Outcome]:
        late: list[Outcome] = []
        group = self._taken = self._take(GROUP_STEPS_MAX, late)
        if not group:
            roll_back(connection)
            return late
        outcomes = run_group(connection, group, self._finish, lambda: self._take_more(group, late))
        self._judge(outcomes)
        return late + self._confirm(outcomes)

    def _take(self, steps_max: int, late: list[Outcome]) -> list[Job]:
        """Take jobs from the queue; those that come too late join `late` as they are answered."""
        now_s = self._clock.monotonic_s()
        taken = self._queue.take(self._group_max, steps_max)
        late.extend(_expire(job) for job in taken if job.deadline_s <= now_s)
        return [job for job in taken if job.deadline_s > now_s]

    def _take_more(self, group: list[Job], late: list[Outcome]) -> list[Job]:
        """What can still join a group that has run. Who waits for the turn waits for no more than they would have anyway."""
        left = self._steps_max - sum(job.weight for job in group)
        return [] if left <= 0 or self._turn.is_awaited() else self._take(min(left, GROUP_STEPS_MAX), late)

    def _judge(self, outcomes: list[Outcome]) -> None:
        """Remember whether the disk took the last group, and what must be done before the next."""
        if is_doubtful(outcomes):
            self._forget(doubtful=True)
        causes = [each.error.__cause__ for each in outcomes if isinstance(each.error, Unavailable) and each.error.__cause__ is not None]
        if causes:
            self.fault = _describe(causes[-1])
        elif any(each.error is None for each in outcomes):
            self.fault = ""

    def _confirm(self, outcomes: list[Outcome]) -> list[Outcome]:
        """What may be told of a group that was committed: nothing, if the file lost its name meanwhile."""
        try:
            self._file.check()
        except FileMoved as error:
            self._blame(error)
            return disown(outcomes, error)
        return outcomes

    def _ready(self) -> apsw.Connection:
        """The connection, opened again if it was given up, while its file is in its place."""
        if self._damage:
            raise apsw.CorruptError(self._damage)
        if self._connection is None:
            self._connection = self._file.open(self._connect)
        else:
            self._file.check()
        return self._connection

    def _check(self) -> None:
        """After a commit of unknown fate: see that the database is sound before anything more is written to it by this process.

        It reads all of it, and so runs without the turn: the others, who have no doubt, write meanwhile.
        """
        if not self._doubtful:
            return
        found = self._ready().execute("PRAGMA quick_check(1)").fetchall()
        if found != [("ok",)]:
            self._damage = str(found[0][0])
            raise apsw.CorruptError(self._damage)
        self._doubtful = False

    def _probe(self) -> None:
        """Try the disk after a fault."""
        try:
            self._check()
            with self._turn:
                connection = self._ready()
                begin(connection)
                connection.execute("INSERT OR REPLACE INTO hf_meta (key, value) VALUES ('probe', ?)", (str(self._clock.now()),))
                connection.execute("COMMIT")
                self._file.check()
        except apsw.Error as error:
            self._blame(error)
        else:
            self.fault = ""

    def _blame(self, error: apsw.Error) -> None:
        """Remember why nothing can be written. A connection whose file was moved is kept: it may be all that holds the end of the log."""
        if not isinstance(error, FileMoved):
            self._forget()
        self.fault = _describe(error)

    def _forget(self, *, doubtful: bool = False) -> None:
        """Give the connection up; the next group opens another."""
        self._doubtful = self._doubtful or doubtful
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(apsw.Error):  # it was given up because of such an error
                self._file.close(connection)


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _expire(job: Job) -> Outcome:
    return Outcome(job, error=Unavailable("deadline_exceeded"))


def _answer(outcomes: list[Outcome]) -> None:
    """Hand outcomes to the loop: one call for the whole group."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for each in outcomes:
        by_loop.setdefault(each.job.future.get_loop(), []).append(each)
    for loop, group in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_deliver, group)


def _deliver(outcomes: list[Outcome]) -> None:
    for each in outcomes:
        future = each.job.future
        if future.done():
            continue  # its caller is gone
        if each.error is None:
            future.set_result(each.value)
        else:
            future.set_exception(each.error)
