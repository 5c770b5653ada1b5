"""What was dumped loads: a backend with every type and every option, through a file and into a new folder."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_harness import call

APP = """
from dataclasses import dataclass, field as plain
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Literal
from uuid import UUID, uuid4

from holdfast import Access, Backend, Email, Ref, Resource, Url, anyone, field, owner, role, this


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Place:
    city: str
    zip: str | None = None
    since: date | None = None
    counts: list[int] = plain(default_factory=list)


class Maker(Resource):
    name: str = field(unique=True)
    boss: "Ref[Maker] | None" = None

    access = Access(read=anyone, write=anyone)


class Thing(Resource, unique=[("code", "title")], index=["whole"], check=[this.whole <= this.most], require_version=True):
    title: str = field(min_length=1, max_length=80, pattern="^[^#]*$", search=True)
    note: str | None = field(default=None, description="A note.", examples=["x"], deprecated=True)
    label: str = field(default="new", writable_by=role("editor"))
    empty: str | None = None
    mood: Literal["", "good"] | None = None
    whole: int = field(default=1, ge=-(2**63), index=True)
    most: int = field(default=2**63 - 1, gt=0)
    real: float = field(default=0.1, lt=1e300)
    flag: bool = field(default=False, readable_by=~this.flag)
    price: Decimal = field(default=Decimal("1.50"), digits=10, places=2, multiple_of=Decimal("0.5"))
    day: date | None = field(default=None, immutable=True)
    moment: datetime | None = field(default=None, immutable=True, readonly=True)
    hour: time | None = None
    span: timedelta | None = None
    code: UUID = field(default_factory=uuid4, readonly=True)
    serial: UUID = field(default_factory=uuid4, readonly=True, unique=True, readable_by=owner)
    marks: list[int] = field(default_factory=lambda: [1, 2], readonly=True)
    email: Email | None = None
    site: Url | None = None
    kind: Literal["a", "b"] = "a"
    colour: Colour = field(default=Colour.RED, readonly=True)
    tags: list[str] = field(default_factory=list, max_length=9)
    amounts: dict[str, Decimal] = field(default_factory=dict, places=1)
    place: Place | None = None
    places: list[Place] = field(default_factory=list)
    maker: Ref[Maker] = field(on_delete="cascade")
    other: Ref[Maker] | None = field(default=None, on_delete="set_null", reverse="other-things", immutable=True)
    pin: str | None = field(default=None, secret="hashed")
    key: str | None = field(default=None, secret="encrypted")

    access = Access(read=anyone, write=anyone)


backend = Backend(Maker, Thing)
"""

MAKERS = [
    {"id": "00000000-0000-4000-8000-000000000002", "name": "Bo", "boss_id": "00000000-0000-4000-8000-000000000001"},
    {"id": "00000000-0000-4000-8000-000000000001", "name": 'Ann, "the\r\nfirst"', "boss_id": "00000000-0000-4000-8000-000000000004"},
    {"id": "00000000-0000-4000-8000-000000000003", "name": "Cy", "boss_id": "00000000-0000-4000-8000-000000000003"},
    {"id": "00000000-0000-4000-8000-000000000004", "name": "Di", "boss_id": "00000000-0000-4000-8000-000000000001"},
]
"""Who is under whom: one under a circle of two, and one under herself."""
THINGS: list[dict[str, Any]] = [
    {"title": "Plain", "maker_id": MAKERS[0]["id"]},
    {
        "title": '  Ünï, "quoted"\n\r\ttext; 東 \\ \'',
        "note": "\r",
        "label": "",
        "empty": "",
        "mood": "",
        "whole": -(2**63),
        "real": 5e-324,
        "flag": True,
        "price": "-12345678.50",
        "day": "0001-01-01",
        "hour": "23:59:59.999999",
        "span": "-P1DT2H3M4.5S",
        "email": "ann@example.org",
        "site": "https://example.org/?a=1,2",
        "kind": "b",
        "tags": ["", "a,b", "true"],
        "amounts": {"a b": "1.5", "": "-0.5"},
        "place": {"city": "", "since": "2024-02-29", "counts": [1, -2]},
        "places": [{"city": "Rome", "zip": "0"}],
        "maker_id": MAKERS[1]["id"],
        "other_id": MAKERS[0]["id"],
        "pin": "1234",
        "key": "secret",
    },
    {"title": "true", "note": "1", "label": "null", "real": 0.1 + 0.2, "span": "PT0S", "maker_id": MAKERS[1]["id"], "whole": 2**53 + 1},
]
SET_ANEW = ("version", "created_at", "updated_at", "created_by_id")


@pytest.fixture(autouse=True)
def _app(folder: Path) -> None:
    (folder / "app.py").write_text(APP, "utf-8")


def _write(name: str, *rows: Any) -> str:
    Path(name).write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return name


def _lines(path: str, *flags: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in call("dump", path, *flags).out.splitlines()]


def _kept(path: str, data: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in SET_ANEW} for row in _lines(path, "--data", data)]


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_what_was_dumped_loads(file_format: str) -> None:
    """Whatever its types and options: what only the server sets is what it was; secrets are left out, and the four that are told."""
    for path, rows in (("makers", MAKERS), ("things", THINGS)):
        loaded = call("load", _write("rows.jsonl", *rows), "--into", path, "--data", "old")
        assert (loaded.status, loaded.err) == (0, "")

    for path in ("makers", "things"):
        file = f"{path}.{file_format}"
        assert call("dump", path, "--format", file_format, "--output", file, "--data", "old").status == 0
        loaded = call("load", file, "--into", path, "--data", "new")
        assert (loaded.status, loaded.err) == (0, "")
        assert _kept(path, "new") == _kept(path, "old")
        again = call("load", file, "--into", path, "--data", "new")
        assert "0 loaded" in again.out
    assert call("verify", "--data", "new").status == 0
    assert len({each["serial"] for each in _kept("things", "new")}) == len(THINGS)


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_users_that_were_dumped_load(file_format: str) -> None:
    """Without their passwords."""
    assert call("user", "add", "ann@example.org", "--role", "editor", "--no-password", "--data", "old").status == 0
    assert call("key", "add", "importer", "--role", "admin", "--data", "old").status == 0
    call("user", "revoke", "ann@example.org", "--data", "old")
    call("dump", "users", "--format", file_format, "--output", f"users.{file_format}", "--data", "old")
    loaded = call("load", f"users.{file_format}", "--into", "users", "--data", "new")
    assert (loaded.status, loaded.err) == (0, "")
    assert _kept("users", "new") == _kept("users", "old")


def test_a_secret_that_is_required_has_to_be_given_anew() -> None:
    """A dump does not hold it, and none is made up."""
    app = Path("app.py").read_text("utf-8")
    Path("app.py").write_text(
        app.replace('pin: str | None = field(default=None, secret="hashed")', 'pin: str = field(secret="hashed")'), "utf-8"
    )
    call("load", _write("makers.jsonl", *MAKERS), "--into", "makers")
    call("load", _write("things.jsonl", {**THINGS[0], "pin": "1234"}), "--into", "things")
    (dumped,) = _lines("things")
    assert "pin" not in dumped

    call("load", "makers.jsonl", "--into", "makers", "--data", "new")
    for more, told in (({}, "pin: This member is required. (required)"), ({"pin": "5678"}, "")):
        loaded = call("load", _write("things.jsonl", {**dumped, **more}), "--into", "things", "--data", "new")
        assert (loaded.status, told in loaded.err) == (1 if told else 0, True)
