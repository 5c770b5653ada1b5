"""`make bench`: measure side by side and write docs/benchmarks.md.

python -m bench [--rounds 5] [--seconds 3] [--only read create creates keys batch list growth create-growth journal workers start
                 signed-in reference row-rule logins]
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import identity, scenarios, writes
from bench.report import Report
from bench.scenarios import Bench

SCENARIOS: Mapping[str, Callable[[Bench], Any]] = {
    "read": scenarios.read,
    "create": scenarios.create,
    "creates": writes.creates,
    "keys": writes.keys,
    "batch": writes.batch,
    "list": scenarios.list_page,
    "growth": scenarios.growth,
    "create-growth": writes.create_growth,
    "journal": writes.journal,
    "workers": scenarios.workers,
    "start": scenarios.start,
    "signed-in": identity.signed_in,
    "reference": identity.reference,
    "row-rule": identity.row_rule,
    "logins": identity.logins,
}

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Run the scenarios; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--many-rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="*", choices=tuple(SCENARIOS), default=tuple(SCENARIOS))
    parser.add_argument("--no-write", action="store_true", help="print alone; leave docs/benchmarks.md as it is")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    report = Report(rounds=options.rounds, seconds=options.seconds, rows=options.rows)
    try:
        with ExitStack() as stack:
            bench = Bench(folder, stack, report, rounds=options.rounds, seconds=options.seconds, rows=options.rows, many=options.many_rows)
            for name in options.only:
                SCENARIOS[name](bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(report.text())
    if not options.no_write:
        (ROOT / "docs" / "benchmarks.md").write_text(report.text(), "utf-8")
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
