"""What is shared: found once for all who ask in the same words, by whoever of them stays, and never if it failed."""

import asyncio
from collections.abc import Callable

import pytest

from holdfast.base.errors import Unavailable
from holdfast.engine.shared import Shared


def test_an_answer_that_is_there_at_once_is_found_once() -> None:
    """A failure is nobody's: who asks next tries anew, until there is an answer."""
    found: list[str] = []

    def fail() -> str:
        raise Unavailable("unavailable")

    def finding(answer: str) -> Callable[[], str]:
        def find() -> str:
            found.append(answer)
            return answer

        return find

    async def story() -> None:
        shared: Shared[int, str] = Shared(2)
        with pytest.raises(Unavailable):
            await shared.ask(1, fail)
        assert [await shared.ask(1, finding(name)) for name in ("a", "b")] == ["a", "a"]
        assert [await shared.ask(number, finding(str(number))) for number in (2, 3)] == ["2", "3"]
        assert await shared.ask(2, fail) == "2"
        assert await shared.ask(1, finding("one too many")) == "one too many"
        shared.clear()
        assert await shared.ask(3, finding("anew")) == "anew"
        assert found == ["a", "2", "3", "one too many", "anew"]

    asyncio.run(story())


def test_who_leaves_takes_an_answer_from_nobody() -> None:
    """It is found for those who still wait, although who asked first has left."""

    async def story() -> None:
        shared: Shared[int, str] = Shared(2)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        first, second = [asyncio.create_task(shared.ask(1, lambda: answer)) for _ in range(2)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        answer.set_result("found")
        assert first.cancelled()
        assert await second == "found"

    asyncio.run(story())
