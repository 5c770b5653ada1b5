"""sqlmap on every kind of place where a caller can write something, and on a control that has a hole."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from audit.served import Served
from audit.tools import ROOT, find_tool

_TARGET_S = 1_200
_REFUSED = "400,401,403,404,406,409,412,413,414,415,422,428"
_FOUND, _CLEAN = "identified the following injection point", "all tested parameters do not appear to be injectable"


class Target(NamedTuple):
    """One run of sqlmap. `options` may mark places with `*`; without marks every parameter is tried."""

    name: str
    path: str
    options: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


def targets(served: Served) -> list[Target]:
    """Every kind of place: parameters, names of sorts and filters, path, headers, JSON members."""
    book, author = served.ids["book"], served.ids["author"]
    json = ("Content-Type: application/json",)
    return [
        Target("parameters", "/api/v1/books?q=book&sort=title&limit=5&fields=title&include=author&count=exact"),
        Target("filters", "/api/v1/books?status=published&price[gte]=1&title[contains]=Book&author.name[startswith]=Auth&cost[lte]=9"),
        Target("names", "/api/v1/books?sort=title*,-price*&title*[contains]=Book&fields=title*"),
        Target("cursor", "/api/v1/changes?after=0&resource=books&limit=5"),
        Target("path", f"/api/v1/books/{book}*"),
        Target("nested path", f"/api/v1/authors/{author}*/books?title[icontains]=book"),
        Target(
            "headers",
            f"/api/v1/books/{book}",
            headers=('If-None-Match: "1-00000000*"', "X-Request-Id: a*", "Accept: application/json*", "Cookie: a=b*", "traceparent: 00*"),
        ),
        Target("authorization", "/api/v1/auth/me", headers=("Authorization: Bearer hf_a*",)),
        Target(
            "query",
            "/api/v1/books/query",
            ("--data", '{"filter":{"title":{"contains":"Book"},"author.name":"Author 1"},"sort":["title"],"q":"book","limit":5}'),
            json,
        ),
        Target("create", "/api/v1/authors", ("--data", '{"name":"x","email":"x@example.org"}'), json),
        Target("patch", f"/api/v1/books/{book}", ("--method", "PATCH", "--data", '{"title":"Book","version":1}'), json),
        Target("sign-in", "/api/v1/auth/login", ("--data", '{"email":"a@example.org","password":"wrong"}'), json),
    ]


def judge_injection(served: Served, folder: Path) -> Iterator[str]:
    """What sqlmap found, one line each; none is good. Raises AssertionError if it did not find the hole of the control."""
    sqlmap = find_tool("sqlmap")
    with _control() as address:
        told = _run(sqlmap, folder / "control", f"{address}/?q=a", ())
        assert _FOUND in told, f"sqlmap did not find the hole of the control:\n{told[-2000:]}"
    identity = f"Authorization: Bearer {served.keys['admin']}"
    for target in targets(served):
        headers = target.headers if any(each.startswith("Authorization") for each in target.headers) else (*target.headers, identity)
        told = _run(sqlmap, folder / target.name.replace(" ", "-"), served.address + target.path, headers, *target.options)
        if _FOUND in told:
            yield f"{target.name}: {told[told.index(_FOUND) :][:600]}"
        elif _CLEAN not in told:
            yield f"{target.name}: sqlmap came to no verdict: {told[-300:]}"


def _run(sqlmap: Path, folder: Path, url: str, headers: tuple[str, ...], *options: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        str(sqlmap), "-u", url, "--batch", "--flush-session", "--level", "3", "--risk", "1", "--technique", "BEU", "--dbms", "sqlite",
        "--threads", "1", "--timeout", "10", "--retries", "0", "--disable-coloring", "--ignore-code", _REFUSED,
        *(("--headers", "\n".join(headers)) if headers else ()), *options,
    ]  # fmt: skip
    with (folder / "sqlmap.txt").open("w+") as output:
        try:
            environ = {"HOME": str(folder), "PATH": os.environ["PATH"]}
            subprocess.run(command, cwd=folder, env=environ, stdout=output, stderr=output, timeout=_TARGET_S, check=False)
        except subprocess.TimeoutExpired:
            output.write("\nstopped: it took too long\n")
        output.seek(0)
        return output.read()


@contextmanager
def _control() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-m", "audit.control"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as control:
        try:
            assert control.stdout is not None
            yield f"http://127.0.0.1:{int(control.stdout.readline())}"
        finally:
            control.terminate()
