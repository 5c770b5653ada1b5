"""Several processes on one data folder, and processes that die."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import apsw
import pytest
import sqlite_child
from sqlite_library import AUTHORS, CATALOG, CLOCK, create, refusal, run, settle, total, where, write

from holdfast.core.plan import ReadOne
from holdfast.store.sqlite.store import SqliteStore


def start(data_dir: Path, what: str, **more: Any) -> "subprocess.Popen[str]":
    """Start a writing process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(sqlite_child.__file__), str(data_dir), what]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **more)


def look(data_dir: Path) -> dict[str, int]:
    """The versions of all records, after every check that SQLite has and one of the journal against the rows."""
    connection = apsw.Connection(str(data_dir / "holdfast.db"))
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        versions = {
            str(record_id): int(str(version)) for record_id, version in connection.execute("SELECT id, version FROM authors").fetchall()
        }
        entries = connection.execute("SELECT record_id, count(*), max(version) FROM hf_journal GROUP BY record_id").fetchall()
        assert {record_id: (version, version) for record_id, version in versions.items()} == {each[0]: each[1:] for each in entries}
        return versions
    finally:
        connection.close()


@pytest.mark.parametrize("after_s", [0.05, 0.2, 0.5])
def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path, after_s: float) -> None:
    """After kill -9 in the middle of writing, every acknowledged write is there, the rows match the journal, and a new start goes on."""
    child = start(tmp_path, "endless")
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(after_s)
    child.send_signal(signal.SIGKILL)
    said = [line.split() for line in child.stdout.read().split("\n")[:-1]]
    child.wait()
    child.stdout.close()
    versions = look(tmp_path)
    for verb, record_id in (each for each in said if len(each) == 2):
        assert versions.get(record_id, 0) >= {"created": 1, "changed": 2}[verb]
    assert run(tmp_path, lambda store: total(store, AUTHORS)) == len(versions)


def test_processes_write_side_by_side(tmp_path: Path) -> None:
    """Two processes and this one write to one file at the same time; all that was acknowledged is there and every total is exact."""
    children = [start(tmp_path, "10") for _ in range(2)]

    async def story(store: SqliteStore) -> int:
        for _ in range(100):
            await store.write(write(create(AUTHORS, name="North")))
        counted = 0
        while any(child.poll() is None for child in children):
            counted = await total(store, AUTHORS)
        for _ in range(20):
            await store.write(write(create(AUTHORS, name="North")))
        assert await total(store, AUTHORS, where(AUTHORS, "name", "South")) == 20 * sqlite_child.WRITERS
        assert counted <= await total(store, AUTHORS)
        return await total(store, AUTHORS)

    try:
        assert run(tmp_path, story) == 20 * sqlite_child.WRITERS + 120
    finally:
        for child in children:
            child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0, 0]
    assert len(look(tmp_path)) == 20 * sqlite_child.WRITERS + 120


def test_a_process_that_sleeps_does_not_hang_the_others(tmp_path: Path) -> None:
    """While another process sleeps with the turn in its hand, writes end at their deadline and reads go on; then writes do too."""
    script = (
        "import os, signal, sys; from pathlib import Path; from holdfast.store.sqlite.turn import Turn\n"
        "with Turn(Path(sys.argv[1])): print('held', flush=True); os.kill(os.getpid(), signal.SIGSTOP)"
    )
    made = create(AUTHORS)

    async def story(store: SqliteStore) -> Any:
        child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)  # noqa: ASYNC220  # it ends here
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"held\n"
            error = await refusal(store.write(write(create(AUTHORS), within_s=0.1)))
            before = await settle(store.read_one(ReadOne(made.id, made.view)))
        finally:
            child.kill()
            child.communicate()
        await store.write(write(made))
        return error.code, before, await total(store, AUTHORS)

    assert run(tmp_path, story) == ("deadline_exceeded", None, 1)


def test_a_store_can_be_closed_twice_and_leaves_no_log(tmp_path: Path) -> None:
    """Closing is idempotent; the last one out writes the log back into the database."""

    async def story(store: SqliteStore) -> int:
        other = SqliteStore(CATALOG, tmp_path, CLOCK)
        await other.write(write(create(AUTHORS)))
        size = other.wal_bytes
        await other.close()
        await other.close()
        assert store.queued == 0
        return size

    assert run(tmp_path, story) > 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["holdfast.db", "holdfast.next", "holdfast.turn"]
