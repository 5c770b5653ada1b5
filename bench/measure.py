"""Rounds of measurements: every competitor in turn, several rounds, medians and ratios."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import write_requests
from bench.servers import Server, Servers, run_load


@dataclass(frozen=True, slots=True)
class Sample:
    """One round against one server."""

    per_s: float
    cpu_us: float
    p50_ms: float
    p95_ms: float
    p99_ms: float

    def figure(self, name: str) -> float:
        """One of the figures by its name."""
        return float(getattr(self, name))


@dataclass(slots=True)
class Row:
    """Every round against one server."""

    name: str
    samples: list[Sample] = field(default_factory=list)

    def median(self, what: str) -> float:
        """The median of one figure over the rounds."""
        return statistics.median(each.figure(what) for each in self.samples)


def post(path: str, body: object) -> bytes:
    """A raw POST of a JSON body."""
    data = json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def get(path: str, token: str | None = None) -> bytes:
    """A raw GET, with a bearer token where there is one."""
    bearer = "" if token is None else f"Authorization: Bearer {token}\r\n"
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n{bearer}\r\n".encode()


@dataclass(frozen=True, slots=True)
class Entrant:
    """One server, or several under one load, with the requests that they understand.

    workers  how many share the load: there are so many times the connections of a race
    """

    server: Server | Servers
    requests: Iterable[bytes]
    status: int = 200
    workers: int = 1


def race(entrants: Sequence[Entrant], *, folder: Path, rounds: int, seconds: float, connections: int = 32) -> list[Row]:
    """Load each entrant in turn, `rounds` times; a round with a wrong status fails the run, since it measured something else."""
    rows = [Row(each.server.name) for each in entrants]
    for entrant in entrants:
        _run(entrant, folder, seconds=min(seconds, 1.0), connections=connections)
    for _ in range(rounds):
        for row, entrant in zip(rows, entrants, strict=True):
            row.samples.append(_run(entrant, folder, seconds=seconds, connections=connections))
    return rows


def _run(entrant: Entrant, folder: Path, *, seconds: float, connections: int) -> Sample:
    file = folder / "requests.bin"
    write_requests(file, list(entrant.requests))
    cpu_before = entrant.server.cpu_s()
    result = json.loads(run_load(entrant.server.ports, connections * entrant.workers, seconds, file))
    cpu_s = entrant.server.cpu_s() - cpu_before
    if set(result["statuses"]) != {str(entrant.status)}:
        message = f"{entrant.server.name} answered {result['statuses']}, expected {entrant.status} alone"
        raise RuntimeError(message)
    return Sample(result["per_s"], cpu_s / result["requests"] * 1e6, result["p50_ms"], result["p95_ms"], result["p99_ms"])


def ratio(rows: Sequence[Row], name: str, against: str, what: str = "per_s") -> float:
    """The median, over the rounds, of one server's figure divided by another's in the same round."""
    by_name = {row.name: row for row in rows}
    pairs = zip(by_name[name].samples, by_name[against].samples, strict=True)
    return statistics.median(ours.figure(what) / theirs.figure(what) for ours, theirs in pairs)
