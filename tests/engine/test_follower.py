"""The follower: who listens is told of every move, of heartbeats and of the end, and nobody looks while nobody listens."""

import asyncio

import pytest

from holdfast.base.errors import Unavailable
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
    turned = follower.turned
    try:
        async with asyncio.timeout(within_s):
            await turned.wait()
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
