"""The fingerprint of the master key: a database is opened with the key that it was made with, or not at all."""

import asyncio
from pathlib import Path

import pytest
from sqlite_library import CATALOG, CLOCK, look

from holdfast.base.errors import Misconfigured
from holdfast.core.journal import Sign
from holdfast.store.sqlite.store import SqliteStore
from holdfast.world.vault import Vault

FIRST, SECOND = (bytes([number]) * 32 for number in (1, 2))


def open_with(data_dir: Path, key: bytes) -> list[bool]:
    """Open and close a store with a key; whether the key might have been made."""
    asked: list[bool] = []

    def give(may_make: bool) -> Sign:  # noqa: FBT001  # the form of Keys
        asked.append(may_make)
        vault = Vault(key)
        return lambda message: vault.sign("journal", message)

    async def story() -> None:
        await SqliteStore(CATALOG, data_dir, CLOCK, create=True, keys=give).close()

    asyncio.run(story())
    return asked


def test_a_key_may_be_made_for_a_new_database_alone(tmp_path: Path) -> None:
    """The first start may make the key; from then on a missing one is a loss, not a beginning."""
    assert open_with(tmp_path, FIRST) == [True]
    assert open_with(tmp_path, FIRST) == [False]


def test_another_key_is_refused(tmp_path: Path) -> None:
    """With another key nothing is opened; the mend says what to restore. The right one opens it again."""
    open_with(tmp_path, FIRST)
    with pytest.raises(Misconfigured) as refused:
        open_with(tmp_path, SECOND)
    assert "not the one" in refused.value.problem
    assert "Restore the key" in refused.value.mend
    assert open_with(tmp_path, FIRST) == [False]


def test_a_database_of_before_takes_the_key_it_meets(tmp_path: Path) -> None:
    """One that has no fingerprint yet gets it at the next start."""
    open_with(tmp_path, FIRST)
    look(tmp_path, "DELETE FROM hf_meta WHERE key = 'key_fingerprint'")

    assert open_with(tmp_path, SECOND) == [True]
    with pytest.raises(Misconfigured):
        open_with(tmp_path, FIRST)


def test_the_fingerprint_tells_nothing_of_the_key(tmp_path: Path) -> None:
    """It is a keyed digest: 16 bytes in hexadecimal, and the key stands nowhere in the file."""
    open_with(tmp_path, FIRST)
    ((value,),) = look(tmp_path, "SELECT value FROM hf_meta WHERE key = 'key_fingerprint'")
    assert len(bytes.fromhex(str(value))) == 16
    assert FIRST.hex() not in str(value)
    assert FIRST not in (tmp_path / "holdfast.db").read_bytes()
