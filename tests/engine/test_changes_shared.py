"""Listeners who stand at the same place share one reading, but never one that has failed or that nobody may still refresh."""

import asyncio
from collections.abc import AsyncGenerator

from engine_harness import Desk, head

from holdfast import Access, Backend, Resource, anyone
from holdfast.base.errors import Unavailable
from holdfast.core.exchange import Reply
from holdfast.core.plan import Row
from holdfast.core.readings import ChangesPage, HistoryPage, ReadAsOf, ReadChanges, ReadHistory, Touched
from holdfast.core.reply import Replies
from holdfast.core.routes import Action, Route
from holdfast.engine.changes import SHARED_MAX, Changes
from holdfast.world.clock import SystemClock


class House(Resource):
    """A house."""

    name: str

    access = Access(read=anyone, write=anyone)


class SlowJournal:
    """A journal of one change whose readings wait until they are let go, and fail while it is broken."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.broken = False
        self.readings = 0

    def head(self) -> int:
        """One change is there."""
        return 1

    def read_as_of(self, plan: ReadAsOf) -> Row | None:
        """Nothing is known of the past."""

    def read_history(self, plan: ReadHistory) -> HistoryPage | None:
        """Nothing is known of any record."""

    def read_touched(self, after: int, upto: int) -> Touched:
        """The one change is of a house, wherever one looks from."""
        return Touched(frozenset({"houses"}), max(after, upto))

    async def read_changes(self, plan: ReadChanges) -> ChangesPage:
        """The one change, for who has not got it."""
        self.readings += 1
        await self.go_on.wait()
        if self.broken:
            raise Unavailable("unavailable")
        return ChangesPage(((1, "{}"),) if plan.after < 1 else (), 1, 1)


async def _listen(desk: Desk, after: int = 0, *, peer: str = "127.0.0.1") -> Reply:
    opened = desk.engine.open(head("GET", f"/api/v1/changes?after={after}", peer=peer, accept="text/event-stream"))
    assert not isinstance(opened, Reply)
    answer = opened.answer(b"")
    return answer if isinstance(answer, Reply) else await answer


def _open(journal: SlowJournal) -> tuple[Changes, Desk]:
    catalog = Backend(House).catalog
    changes = Changes(catalog, journal=journal, clock=SystemClock(), replies=Replies())
    return changes, Desk({Route("GET", "/api/v1/changes", Action.CHANGES): changes.read}, catalog=catalog)


def test_a_reading_that_failed_is_tried_anew_at_the_same_place() -> None:
    """Those who share a reading share its failure; the next at that place is answered once the database is."""

    async def story() -> None:
        journal = SlowJournal()
        changes, desk = _open(journal)
        journal.broken = True
        with changes.follower.listening():
            waiting = [asyncio.create_task(_listen(desk)) for _ in range(2)]
            await asyncio.sleep(0)
            journal.go_on.set()
            assert [each.status for each in await asyncio.gather(*waiting)] == [503, 503]
            assert journal.readings == 1
            journal.broken = False
            assert (await _listen(desk)).status == 200
            assert journal.readings == 2

    asyncio.run(story())


def test_shared_readings_go_with_the_last_listener() -> None:
    """While somebody listens a place is read once; who comes after all have left reads for themselves."""

    async def story() -> None:
        journal = SlowJournal()
        journal.go_on.set()
        changes, desk = _open(journal)
        for readings in (1, 2):
            replies = [await _listen(desk), await _listen(desk)]
            assert [each.status for each in replies] == [200, 200]
            assert journal.readings == readings
            for each in replies:
                assert isinstance(each.body, AsyncGenerator)
                await each.body.aclose()
            assert changes.follower.listeners == 0

    asyncio.run(story())


def test_only_the_newest_readings_are_shared() -> None:
    """However many places listeners stand at, few answers are kept for others: the oldest is let go for each that is one too many."""

    async def story() -> None:
        journal = SlowJournal()
        journal.go_on.set()
        changes, desk = _open(journal)
        with changes.follower.listening():
            for after in range(SHARED_MAX + 1):
                await _listen(desk, after, peer=f"10.0.0.{after}")
            assert journal.readings == SHARED_MAX + 1
            for after, readings in ((SHARED_MAX, 0), (1, 0), (0, 1)):
                journal.readings = 0
                await _listen(desk, after, peer="10.0.1.1")
                assert journal.readings == readings

    asyncio.run(story())
