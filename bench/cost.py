"""What a request costs: CPU of the server for one read by id, against the bare server, interleaved; for work on the hot path.

python -m bench.cost [--rounds 9] [--seconds 1] [--door]

A second instead of the minutes of `make bench`; prints, keeps nothing.
"""

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.measure import ratio
from bench.report import Report
from bench.scenarios import BARE, Bench, read_entrants


def main() -> None:
    """Race and print one line for each server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--door", action="store_true", help="the ASGI door too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder, ExitStack() as stack:
        report = Report(rounds=options.rounds, seconds=options.seconds, rows=options.rows)
        bench = Bench(Path(folder), stack, report, rounds=options.rounds, seconds=options.seconds, rows=options.rows, many=0)
        rows = bench.race(read_entrants(bench, stack, door=options.door))
    for row in rows:
        costs = ", ".join(f"{each.cpu_us:.1f}" for each in row.samples)
        by_cpu = statistics.median(1 / each for each in [ratio(rows, row.name, BARE, "cpu_us")])
        sys.stdout.write(f"{row.name:>20}: {row.median('cpu_us'):6.1f} us CPU, {by_cpu:.3f} of bare by CPU, ")
        sys.stdout.write(f"{ratio(rows, row.name, BARE):.3f} by requests  [{costs}]\n")


if __name__ == "__main__":
    main()
