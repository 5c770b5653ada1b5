"""The table of callers: exact over processes, never two callers in one, refusing rather than forgetting."""

import fcntl
import hashlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.errors import Unavailable
from holdfast.base.limits import LIMITED_CALLERS_MAX
from holdfast.core.rate import Rate
from holdfast.world import limiter as limiter_room
from holdfast.world.limiter import FOLDER, SlotLimiter, Table, Unlimited, open_table

HOURLY = Rate.of(1_000, 3_600)
PROCESSES = 4
TRIES = 400


def sign(message: bytes) -> bytes:
    """A digest, keyed by nothing."""
    return hashlib.blake2b(message, digest_size=16).digest()


def fail(message: str) -> None:
    """Nothing is to be warned of."""
    raise AssertionError(message)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    """A table that nobody shares."""
    with open_table(tmp_path, fail) as opened:
        yield opened


def take_all(folder: Path, keys: list[bytes], go: Path, ready: Path) -> tuple[dict[bytes, int], float, float]:
    """In a process of its own: try every key TRIES times, interleaved; what was allowed, and when."""
    with open_table(folder, fail) as table:
        limiter = SlotLimiter(table, HOURLY, sign, b"")
        allowed = dict.fromkeys(keys, 0)
        (ready / str(os.getpid())).touch()
        while not go.exists():
            time.sleep(0.001)
        began_s = time.monotonic()
        for _ in range(TRIES):
            for key in keys:
                allowed[key] += _take_patiently(limiter, key)
        return allowed, began_s, time.monotonic()


def _take_patiently(limiter: SlotLimiter, key: bytes) -> bool:
    """Take once, however long whoever has the lock is kept from the processor: nothing was counted then."""
    while True:
        try:
            return limiter.take(key).allowed
        except Unavailable:
            continue


def test_processes_share_each_quota_exactly(tmp_path: Path) -> None:
    """Four processes that try 1,600 times a key get 1,000 in all, and what was earned meanwhile; no key loses to another."""
    keys = [f"caller {number}".encode() for number in range(7)]
    go, ready = tmp_path / "go", tmp_path / "ready"
    ready.mkdir()
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        running = pool.starmap_async(take_all, [(tmp_path, keys, go, ready)] * PROCESSES, chunksize=1)
        until_s = time.monotonic() + 60
        while len(list(ready.iterdir())) < PROCESSES and time.monotonic() < until_s:
            time.sleep(0.01)
        go.touch()
        told = running.get(120)
    elapsed_s = max(ended_s for _, _, ended_s in told) - min(began_s for _, began_s, _ in told)
    earned = int(elapsed_s * 1e9 / HOURLY.step_ns)

    for key in keys:
        taken = sum(allowed[key] for allowed, _, _ in told)
        assert HOURLY.quota <= taken <= HOURLY.quota + earned, (key, elapsed_s)


def test_a_worker_that_was_alone_locks_once_another_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lock with one worker; with two each taking waits for the lock, and a worker stopped in it costs a refusal, not a stop."""
    monkeypatch.setattr(limiter_room, "LIMITER_WAIT_S", 0.02)
    with open_table(tmp_path, fail) as first, (tmp_path / FOLDER / "slots").open("r+b") as other:
        alone = SlotLimiter(first, HOURLY, sign, b"")
        fcntl.flock(other, fcntl.LOCK_EX)
        assert alone.take(b"a").remaining == 999
        fcntl.flock(other, fcntl.LOCK_UN)

        with open_table(tmp_path, fail) as second:
            assert SlotLimiter(second, HOURLY, sign, b"").take(b"a").remaining == 998
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(Unavailable) as refused:
                alone.take(b"a")
            assert refused.value.code == "overloaded"
            fcntl.flock(other, fcntl.LOCK_UN)
            assert alone.take(b"a").remaining == 997


def test_what_is_taken_together_is_taken_under_one_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes between; where the lock cannot be got all are refused, after one wait."""
    monkeypatch.setattr(limiter_room, "LIMITER_WAIT_S", 0.02)
    with open_table(tmp_path, fail) as table, open_table(tmp_path, fail), (tmp_path / FOLDER / "slots").open("r+b") as other:
        limiter = SlotLimiter(table, HOURLY, sign, b"")
        limiter.take(b"a")
        with limiter.together():
            assert [limiter.take(b"a").remaining for _ in range(2)] == [998, 997]
            with pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

        fcntl.flock(other, fcntl.LOCK_EX)
        waits = count_waits(monkeypatch)
        with limiter.together():
            for _ in range(3):
                with pytest.raises(Unavailable):
                    limiter.take(b"a")
        with pytest.raises(Unavailable):
            limiter.take(b"a")
        assert waits == [0.02, 0.0], "nobody is made to wait again at once"
        fcntl.flock(other, fcntl.LOCK_UN)
        assert limiter.take(b"a").remaining == 996


def count_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the lock is waited for, each time from now on."""
    waits: list[float] = []
    try_lock = limiter_room._try_lock

    def note(descriptor: int, wait_s: float) -> bool:
        waits.append(wait_s)
        return try_lock(descriptor, wait_s)

    monkeypatch.setattr(limiter_room, "_try_lock", note)
    return waits


def test_a_new_start_goes_on_counting(tmp_path: Path) -> None:
    """What was taken before a restart is still taken, and no longer under a lock."""
    for remaining in (999, 998):
        with open_table(tmp_path, fail) as table:
            assert SlotLimiter(table, HOURLY, sign, b"").take(b"a").remaining == remaining


def test_another_boot_begins_with_whole_quotas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Because its clock does."""
    with open_table(tmp_path, fail) as table:
        SlotLimiter(table, HOURLY, sign, b"").take(b"a", 1_000)
    boot = tmp_path / "boot"
    boot.write_text("another boot")
    monkeypatch.setattr(limiter_room, "_BOOT_ID", boot)
    with open_table(tmp_path, fail) as table:
        assert SlotLimiter(table, HOURLY, sign, b"").take(b"a").remaining == 999


def test_scopes_and_keys_are_apart(table: Table) -> None:
    """Two limiters on one table do not count for each other."""
    requests, logins = SlotLimiter(table, HOURLY, sign, b"requests:"), SlotLimiter(table, Rate.of(10, 60), sign, b"logins:")

    assert [requests.take(b"a").remaining, logins.take(b"a").remaining, requests.take(b"b").remaining] == [999, 9, 999]


def test_digests_that_overlap_are_not_taken_for_one(table: Table) -> None:
    """The end of one slot and the beginning of the next may spell a third caller's digest."""
    first, second = b"\0" * 4 + b"A" * 8 + b"\0" * 4, b"\0" * 4 + b"B" * 12
    for digest in (first, second):
        table.take(digest, HOURLY, 10)
    across = first[12:] + second[:12]  # of the same bucket, where it is spelt

    assert table.take(across, HOURLY, 1).remaining == 999
    assert [table.take(digest, HOURLY, 1).remaining for digest in (first, second)] == [989, 989]


def test_a_full_bucket_refuses_the_next_caller_and_keeps_the_others(table: Table) -> None:
    """Who cannot be counted is not let in; who is counted goes on."""
    digests = [bytes(4) + number.to_bytes(12, "big") for number in range(65)]
    for digest in digests[:64]:
        assert table.take(digest, HOURLY, 1).allowed

    with pytest.raises(Unavailable) as refused:
        table.take(digests[64], HOURLY, 1)
    assert refused.value.code == "overloaded"
    assert table.take(digests[0], HOURLY, 1).remaining == 998


def test_a_slot_whose_time_has_passed_is_used_again(table: Table) -> None:
    """A thousand callers one after another need no more than one bucket."""
    quick = Rate.of(1_000_000, 1)
    for number in range(1_000):
        assert table.take(bytes(4) + number.to_bytes(12, "big"), quick, 1).allowed
        time.sleep(0.000_01)


def test_every_caller_finds_room_in_half_a_table(table: Table) -> None:
    """Digests spread well enough that no bucket is full before the table is nearly."""
    limiter = SlotLimiter(table, HOURLY, sign, b"")

    assert all(limiter.take(number.to_bytes(8, "big")).allowed for number in range(LIMITED_CALLERS_MAX // 2))


def test_without_a_file_each_worker_counts_alone(tmp_path: Path) -> None:
    """And says so; the start goes on."""
    (tmp_path / FOLDER).write_text("in the way")
    said: list[str] = []
    with open_table(tmp_path, said.append) as table:
        assert SlotLimiter(table, HOURLY, sign, b"").take(b"a").remaining == 999
    (line,) = said
    assert "each worker alone" in line


def test_the_file_is_its_owners_and_takes_its_room_at_once(tmp_path: Path) -> None:
    """A mapped file that finds no room later would kill the process."""
    with open_table(tmp_path, fail):
        found = (tmp_path / FOLDER / "slots").stat()
    assert found.st_mode & 0o777 == 0o600
    assert found.st_blocks * 512 >= found.st_size > LIMITED_CALLERS_MAX * 24


def test_no_limit_allows_everything() -> None:
    """And has no rate to tell of."""
    assert Unlimited().take(b"a", 10**9).allowed
    assert Unlimited().rate is None
