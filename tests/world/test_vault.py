"""The vault under more than it can hash: what is to be stored never keeps a sign-in from its place."""

import asyncio
from collections.abc import Awaitable, Iterator

import pytest

from holdfast.base.errors import Unavailable
from holdfast.base.limits import HASHES_SEALING_MAX, HASHES_WAITING_MAX
from holdfast.world.vault import Vault


@pytest.fixture
def vault() -> Iterator[Vault]:
    """A vault that hashes in earnest."""
    made = Vault(bytes(32))
    yield made
    made.close()


async def _code(waiting: Awaitable[object]) -> str | None:
    try:
        await waiting
    except Unavailable as error:
        return error.code
    return None


def test_places_are_kept_for_verifying(vault: Vault) -> None:
    """While all that may be sealed is, more of it is refused at once, and whoever signs in is let in; then there is room again."""

    async def story() -> None:
        sealing = [asyncio.create_task(vault.seal("hashed", str(number))) for number in range(HASHES_SEALING_MAX)]
        await asyncio.sleep(0)
        assert await _code(vault.seal("hashed", "one more")) == "overloaded"
        assert (await vault.seal("encrypted", "is quick")).startswith("aes256gcm:")
        signing_in = [asyncio.create_task(vault.verify(None, "anyone")) for _ in range(8)]
        assert await asyncio.gather(*signing_in) == [False] * 8
        first, *_ = await asyncio.gather(*sealing)
        assert await vault.verify(first, "0")
        assert await vault.verify(await vault.seal("hashed", "one more"), "one more")

    asyncio.run(story())


def test_verifying_is_bounded_too(vault: Vault) -> None:
    """More sign-ins than may wait are refused, and so is sealing then; who leaves gives their place back."""

    async def story() -> None:
        waiting = [asyncio.create_task(_code(vault.verify(None, "anyone"))) for _ in range(HASHES_WAITING_MAX + 8)]
        await asyncio.sleep(0)
        assert await _code(vault.seal("hashed", "one more")) == "overloaded"
        await asyncio.sleep(0)
        refused = [each for each in waiting if each.done()]
        assert {each.result() for each in refused} == {"overloaded"}
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert await _code(vault.seal("hashed", "one more")) is None

    asyncio.run(story())
