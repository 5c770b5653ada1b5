"""Power cuts and faulty disks below the real store. `make chaos` runs many more of them."""

import random
from contextlib import suppress
from pathlib import Path

import apsw
import pytest
from chaos.disk import Fault, open_disk, parse_fault
from chaos.faults import FAULTS, fail_disk
from chaos.power import cut_power, cut_power_carelessly
from chaos.report import describe

CUTS = 50
CARELESS = 10
CALLS_MAX = {"write": 60, "sync": 10, "read": 12, "any": 60}
"""So many calls of a kind every run makes."""


@pytest.mark.parametrize("start", range(0, CUTS, 10))
def test_no_acknowledged_write_is_lost_to_a_power_cut(tmp_path: Path, start: int) -> None:
    """After a cut at a seeded call everything acknowledged is there, transactions are whole, and the database verifies and goes on."""
    acknowledged = 0
    for seed in range(start, start + 10):
        print(describe("power", seed))  # noqa: T201  # shown if it fails
        acknowledged += cut_power(seed, tmp_path / str(seed)).acknowledged

    assert acknowledged > 200


def test_a_store_that_does_not_sync_each_commit_loses(tmp_path: Path) -> None:
    """The control: with synchronous=NORMAL more than half of the same cuts lose what was acknowledged, so the cuts are real."""
    lost = [bool(cut_power_carelessly(seed, tmp_path / str(seed)).lost) for seed in range(CARELESS)]

    assert sum(lost) > CARELESS / 2


def test_a_cut_can_be_run_again(tmp_path: Path) -> None:
    """The same seed cuts at the same call, after the same acknowledged transactions, and leaves as much."""
    assert cut_power_carelessly(3, tmp_path / "a") == cut_power_carelessly(3, tmp_path / "b")


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_faulty_disk_loses_and_invents_nothing(tmp_path: Path, fault: Fault) -> None:
    """Whatever fails at whichever call: what was acknowledged is there, what was refused is not, and writing goes on by itself."""
    for seed in (1, 2):
        at = random.Random(f"{fault} {seed}").randint(1, CALLS_MAX[fault.call])
        drawn = Fault(fault.call, fault.kind, at, fault.lasting)
        print(describe("disk", seed, f"--fault {drawn}"))  # noqa: T201  # as above
        assert fail_disk(seed, drawn, tmp_path / str(seed)) > 0, "the fault never fired"


def test_the_disk_keeps_what_was_synced_and_only_that(tmp_path: Path) -> None:
    """A file after a cut is what was synced, and of what was not, nothing, some writes or some sectors."""
    with open_disk(random.Random(0)) as disk:
        connection = apsw.Connection(str(tmp_path / "x.db"))
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "FULL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES ('kept')")
        disk.cut_at = disk.calls + 3
        with pytest.raises(apsw.IOError):
            connection.execute("INSERT INTO t VALUES ('lost')")
        with pytest.raises(apsw.IOError):
            connection.execute("INSERT INTO t VALUES ('too late')")
        with suppress(apsw.IOError):
            connection.close(force=True)

    assert disk.survived is not None
    assert sorted(disk.survived) == ["x.db", "x.db-wal"]
    assert b"kept" in disk.survived["x.db-wal"]
    assert b"too late" not in disk.survived["x.db-wal"]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_can_be_named_on_the_command_line(fault: Fault) -> None:
    """What a failed run prints of its fault is what `python -m chaos --fault` takes."""
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize("text", ["", "write", "write-io", "write-io-x", "wrote-io-1", "write-oi-1", "write-io-1-long"])
def test_a_fault_that_is_none_is_refused(text: str) -> None:
    """Nothing else is taken for a fault."""
    with pytest.raises(ValueError):  # noqa: PT011  # of several kinds
        parse_fault(text)
