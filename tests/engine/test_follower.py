"""The follower: who listens is told of every move, of heartbeats and of the end, and nobody looks while nobody listens."""

import asyncio
import itertools

import pytest

from holdfast.base.errors import Unavailable
from holdfast.base.limits import STREAMS_PER_TURN
from holdfast.engine import follower as module
from holdfast.engine.follower import Follower


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look every few milliseconds."""
    monkeypatch.setattr(module, "LOOK_S", 0.002)


class World:
    """A journal and a clock, set by hand."""

    def __init__(self) -> None:
        self.seq = 5
        self.now_s = 0.0
        self.looks = self.moves = 0
        self.broken = False

    def head(self) -> int:
        """The head; counts who asks."""
        self.looks += 1
        if self.broken:
            raise Unavailable("unavailable")
        return self.seq

    def move(self) -> None:
        """The journal has moved."""
        self.moves += 1


async def _turns(follower: Follower, within_s: float = 0.5) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await follower.go_on(follower.news)
    except TimeoutError:
        return False
    return True


def test_listeners_are_told_of_moves_heartbeats_and_the_end() -> None:
    """A new head, fifteen silent seconds and the end each turn every listener; silence alone turns nobody."""
    world = World()

    async def story() -> None:
        follower = Follower(world.head, lambda: world.now_s, world.move)
        with follower.listening(), follower.listening():
            assert await _turns(follower)  # the first look
            assert not await _turns(follower, 0.03)
            world.seq += 1
            assert await _turns(follower)
            world.now_s += module.HEARTBEAT_S
            assert await _turns(follower)
            assert world.moves == 2
            ending = asyncio.create_task(_turns(follower))
            await asyncio.sleep(0)
            follower.end()
            assert await ending
            assert follower.ended

    asyncio.run(story())


def test_nobody_looks_while_nobody_listens() -> None:
    """Looking ends with the last listener and begins again with the next."""
    world = World()

    async def story() -> None:
        follower = Follower(world.head, lambda: world.now_s, world.move)
        with follower.listening():
            assert await _turns(follower)
        looks = world.looks
        await asyncio.sleep(0.03)
        assert (world.looks, follower.listeners) == (looks, 0)
        with follower.listening():
            world.seq += 1
            assert await _turns(follower)

    asyncio.run(story())


def test_a_database_that_is_away_is_looked_at_again() -> None:
    """While the head cannot be read nobody is told anything; once it can be, they are."""
    world = World()
    world.broken = True

    async def story() -> None:
        follower = Follower(world.head, lambda: world.now_s, world.move)
        with follower.listening():
            assert not await _turns(follower, 0.03)
            world.broken = False
            assert await _turns(follower)

    asyncio.run(story())


def test_few_go_on_in_one_turn_of_the_loop() -> None:
    """Of many who hear of one move a few go on at a time, all of them soon, and whoever left meanwhile is not waited for."""
    world = World()

    async def story() -> list[int]:
        follower = Follower(world.head, lambda: world.now_s, world.move)
        went: list[int] = []

        async def listen(number: int) -> None:
            await follower.go_on(follower.news)
            went.append(number)

        listeners = [asyncio.create_task(listen(number)) for number in range(5 * STREAMS_PER_TURN)]
        await asyncio.sleep(0)
        follower.end()
        for each in listeners[::5]:
            each.cancel()
        counts = [0]
        while not all(each.done() for each in listeners):
            await asyncio.sleep(0)
            counts.append(len(went))
        return [after - before for before, after in itertools.pairwise(counts)]

    at_once = asyncio.run(story())
    assert sum(at_once) == 4 * STREAMS_PER_TURN
    assert max(at_once) <= STREAMS_PER_TURN


def test_who_has_more_to_read_waits_for_no_news() -> None:
    """Nor does who has not heard of the last: each waits for their turn alone, among the others."""
    world = World()

    async def story() -> None:
        follower = Follower(world.head, lambda: world.now_s, world.move)
        before = follower.news
        follower.end()
        async with asyncio.timeout(10):
            await asyncio.gather(follower.go_on(None), follower.go_on(before))

    asyncio.run(story())


def test_nobody_looks_once_all_is_over() -> None:
    """After the end the journal is left alone, also by who comes late: its store may be closed."""
    world = World()

    async def story() -> None:
        follower = Follower(world.head, lambda: world.now_s, world.move)
        with follower.listening():
            follower.end()
            looks = world.looks
            with follower.listening():
                await asyncio.sleep(0.03)
            assert world.looks == looks

    asyncio.run(story())
