"""Explain: a request is found by its id, and told whole."""

import os
from pathlib import Path

from msgspec.structs import replace

from holdfast.base.instant import Instant
from holdfast.base.observe import Observation
from holdfast.engine.explain import find_requests, write_report
from holdfast.engine.log import Log

SEEN = Observation("r1", 1_000_000, "GET", "/api/v1/books", "/api/v1/books", 200, None, 0.0042, 0.0012, 0, 512, "127.0.0.1")
FAILED = replace(SEEN, request_id="r2", at=2_000_000, status=500, code="internal_error", cause="Traceback\n  KeyError: 'x'")


def _write(folder: Path, slot: int, *seen: Observation) -> None:
    with Path(os.devnull).open("wb") as nowhere:
        log = Log(folder=folder, slot=slot, now=lambda: Instant(0), descriptor=nowhere.fileno())
        log.take(seen)
        log.close()


def test_a_failure_is_found_with_its_cause(tmp_path: Path) -> None:
    """A 500 is found in the errors of its worker and told with its traceback and who can mend it."""
    _write(tmp_path, 0, SEEN)
    _write(tmp_path, 1, SEEN, FAILED)

    (found,) = find_requests(tmp_path, "r2")
    report = write_report(found)

    assert "500 internal_error" in report
    assert "4.2 ms: store 1.2 ms, everything else 3.0 ms" in report
    assert "mended by  us" in report
    assert report.endswith("Traceback\n  KeyError: 'x'")


def test_ids_may_come_twice(tmp_path: Path) -> None:
    """Clients choose ids: all requests of one id are found, the newest first."""
    _write(tmp_path, 0, SEEN, replace(SEEN, at=3_000_000, status=422, code="validation_failed"))

    found = find_requests(tmp_path, "r1")

    assert [each.status for each in found] == [422, 200]
    assert "mended by  the caller" in write_report(found[0])
    assert "Every invalid field is listed in details." in write_report(found[0])


def test_only_the_whole_id_counts(tmp_path: Path) -> None:
    """Neither a part of an id nor one that stands elsewhere in a line is taken for it."""
    _write(tmp_path, 0, replace(SEEN, path='/"request_id":"r9"'), replace(SEEN, request_id="r10"))

    assert find_requests(tmp_path, "r9") == ()
    assert find_requests(tmp_path, "r") == ()
    assert find_requests(tmp_path / "nowhere", "r1") == ()


def test_a_torn_line_is_passed_by(tmp_path: Path) -> None:
    """A line that was cut when the disk was full does not hide the others; rotated files are read too."""
    _write(tmp_path, 0, SEEN)
    folder = tmp_path / "log"
    (folder / "requests-0.jsonl").rename(folder / "requests-0.1.jsonl")
    (folder / "requests-0.jsonl").write_text('{"request_id":"r1","at":\n')

    assert len(find_requests(tmp_path, "r1")) == 1


def test_a_request_without_route_or_code_is_told_too(tmp_path: Path) -> None:
    """What has no route, no code and no cause is told without them."""
    _write(tmp_path, 0, replace(SEEN, route=""))

    report = write_report(find_requests(tmp_path, "r1")[0])

    assert "none matched" in report
    assert "mended by" not in report


def test_what_was_wrong_is_told(tmp_path: Path) -> None:
    """The faults of a refusal stand in the report, each on a line, and the names of its parameters."""
    _write(
        tmp_path,
        0,
        replace(SEEN, status=400, code="malformed_request", faults=("The request has no Host.", "a: b"), parameters=("q", "sort")),
    )

    report = write_report(find_requests(tmp_path, "r1")[0])

    assert "asked by  q, sort\n" in report
    assert "wrong  The request has no Host.\n     wrong  a: b\n" in report
