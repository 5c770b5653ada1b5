"""Health: what the probe sees, and how soon."""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from sqlite_library import AUTHORS, CATALOG, CLOCK, create, run, write

from holdfast.base.instant import Instant
from holdfast.ports.store import Health
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite import health as health_room
from holdfast.store.sqlite import writer as writer_room
from holdfast.store.sqlite.file import DatabaseFile
from holdfast.store.sqlite.health import HealthProbe
from holdfast.store.sqlite.lane import Lane
from holdfast.store.sqlite.schema import prepare
from holdfast.store.sqlite.store import SqliteStore


def probe(data_dir: Path, fault: Callable[[], str] = lambda: "", *, disk_free_min: int = 0) -> HealthProbe:
    """A probe of a database that was just made."""
    file = DatabaseFile(prepare(data_dir, CATALOG, Renderer(CATALOG), CLOCK, create=True))
    return HealthProbe(file, Lane(file, CLOCK), fault, CLOCK, disk_free_min=disk_free_min)


def wait_for(is_so: Callable[[], bool], within_s: float = 2.0) -> bool:
    """Whether something becomes so in time."""
    until = time.monotonic() + within_s
    while not is_so() and time.monotonic() < until:
        time.sleep(0.01)
    return is_so()


def test_a_good_database_is_readable_and_writable(tmp_path: Path) -> None:
    """A store that just started is healthy."""

    async def story(store: SqliteStore) -> Health:
        return store.health()

    assert run(tmp_path, story) == Health(readable=True, writable=True)


def test_a_fault_of_the_writer_makes_it_unwritable_until_it_heals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the writer met is told with its reason, and forgotten once it is over."""
    monkeypatch.setattr(health_room, "INTERVAL_S", 0.02)
    faults = ["the disk is full"]
    watched = probe(tmp_path, lambda: faults[0])
    assert watched.tell() == Health(readable=True, writable=False, reason="the disk is full")
    faults[0] = ""
    assert wait_for(lambda: watched.tell().writable)
    watched.close()


def test_a_nearly_full_disk_is_not_writable(tmp_path: Path) -> None:
    """Below the least free space readiness ends before writes fail."""
    watched = probe(tmp_path, disk_free_min=1 << 62)
    assert watched.tell().readable
    assert "MiB are free" in watched.tell().reason
    watched.close()


@pytest.mark.parametrize("lose", [os.remove, lambda path: os.replace(path.with_name("other"), path)])
def test_a_lost_file_is_told_within_two_seconds(tmp_path: Path, lose: Callable[[Path], None]) -> None:
    """A database file that was removed or replaced under the connection is not the one that is served."""
    watched = probe(tmp_path)
    (tmp_path / "other").write_bytes(b"")
    assert watched.tell().readable
    lose(tmp_path / "holdfast.db")
    assert wait_for(lambda: not watched.tell().readable)
    assert watched.tell().reason
    watched.close()


class SlowClock:
    """A clock that hangs, as a disk would, until it is let go."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.hanging = False

    def now(self) -> Instant:
        """The real time."""
        return CLOCK.now()

    def monotonic_s(self) -> float:
        """The real time, after a while."""
        if self.hanging:
            self.go_on.wait(5)
        return CLOCK.monotonic_s()


def test_a_probe_that_hangs_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a look does not come back the state is told as dead, without waiting for it."""
    monkeypatch.setattr(health_room, "INTERVAL_S", 0.02)
    monkeypatch.setattr(health_room, "STALE_AFTER_S", 0.2)
    slow = SlowClock()
    file = DatabaseFile(prepare(tmp_path, CATALOG, Renderer(CATALOG), CLOCK, create=True))

    def fault() -> str:
        slow.monotonic_s()
        return ""

    watched = HealthProbe(file, Lane(file, CLOCK), fault, CLOCK, disk_free_min=0)
    slow.hanging = True
    assert wait_for(lambda: not watched.tell().readable)
    assert watched.tell().reason == "the database does not answer"
    slow.go_on.set()
    assert wait_for(lambda: watched.tell().readable)
    watched.close()


def test_a_turn_that_another_process_never_gives_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a write waits too long for its turn nothing can be written, and the reason names the file; then all is well again."""
    monkeypatch.setattr(health_room, "INTERVAL_S", 0.02)
    monkeypatch.setattr(writer_room, "TURN_WAIT_MAX_S", 0.1)

    async def story(store: SqliteStore) -> None:
        with (tmp_path / "holdfast.turn").open("rb+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            waiting = asyncio.ensure_future(store.write(write(create(AUTHORS))))
            assert await asyncio.to_thread(wait_for, lambda: not store.health().writable)
            assert store.health().readable
            assert "holdfast.turn" in store.health().reason
        await waiting
        assert await asyncio.to_thread(wait_for, lambda: store.health().writable)

    run(tmp_path, story)
