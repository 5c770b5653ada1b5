"""The report: tables of ratios with their targets, the machine named, absolute figures beside them for orientation alone."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import Row

_HEAD = """\
# Benchmarks

Made by `make bench`: one run, every server in turn, server and load pinned to different cores, {rounds} rounds of {seconds:g} s each,
32 connections for each worker, medians. Where two workers are measured, the servers have a second core, on a machine of two that of
the load; they run five times the rounds. Ratios are taken within each round and hold across machines; absolute figures do not.

{machine}

"""


@dataclass(frozen=True, slots=True)
class Target:
    """One promise, or one aim: what was measured, and what it must be."""

    says: str
    measured: float
    bound: float
    at_least: bool = True
    unit: str = "x"
    aim: bool = False

    @property
    def holds(self) -> bool:
        """Whether the bound is kept."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


@dataclass(slots=True)
class Report:
    """Gathers tables and targets as the scenarios run."""

    rounds: int
    seconds: float
    rows: int
    targets: list[Target] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    def table(self, title: str, rows: Sequence[Row], against: str) -> None:
        """Add a table of servers, with each one's throughput as a multiple of `against`."""
        base = next(row for row in rows if row.name == against)
        lines = [f"## {title}", "", f"| server | requests/s | of {against} | CPU a request | p50 | p99 |", "|---|---:|---:|---:|---:|---:|"]
        for row in rows:
            share = row.median("per_s") / base.median("per_s")
            lines.append(
                f"| {row.name} | {row.median('per_s'):,.0f} | {share:.2f} | {row.median('cpu_us'):,.0f} µs "
                f"| {row.median('p50_ms'):.2f} ms | {row.median('p99_ms'):.2f} ms |"
            )
        self.tables.append("\n".join(lines))

    def target(self, says: str, measured: float, bound: float, *, at_least: bool = True, unit: str = "x", aim: bool = False) -> None:
        """Add a promise (or an aim, which may be missed) with what was measured."""
        self.targets.append(Target(says, measured, bound, at_least, unit, aim))

    @property
    def holds(self) -> bool:
        """Whether every promise is kept."""
        return all(each.holds or each.aim for each in self.targets)

    def text(self) -> str:
        """The whole report as Markdown."""
        head = _HEAD.format(rounds=self.rounds, seconds=self.seconds, machine=_machine())
        lines = ["| promise | bound | measured | |", "|---|---:|---:|---|"]
        for each in self.targets:
            sign = "≥" if each.at_least else "≤"
            verdict = "holds" if each.holds else "aim, not reached" if each.aim else "**missed**"
            lines.append(f"| {each.says} | {sign} {each.bound:g} {each.unit} | {each.measured:.2f} {each.unit} | {verdict} |")
        return head + "\n".join(lines) + "\n\n" + "\n\n".join(self.tables) + "\n"


def _machine() -> str:
    model = next((line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    return f"Machine: {model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}."


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
