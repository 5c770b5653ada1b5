"""What is measured, one function a scenario."""

import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import data
from bench.measure import Entrant, Row, get, post, race, ratio
from bench.report import Report
from bench.servers import LOAD_CORE, SHARES_A_CORE, Server, Servers, free_port, serve

HOLDFAST, DOOR, BARE, FASTAPI, FASTIFY = "Holdfast", "Holdfast, ASGI door", "bare ASGI", "FastAPI + SQLAlchemy", "Fastify + better-sqlite3"
_PYTHON = sys.executable
_UVICORN = ("--no-access-log", "--loop", "uvloop", "--http", "httptools")


@dataclass(slots=True)
class Bench:
    """What the scenarios share: the folder, the prepared database, the servers that run."""

    folder: Path
    stack: ExitStack
    report: Report
    rounds: int
    seconds: float
    rows: int
    many: int
    _seeded: Path | None = None
    _loaded: dict[int, Path] = field(default_factory=dict[int, Path])

    def race(self, entrants: Sequence[Entrant], *, connections: int = 32, times: int = 1) -> list[Row]:
        """Race the entrants with the settings of this run, in so many times its rounds."""
        return race(entrants, folder=self.folder, rounds=self.rounds * times, seconds=self.seconds, connections=connections)

    def loaded(self, rows: int) -> Path:
        """The data folder with so many rows in two categories, loaded once; one scenario after another may write to it."""
        if rows not in self._loaded:
            self._loaded[rows] = self.folder / f"loaded-{rows}"
            data.load(self._loaded[rows], rows, categories=2)
        return self._loaded[rows]

    def database(self, name: str) -> Path:
        """A data folder of its own with the prepared rows."""
        if self._seeded is None:
            self._seeded = self.folder / "seeded"
            data.load(self._seeded, self.rows)
        copy = self.folder / name
        shutil.copytree(self._seeded, copy)
        return copy

    def holdfast(
        self, stack: ExitStack, folder: Path, *, workers: int = 1, name: str = HOLDFAST, app: str = data.APP, both_cores: bool = False
    ) -> Server:
        """Holdfast as its users run it; the quotas are above the load."""
        port = free_port()
        command = [_PYTHON, "-m", "holdfast", "serve", app, "--data", str(folder), "--port", str(port), "--workers", str(workers)]
        environment = {"HOLDFAST_RATE_LIMIT": "100000000/minute", "HOLDFAST_LOGIN_RATE_LIMIT": "100000000/minute"}
        return stack.enter_context(
            serve(name, command, port=port, log=self.folder / "holdfast.log", environment=environment, both_cores=both_cores)
        )

    def door(self, stack: ExitStack, folder: Path) -> Server:
        """Holdfast behind stock uvicorn."""
        return self._uvicorn(stack, DOOR, "bench.apps.asgi_door:app", {"BENCH_DATA": str(folder)})

    def bare(self, stack: ExitStack, answer: Path) -> Server:
        """The bare server with a prepared answer."""
        return self._uvicorn(stack, BARE, "bench.apps.bare:app", {"BENCH_BARE_ANSWER": str(answer)})

    def fastapi(
        self, stack: ExitStack, folder: Path, app: str = "bench.apps.fastapi_sqlalchemy:app", *, both_cores: bool = False
    ) -> Server:
        """FastAPI on the database of a data folder."""
        return self._uvicorn(stack, FASTAPI, app, {"BENCH_DATABASE": str(folder / "holdfast.db")}, both_cores=both_cores)

    def fastify(self, stack: ExitStack, folder: Path) -> Server | None:
        """Fastify on the database of a data folder; None where there is no Node."""
        built = _build_fastify()
        if built is None:
            return None
        port = free_port()
        environment = {"BENCH_DATABASE": str(folder / "holdfast.db"), "BENCH_PORT": str(port), "NODE_ENV": "production"}
        command = ["node", str(built / "server.js")]
        return stack.enter_context(serve(FASTIFY, command, port=port, log=self.folder / "fastify.log", environment=environment))

    def _uvicorn(self, stack: ExitStack, name: str, app: str, environment: dict[str, str], *, both_cores: bool = False) -> Server:
        port = free_port()
        command = [_PYTHON, "-m", "uvicorn", app, "--port", str(port), *_UVICORN]
        return stack.enter_context(
            serve(name, command, port=port, log=self.folder / "peer.log", environment=environment, both_cores=both_cores)
        )


def _build_fastify() -> Path | None:
    """Install Fastify once, under build/; None where there is no Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    built = Path("build/bench-fastify")
    shutil.copytree(Path(__file__).parent / "apps" / "fastify", built, dirs_exist_ok=True)
    if not (built / "node_modules").exists():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=built, check=True)
    return built.resolve()


def _with(entrants: list[Entrant], server: Server | None, requests: Sequence[bytes], status: int = 200) -> None:
    if server is not None:
        entrants.append(Entrant(server, requests, status))


def prepare_answer(bench: Bench, port: int, path: str, token: str | None = None) -> Path:
    """Keep what a server answers, for the bare server to answer the same."""
    bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=bearer)) as answer:
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in {"date", "connection"}]
        body = answer.read().decode()
    file = bench.folder / "answer.json"
    file.write_text(json.dumps({"body": body, "headers": kept}), "utf-8")
    return file


def read_entrants(bench: Bench, stack: ExitStack, *, door: bool) -> list[Entrant]:
    """The bare server and Holdfast, which answer the same reads with the same bytes; with `door` the ASGI door too."""
    ids = _sample_ids(bench)
    holdfast = bench.holdfast(stack, bench.database("read"))
    answer = prepare_answer(bench, holdfast.port, f"/api/v1/items/{ids[0]}")
    requests = [get(f"/api/v1/items/{each}") for each in ids]
    servers = [bench.bare(stack, answer), holdfast, *([bench.door(stack, bench.database("read-door"))] if door else [])]
    return [Entrant(each, requests) for each in servers]


def _sample_ids(bench: Bench) -> list[str]:
    return [data.item_id(number) for number in random.Random(7).sample(range(bench.rows), min(2_000, bench.rows))]


def read(bench: Bench) -> None:
    """Read by id, over many ids."""
    with ExitStack() as stack:
        entrants = read_entrants(bench, stack, door=True)
        folder, theirs = bench.database("read-peers"), [get(f"/items/{each}") for each in _sample_ids(bench)]
        entrants.append(Entrant(bench.fastapi(stack, folder), theirs))
        _with(entrants, bench.fastify(stack, folder), theirs)
        rows = bench.race(entrants)
    bench.report.table("Read by id", rows, BARE)
    bench.report.target("read by id, of the bare server", ratio(rows, HOLDFAST, BARE), 0.75)
    bench.report.target("read by id through the ASGI door, of the bare server", ratio(rows, DOOR, BARE), 0.45, aim=True)
    bench.report.target("read by id, of FastAPI + SQLAlchemy", ratio(rows, HOLDFAST, FASTAPI), 15)
    if len(rows) == len(entrants) and rows[-1].name == FASTIFY:
        bench.report.target("read by id, of Fastify + better-sqlite3", ratio(rows, HOLDFAST, FASTIFY), 1, aim=True)


def create(bench: Bench) -> None:
    """Durable creates, acknowledged after commit."""
    ours = [post("/api/v1/items", data.make_item(number)) for number in range(1_000)]
    fastapi = [post("/items", {**data.make_item(number), "price": number}) for number in range(1_000)]
    fastify = [post("/items", data.make_item(number)) for number in range(1_000)]
    with ExitStack() as stack:
        entrants = [
            Entrant(bench.holdfast(stack, bench.database("create")), ours, 201),
            Entrant(bench.fastapi(stack, bench.database("create-fastapi")), fastapi, 201),
        ]
        _with(entrants, bench.fastify(stack, bench.database("create-fastify")), fastify, 201)
        rows = bench.race(entrants)
    bench.report.table("Durable create", rows, FASTAPI)
    bench.report.target("create, of FastAPI + SQLAlchemy", ratio(rows, HOLDFAST, FASTAPI), 10)
    if rows[-1].name == FASTIFY:
        bench.report.target("create, of Fastify + better-sqlite3", ratio(rows, HOLDFAST, FASTIFY), 3, aim=True)


def list_page(bench: Bench) -> None:
    """20 rows by an indexed filter, with the exact total."""
    folder = bench.database("list")
    paths = [f"items?category=category-{number}&limit=20" for number in range(data.CATEGORIES)]
    with ExitStack() as stack:
        entrants = [
            Entrant(bench.holdfast(stack, folder), [get(f"/api/v1/{each}") for each in paths]),
            Entrant(bench.fastapi(stack, folder), [get(f"/{each}") for each in paths]),
        ]
        _with(entrants, bench.fastify(stack, folder), [get(f"/{each}") for each in paths])
        rows = bench.race(entrants)
    bench.report.table("List of 20 by an indexed filter, with exact total", rows, FASTAPI)
    bench.report.target("list, of FastAPI + SQLAlchemy", ratio(rows, HOLDFAST, FASTAPI), 5)
    if rows[-1].name == FASTIFY:
        bench.report.target("list, of Fastify + better-sqlite3", ratio(rows, HOLDFAST, FASTIFY), 1, aim=True)


def growth(bench: Bench) -> None:
    """A repeated list with its total: a large table against a small one, still and under 200 writes a second."""
    small, large = bench.loaded(1_000), bench.loaded(bench.many)
    requests = [get("/api/v1/items?category=category-1&limit=20")]
    few, many = "1,000 rows", f"{bench.many:,} rows"
    with ExitStack() as stack:
        servers = [bench.holdfast(stack, small, name=few), bench.holdfast(stack, large, name=many)]
        entrants = [Entrant(each, requests) for each in servers]
        still = bench.race(entrants)
        with beside(servers, "bench.writer", "200"):
            busy = bench.race(entrants)
    bench.report.table("A repeated list with its total", still, few)
    bench.report.table("The same with 200 writes a second", busy, few)
    bench.report.target(f"list at {many}, CPU, of 1,000", ratio(still, many, few, "cpu_us"), 1.5, at_least=False)
    under = statistics.median(loaded.cpu_us / quiet.cpu_us for loaded, quiet in zip(busy[1].samples, still[0].samples, strict=True))
    bench.report.target(f"list at {many} with 200 writes/s, CPU, of 1,000 still", under, 3, at_least=False)


@contextmanager
def beside(servers: Sequence[Server], module: str, *arguments: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run a module of the bench against each server, on the core of the load, while the block lasts."""
    started = [subprocess.Popen([_PYTHON, "-m", module, str(each.port), *arguments], stdout=subprocess.PIPE) for each in servers]
    for process in started:
        os.sched_setaffinity(process.pid, {LOAD_CORE % (os.cpu_count() or 1)})
    try:
        time.sleep(0.5)
        yield started
    finally:
        for process in started:
            process.terminate()
            process.wait()


def workers(bench: Bench) -> None:
    """CPU a request with two workers against one, each with 32 connections, and the memory of a worker.

    What a second worker costs is measured against two servers of one worker each, which share nothing and keep the machine as busy. Against
    one that has the machine alone it is a promise where the load has a core of its own (docs/decisions/019-cost-of-a-second-worker.md).
    There are five times the rounds, since one ratio is anywhere from 0.8 to 1.4 where three programs share two cores.
    The last row is for comparison: with half as many connections each, fewer requests arrive in one turn of a worker.
    """
    requests = [get(f"/api/v1/items/{data.item_id(number)}") for number in range(min(2_000, bench.rows))]
    with ExitStack() as stack:
        one, other = (bench.holdfast(stack, bench.database(name), name="one worker", both_cores=True) for name in ("alone", "apart"))
        two = bench.holdfast(stack, bench.database("workers"), workers=2, name="two workers", both_cores=True)
        entrants = [
            Entrant(one, requests),
            Entrant(Servers("two servers", (one, other)), requests, workers=2),
            Entrant(two, requests, workers=2),
            Entrant(replace(two, name="two workers, 16 connections each"), requests),
        ]
        rows = bench.race(entrants, times=5)
        largest = max(itertools.chain.from_iterable(each.pss_mib() for each in (one, other, two)))
    bench.report.table("Workers", rows, "one worker")
    beside, alone = (ratio(rows, "two workers", base, "cpu_us") for base in ("two servers", "one worker"))
    bench.report.target("two workers, CPU a request, of one in each of two servers", beside, 1.1, at_least=False)
    bench.report.target("two workers, CPU a request, of one alone on the machine", alone, 1.1, at_least=False, aim=SHARES_A_CORE)
    bench.report.target("memory of a worker (PSS)", largest, 80, at_least=False, unit="MiB")


def start(bench: Bench) -> None:
    """How long `--help` and a start take."""
    helps, starts = [], []
    folder = bench.database("start")
    for _ in range(bench.rounds):
        began = time.perf_counter()
        subprocess.run([str(Path(_PYTHON).with_name("holdfast")), "--help"], check=True, stdout=subprocess.DEVNULL)
        helps.append(time.perf_counter() - began)
        with ExitStack() as stack:
            starts.append(bench.holdfast(stack, folder).ready_s)
    bench.report.target("`holdfast --help`", statistics.median(helps) * 1_000, 150, at_least=False, unit="ms")
    bench.report.target("ready after start", statistics.median(starts), 1.5, at_least=False, unit="s")
