"""How failures are told, each family in its way."""

from pathlib import Path

import click
import pytest
from cli_harness import call

from holdfast.base.errors import Broken, Refused, Unavailable
from holdfast.cli.failure import tell_failure


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (Unavailable("overloaded"), 1, ["overloaded", "nothing was done", "send it again"]),
        (Refused("not_found"), 1, ["not_found", "There is nothing here."]),
        (PermissionError(13, "Permission denied", "data/key"), 1, ["data/key", "Permission denied."]),
        (OSError("it broke"), 1, ["the system", "it broke."]),
        (KeyboardInterrupt(), 130, ["Interrupted."]),
        (click.Abort(), 130, ["Interrupted."]),
        (click.ClickException("not so"), 2, ["not so"]),
    ],
)
def test_each_family_has_its_status(capsys: pytest.CaptureFixture[str], error: BaseException, status: int, said: list[str]) -> None:
    """Refused and unavailable are 1, wrong use is 2, an interrupt 130; all on standard error."""
    assert tell_failure(error) == status

    shown = capsys.readouterr()
    assert shown.out == ""
    assert [each for each in said if each not in shown.err] == []


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    """What is our fault is raised again, so that the whole traceback is seen."""
    with pytest.raises(Broken):
        tell_failure(Broken("lost"))


def test_a_database_that_is_text_shows_no_source_of_a_library(library: Path) -> None:
    """Where holdfast.db holds something else, the error says so, without a frame of the driver's C code."""
    (library / "data").mkdir(mode=0o700)
    (library / "data" / "holdfast.db").write_text("this is no database " * 100)

    result = call("dump", "authors")

    assert result.status == 2
    assert "holdfast.db" in result.err
    assert "File " not in result.err


@pytest.fixture
def full(library: Path) -> Path:
    """A device that takes nothing."""
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("there is no /dev/full here")
    return library


def test_a_full_disk_is_told(full: Path) -> None:
    """A dump that cannot be written says why, and leaves no file."""
    (full / "one.jsonl").write_text('{"name": "Ann"}\n')
    call("load", "one.jsonl", "--into", "authors")
    (full / ".out.jsonl.draft").symlink_to("/dev/full")

    result = call("dump", "authors", "--output", "out.jsonl")

    assert result.status == 1
    assert "No space left on device." in result.err
    assert not (full / "out.jsonl").exists()
