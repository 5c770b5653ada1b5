"""Sinks: nothing blocks, nothing grows without bound, losses are told."""

import os
import select
import time
from pathlib import Path

import pytest

from holdfast.engine import sink as sink_module
from holdfast.engine.sink import Descriptor, RotatingFile, Sink


def _pipe() -> tuple[int, int]:
    return os.pipe()


def _read_all(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 65_536):
        parts.append(part)
    return b"".join(parts)


def test_lines_arrive_in_order() -> None:
    """What is put is written, in order, before close returns."""
    reading, writing = _pipe()
    sink = Sink(Descriptor(writing), name="test")

    for number in range(100):
        sink.put(b"%d\n" % number, 1)
    sink.close()
    os.close(writing)

    assert b"".join(b"%d\n" % number for number in range(100)) == _read_all(reading)
    os.close(reading)


def test_what_is_kept_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that waits before it; ordinary lines are gathered, before it and after."""
    monkeypatch.setattr(sink_module, "GATHER_S", 600.0)
    reading, writing = _pipe()
    sink = Sink(Descriptor(writing), name="test")

    sink.put(b"ordinary\n", 1)
    assert not _arrives(reading, within_s=0.1)
    sink.put(b"error\n", 1, keep=True)
    assert _arrives(reading, within_s=30)
    assert os.read(reading, 65_536) == b"ordinary\nerror\n"
    sink.put(b"later\n", 1)
    assert not _arrives(reading, within_s=0.1)
    sink.close()
    os.close(writing)

    assert _read_all(reading) == b"later\n"
    os.close(reading)


def _arrives(descriptor: int, within_s: float) -> bool:
    return bool(select.select([descriptor], [], [], within_s)[0])


def test_a_full_pipe_blocks_nobody_and_keeps_errors() -> None:
    """While nobody reads, put returns at once, ordinary lines are dropped and counted, kept ones wait; then the loss is told."""
    reading, writing = _pipe()
    sink = Sink(Descriptor(writing), name="test", notice=lambda lost: b"lost %d\n" % lost, waiting_bytes_max=100_000)
    line = b"x" * 999 + b"\n"

    started = time.monotonic()
    for _ in range(1_000):
        sink.put(line, 1)
    sink.put(b"error\n", 1, keep=True)
    took = time.monotonic() - started
    dropped = sink.dropped

    assert took < 1.0
    assert 800 < dropped < 1_000
    os.set_blocking(reading, False)
    read, until = b"", time.monotonic() + 5
    while b"lost" not in read and time.monotonic() < until:
        try:
            read += os.read(reading, 65_536)
        except BlockingIOError:
            time.sleep(0.01)
    sink.close()
    os.close(writing)
    os.close(reading)
    assert b"error\n" in read
    assert b"lost %d\n" % dropped in read
    assert 1_000 - dropped == read.count(b"x\n")


def test_close_gives_up_a_pipe_that_nobody_reads() -> None:
    """A stuck reader holds up the end of the process for no longer than it is told."""
    reading, writing = _pipe()
    sink = Sink(Descriptor(writing), name="test")
    sink.put(b"x" * 200_000, 1)

    started = time.monotonic()
    sink.close(within_s=0.2)

    assert time.monotonic() - started < 2.0
    _drain_in_background(reading, writing)


def _drain_in_background(reading: int, writing: int) -> None:
    read = 0
    while read < 200_000:
        read += len(os.read(reading, 65_536))
    os.close(reading)
    os.close(writing)


def test_a_target_that_fails_counts_its_lines() -> None:
    """Lines that a closed descriptor refuses are counted as lost; nothing is raised."""
    reading, writing = _pipe()
    os.close(reading)
    sink = Sink(Descriptor(writing), name="test")

    sink.put(b"a\nb\n", 2)
    sink.close()
    os.close(writing)

    assert sink.dropped == 2


def test_nothing_is_taken_after_close() -> None:
    """A line put after close is counted as lost."""
    reading, writing = _pipe()
    sink = Sink(Descriptor(writing), name="test")
    sink.close()
    sink.put(b"late\n", 1)
    os.close(writing)

    assert sink.dropped == 1
    assert _read_all(reading) == b""
    os.close(reading)


def test_a_file_rotates_at_its_bound(tmp_path: Path) -> None:
    """At its bound a file becomes the one before, and the one before that is gone; no line is torn."""
    file = RotatingFile(tmp_path / "log" / "requests-0.jsonl", bytes_max=100)
    for number in range(10):
        file.write(b"%09d\n" % number * 3)
    file.close()

    assert (tmp_path / "log" / "requests-0.jsonl").read_bytes() == b"%09d\n" % 9 * 3
    assert [b"%09d" % number for number in (6, 6, 6, 7, 7, 7, 8, 8, 8)] == (tmp_path / "log" / "requests-0.1.jsonl").read_bytes().split()
    assert (tmp_path / "log" / "requests-0.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_file_goes_on_where_it_ended(tmp_path: Path) -> None:
    """A second process appends, and counts what is there already against the bound."""
    path = tmp_path / "requests-0.jsonl"
    path.write_bytes(b"0" * 98 + b"\n")
    file = RotatingFile(path, bytes_max=100)

    file.write(b"1\n")
    file.write(b"2\n")
    file.close()

    assert path.read_bytes() == b"2\n"
    assert (tmp_path / "requests-0.1.jsonl").read_bytes().endswith(b"\n1\n")
