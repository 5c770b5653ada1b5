"""What is measured of identity: reads and lists by who may not see everything, and reads while others sign in."""

import json
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt

from bench import data
from bench.measure import Entrant, get, ratio
from bench.scenarios import BARE, FASTAPI, HOLDFAST, Bench, beside, prepare_answer
from bench.servers import Server

APP = "bench/apps/guarded.py"
CATEGORIES = 2  # a clerk is granted half of the rows
OWNED = 1_000  # rows that the maker owns, however many there are
LOGINS_PER_S = 50
PASSWORD = "what the bench signs in with"  # noqa: S105  # of a database that is thrown away
_SHOPS = 100
_MEMBERS = {"clerk": ("--set", "category=category-1"), "buyer": (), "maker": ()}


def signed_in(bench: Bench) -> None:
    """Read by id with everything on: a user's token, a role, a rule of rows and one of a field, the quota above the load."""
    ids = _ids(bench.rows)
    with ExitStack() as stack:
        holdfast = _serve(bench, stack, bench.rows)
        token = sign_in(holdfast.port, "clerk")
        paths = [f"/api/v1/items/{each}" for each in ids]
        requests = [get(each, token) for each in paths]
        bare = bench.bare(stack, prepare_answer(bench, holdfast.port, paths[0], token))
        fastapi = bench.fastapi(stack, _folder(bench, bench.rows), "bench.apps.fastapi_jwt:app")
        theirs = jwt.encode({"sub": _address("clerk")}, data.JWT_KEY, algorithm="HS256")
        entrants = [Entrant(bare, requests), Entrant(holdfast, requests), Entrant(fastapi, [get(f"/items/{each}", theirs) for each in ids])]
        rows = bench.race(entrants)
    bench.report.table("Read by id, signed in, under rules", rows, BARE)
    bench.report.target("read by id under rules, of the bare server", ratio(rows, HOLDFAST, BARE), 0.65)
    bench.report.target("read by id under rules, of FastAPI + SQLAlchemy with a JWT", ratio(rows, HOLDFAST, FASTAPI), 15)


def reference(bench: Bench) -> None:
    """What a rule through one reference costs a read, against one of an own field."""
    own, through = "by an own field", "through a reference"
    ids = _ids(bench.rows)
    with ExitStack() as stack:
        server = _serve(bench, stack, bench.rows)
        rows = bench.race([_reads(server, "clerk", own, ids), _reads(server, "buyer", through, ids)])
    bench.report.table("Read by id under a rule", rows, own)
    bench.report.target("a rule through a reference, CPU, of one of an own field", ratio(rows, through, own, "cpu_us"), 1.3, at_least=False)


def row_rule(bench: Bench) -> None:
    """A list under a row rule: a large table against a small one."""
    few, many = "1,000 rows", f"{bench.many:,} rows"
    for who, kind in (("clerk", "an own field"), ("maker", "`owner`")):
        with ExitStack() as stack:
            servers = [_serve(bench, stack, 1_000, few), _serve(bench, stack, bench.many, many)]
            entrants = [Entrant(each, [get("/api/v1/items?limit=20", sign_in(each.port, who))]) for each in servers]
            rows = bench.race(entrants)
        bench.report.table(f"A list with its total under a rule of {kind}", rows, few)
        bench.report.target(f"list by {kind} at {many}, CPU, of 1,000", ratio(rows, many, few, "cpu_us"), 1.5, at_least=False)


def logins(bench: Bench) -> None:
    """Reads while 50 sign-ins a second are offered: more than can be hashed beside them. Others sign in, since the oldest sessions end."""
    still, busy = "still", "while others sign in"
    ids = _ids(bench.rows)
    with ExitStack() as stack:
        server = _serve(bench, stack, bench.rows)
        rows = bench.race([_reads(server, "clerk", still, ids)])
        began = time.perf_counter()
        with beside([server], "bench.logins", str(LOGINS_PER_S), _address("buyer"), PASSWORD) as (others,):
            rows += bench.race([_reads(server, "clerk", busy, ids)])
    answered = json.loads(others.stdout.read() if others.stdout else b"{}")
    if "200" not in answered or not answered.keys() <= {"200", "503"}:
        message = f"sign-ins were answered {answered}, expected 200, and 503 beyond what can be hashed"
        raise RuntimeError(message)
    per_s = answered["200"] / (time.perf_counter() - began)
    bench.report.table(f"Read by id while {LOGINS_PER_S} sign-ins/s are offered, and {per_s:.0f} done", rows, still)
    bench.report.target(f"reads with {LOGINS_PER_S} sign-ins/s offered, p95", rows[1].median("p95_ms"), 200, at_least=False, unit="ms")


def _serve(bench: Bench, stack: ExitStack, rows: int, name: str = HOLDFAST) -> Server:
    return bench.holdfast(stack, _folder(bench, rows), name=name, app=APP)


def _reads(server: Server, who: str, name: str, ids: Sequence[str]) -> Entrant:
    """Reads of one server by one member, as an entrant of its own."""
    token = sign_in(server.port, who)
    return Entrant(replace(server, name=name), [get(f"/api/v1/items/{each}", token) for each in ids])


def _ids(rows: int) -> list[str]:
    """What a clerk may read, and so may everyone who is asked for here."""
    numbers = range(1, rows, CATEGORIES)
    return [data.item_id(each) for each in random.Random(7).sample(numbers, min(2_000, len(numbers)))]


def sign_in(port: int, who: str) -> str:
    """The access token of a member."""
    return str(_post(port, "auth/login", {"email": _address(who), "password": PASSWORD}, None)["access_token"])


def _folder(bench: Bench, rows: int) -> Path:
    """The data folder with so many rows, their shops, and members who are granted them; made once."""
    folder = bench.folder / f"guarded-{rows}"
    if folder.exists():
        return folder
    data.load_lines(folder, "shops", ({"id": _shop_id(number), "name": f"Shop {number}"} for number in range(_SHOPS)), app=APP)
    data.load_lines(folder, "items", _items(rows), app=APP)
    for who, more in _MEMBERS.items():
        command = [
            sys.executable,
            "-m",
            "holdfast",
            "user",
            "add",
            _address(who),
            "--role",
            who,
            *more,
            "--app",
            APP,
            "--data",
            str(folder),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, input=PASSWORD.encode())
    with ExitStack() as stack:
        server = bench.holdfast(stack, folder, app=APP)
        _post(
            server.port,
            "items/bulk",
            [data.make_item(number, categories=CATEGORIES) for number in range(OWNED)],
            sign_in(server.port, "maker"),
        )
    return folder


def _items(rows: int) -> Iterator[dict[str, Any]]:
    for number in range(rows):
        yield {"id": data.item_id(number), **data.make_item(number, categories=CATEGORIES), "shop_id": _shop_id(number % _SHOPS)}


def _shop_id(number: int) -> str:
    return data.item_id(10**9 + number)


def _address(who: str) -> str:
    return f"{who}@example.org"


def _post(port: int, path: str, body: object, token: str | None) -> Any:
    headers = {"Content-Type": "application/json", **({} if token is None else {"Authorization": f"Bearer {token}"})}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())["data"]
