"""What is measured of writing: many clients, keys, batches, growth, and what the journal costs."""

import statistics
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from bench import data
from bench.measure import Entrant, Row, post, ratio
from bench.scenarios import FASTAPI, Bench

CLIENTS = (1, 8, 32, 128)
BATCH = 200
_PER_S_MAX = 8_000  # so many requests with a key of their own are made for each second: none is sent twice
_ITEMS = "/api/v1/items"


@dataclass(frozen=True, slots=True)
class Keyed:
    """Creates with an Idempotency-Key each; every time they are asked for, the keys are new."""

    count: int

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self.count):
            head, body = post(_ITEMS, data.make_item(number % 1_000)).split(b"\r\n\r\n", 1)
            yield b"%b\r\nIdempotency-Key: %b\r\n\r\n%b" % (head, uuid.uuid4().hex.encode(), body)


def _by(clients: int) -> str:
    return f"{clients} client{'s' if clients > 1 else ''}"


def creates(bench: Bench) -> None:
    """Durable creates by 1, 8, 32 and 128 clients; two workers against the usual stack."""
    ours = [post(_ITEMS, data.make_item(number)) for number in range(1_000)]
    theirs = [post("/items", {**data.make_item(number), "price": number}) for number in range(1_000)]
    rows: list[Row] = []
    with ExitStack() as stack:
        server = bench.holdfast(stack, bench.database("creates"))
        for clients in CLIENTS:
            (row,) = bench.race([Entrant(server, ours, 201)], connections=clients)
            rows.append(Row(_by(clients), row.samples))
    with ExitStack() as stack:
        two = bench.holdfast(stack, bench.database("creates-two"), workers=2, name="two workers", both_cores=True)
        fastapi = bench.fastapi(stack, bench.database("creates-fastapi"), both_cores=True)
        against = bench.race([Entrant(two, ours, 201), Entrant(fastapi, theirs, 201)])
    bench.report.table("Durable creates, one worker", rows, _by(1))
    bench.report.table("Durable creates, two workers", against, FASTAPI)
    bench.report.target("creates by two workers, of FastAPI + SQLAlchemy", ratio(against, "two workers", FASTAPI), 15)
    slowest = statistics.median(each.p99_ms / each.p50_ms for each in rows[CLIENTS.index(32)].samples)
    bench.report.target("creates by 32 clients, p99 of p50", slowest, 3, at_least=False)


def keys(bench: Bench) -> None:
    """Creates with an idempotency key each, against creates without."""
    plain = [post(_ITEMS, data.make_item(number)) for number in range(1_000)]
    with ExitStack() as stack:
        entrants = [
            Entrant(bench.holdfast(stack, bench.database("plain"), name="without keys"), plain, 201),
            Entrant(bench.holdfast(stack, bench.database("keyed"), name="a key each"), Keyed(int(bench.seconds * _PER_S_MAX)), 201),
        ]
        rows = bench.race(entrants)
    bench.report.table("Creates with an Idempotency-Key each", rows, "without keys")
    bench.report.target("creates with a key each, of those without", ratio(rows, "a key each", "without keys"), 0.8)


def batch(bench: Bench) -> None:
    """Rows by batches of 200, against single creates, by one client."""
    single = [post(_ITEMS, data.make_item(number)) for number in range(1_000)]
    operations = [{"method": "POST", "path": "/items", "body": data.make_item(number)} for number in range(BATCH)]
    with ExitStack() as stack:
        entrants = [
            Entrant(bench.holdfast(stack, bench.database("single"), name="single creates"), single, 201),
            Entrant(
                bench.holdfast(stack, bench.database("batches"), name="batches of 200"), [post("/api/v1/batch", {"operations": operations})]
            ),
        ]
        rows = bench.race(entrants, connections=1)
    bench.report.table("One client, requests/s; a batch makes 200 rows", rows, "single creates")
    bench.report.target("rows/s by batches of 200, of single creates", BATCH * ratio(rows, "batches of 200", "single creates"), 10)


def create_growth(bench: Bench) -> None:
    """CPU of a create as table and journal grow."""
    requests = [post(_ITEMS, data.make_item(number, categories=2)) for number in range(1_000)]
    few, many = "10,000 rows", f"{bench.many:,} rows"
    with ExitStack() as stack:
        entrants = [
            Entrant(bench.holdfast(stack, bench.loaded(10_000), name=few), requests, 201),
            Entrant(bench.holdfast(stack, bench.loaded(bench.many), name=many), requests, 201),
        ]
        rows = bench.race(entrants)
    bench.report.table("A create as table and journal grow", rows, few)
    bench.report.target(f"create at {many} and entries, CPU, of 10,000", ratio(rows, many, few, "cpu_us"), 1.2, at_least=False)


def journal(bench: Bench) -> None:
    """CPU of a create with its journal entry, and without one."""
    requests = [post(_ITEMS, data.make_item(number)) for number in range(1_000)]
    with ExitStack() as stack:
        without = bench.holdfast(stack, bench.database("unjournaled"), name="without", app="bench/apps/items_unjournaled.py")
        entrants = [
            Entrant(without, requests, 201),
            Entrant(bench.holdfast(stack, bench.database("journaled"), name="with"), requests, 201),
        ]
        rows = bench.race(entrants)
    bench.report.table("What the journal costs a create", rows, "without")
    cost = 1 - 1 / ratio(rows, "with", "without", "cpu_us")
    bench.report.target("the journal's part of the CPU of a create", cost * 100, 25, at_least=False, unit="%")
