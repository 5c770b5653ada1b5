"""The matrix: every caller asks every resource in every way, and each answer is held against the oracle, cell by cell.

A cell is one thing that the declaration decides: whether this caller is shown this row, or this field of it, may do this to it, or may
ask by it. Writes are mostly tried in batches whose second operation cannot succeed, so that they are judged and leave nothing behind.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from access_oracle import SPECIAL, Caller, Oracle, Wanted, World
from access_rules import CODE, FAR_AHEAD, LONG_AGO, Ruled, declare
from story_case import ABSENT_ID, API

from holdfast.testing import Client, Response

Thing = TypeVar("Thing")

DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys(("text", "number", "limit", "amount", "ratio", "choice", "day", "moment", "hour", "span", "code", "team", "person")),
    "flag": False,
    **dict.fromkeys(SPECIAL),
}
"""What a record holds where nothing was sent."""

LIVING, DEAD = 8, 2
_FAR_DAY, _OLD_DAY = date(2201, 2, 3), date(2001, 2, 3)
_OTHER_CODE = UUID("01890a5d-ac96-774b-bcce-b302099a8052")
_WRONG_MAX = 40


def _values(number: int) -> dict[str, Any]:
    """The values of the row with this number: every field takes what its rules tell apart, nulls included, and not in step."""
    odd = number % 2 == 1
    return {
        "text": ("open", "shut", None, "open", "other")[number % 5],
        "number": (None, 1, 2, 5, 7, 6)[number % 6],
        "limit": (3, None, 2, 9)[number % 4],
        "amount": (Decimal("10.50"), Decimal("10.51"), None)[number % 3],
        "ratio": (0.5, 0.75, None, -1.0)[number % 4],
        "flag": number % 3 != 0,
        "choice": ("draft", "final", "other", None)[(number + 1) % 4],
        "day": (_OLD_DAY, _FAR_DAY, None)[(number + 1) % 3],
        "moment": (FAR_AHEAD, LONG_AGO, None)[(number + 2) % 3],
        "hour": (time(12), time(11, 59, 59), None)[number % 3],
        "span": (timedelta(hours=1, minutes=59), timedelta(hours=2), None)[number % 3],
        "code": (CODE, _OTHER_CODE, None)[(number + 2) % 3],
        "mask": f"m{number % 2}",
        "lock": "l1" if odd else "l0",
        "veil": f"v{number % 2}",
    }


@dataclass
class Matrix:
    """A database that is filled, who asks it, and what was found.

    rows   resource path -> id -> the record as it stands, by Python names; `gone` those that were deleted
    whole  ask every row in every way; else each caller asks some at each resource, other ones from resource to resource
    cells  how many of each kind were compared
    wrong  those that differ
    """

    client: Client
    world: World
    callers: Sequence[Caller]
    ruled: Sequence[Ruled]
    rows: Mapping[str, dict[str, dict[str, Any]]]
    gone: Mapping[str, dict[str, dict[str, Any]]]
    teams: Sequence[str]
    judged_by: Mapping[str, Ruled] = field(default_factory=dict)
    whole: bool = False
    cells: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def run(self, *, for_real: bool = True, until_noticed: bool = False, every_other: bool = False) -> "Matrix":
        """Ask everything; first what leaves no trace, then (`for_real`) what does.

        until_noticed  ask nothing more of a resource of which something was wrong
        every_other    let every other caller ask, the others at the next resource
        """
        askers = [
            _Asker(self, Oracle(self.world, self.judged_by.get(ruled.path, ruled)), caller, turn * 3 + index)
            for turn, ruled in enumerate(self.ruled)
            for index, caller in enumerate(self.callers)
            if not every_other or (turn + index) % 2 == 0
        ]
        for each in askers:
            if not (until_noticed and any(f" {each.path} " in wrong for wrong in self.wrong)):
                each.ask_all()
        for each in askers if for_real else ():
            each.write_all()
        return self

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.cells.items()))
        told = "".join(f"\n  {each}" for each in self.wrong[:_WRONG_MAX])
        return f"{self.cells.total():,} cells ({counts}), {len(self.wrong)} wrong{told}"


@dataclass
class _Asker:
    """One caller at one resource."""

    matrix: Matrix
    oracle: Oracle
    caller: Caller
    turn: int

    def __post_init__(self) -> None:
        self.path = f"/{self.oracle.ruled.path}"
        self.rows = self.matrix.rows[self.oracle.ruled.path]
        self.gone = self.matrix.gone[self.oracle.ruled.path]

    def some(self, things: Iterable[Thing], count: int) -> list[Thing]:
        """So many of some things, others at each turn; all of them in a whole matrix."""
        found = list(things)
        if self.matrix.whole or len(found) <= count:
            return found
        self.turn += 1
        return [found[(self.turn * count + step) % len(found)] for step in range(count)]

    # What is compared

    def check(self, kind: str, what: str, expected: object, observed: object) -> None:
        """One cell."""
        self.matrix.cells[kind] += 1
        if expected != observed:
            self.matrix.wrong.append(f"{kind}: {self.caller.name} {self.path} {what}: declared {expected}, observed {observed}")

    def ask(self, method: str, path: str, **parts: Any) -> Response:
        """Send one request as the caller."""
        return self.matrix.client.request(method, f"{API}{path}", headers=self.caller.headers, **parts)

    def check_refused(self, kind: str, what: str, answer: Response) -> None:
        """What is granted on no row."""
        self.check(kind, what, self.caller.refusal, answer.status)

    def check_hidden(self, kind: str, what: str, answer: Response, absent: Response) -> None:
        """A hidden row answers as a missing one does, byte for byte."""
        self.check(f"{kind} hidden as missing", what, _bare(absent), _bare(answer))

    # Reading

    def ask_all(self) -> None:
        """Everything that leaves no trace."""
        self._lists()
        self._records()
        ways = (self._asking_by_field, self._asking_through_references, self._nested, self._changes, self._tries, self._try_creates)
        for ask in self.some(ways, 2):
            ask()

    def _listed(self) -> dict[str, dict[str, Any]]:
        return {key: row for key, row in self.rows.items() if self.oracle.on("list", self.caller, row)}

    def _lists(self) -> None:
        for kind in ("list", *self.some(("list by JSON", ""), 1)):
            if not kind:
                continue
            is_json = kind == "list by JSON"
            path = f"{self.path}/query" if is_json else f"{self.path}?limit=200"
            answer = self.ask("POST", path, json={"limit": 200}) if is_json else self.ask("GET", path)
            if not self.oracle.may("list", self.caller):
                self.check_refused(kind, "all", answer)
                continue
            self._check_page(kind, "all", answer, self._listed())
            for shown in answer.data or ():
                if shown["id"] in self.rows:
                    self._check_fields(f"{kind}: fields", shown, self.rows[shown["id"]])

    def _check_page(self, kind: str, what: str, answer: Response, wanted: Mapping[str, Any]) -> None:
        """One cell for each row that is or is not there, and one for the total."""
        if answer.status != 200:
            self.check(kind, what, 200, answer.status)
            return
        shown = {each["id"] for each in answer.data}
        for key in {*self.rows, *shown}:
            self.check(kind, f"{what}, row {self._number(key)}", key in wanted, key in shown)
        self.check(kind, f"{what}, total", len(wanted), answer.json()["meta"]["total"])

    def _check_fields(self, kind: str, shown: Mapping[str, Any], row: Mapping[str, Any], only: Iterable[str] = SPECIAL) -> None:
        wanted = self.oracle.shown(self.caller, row) & set(only)
        for name in SPECIAL:
            self.check(kind, f"{name} of {row}", row[name] if name in wanted else "not there", shown.get(name, "not there"))

    def _number(self, key: str) -> str:
        return str({**self.rows, **self.gone}.get(key, "unknown"))

    def _asking_by_field(self) -> None:
        """Filter, sort, search and `fields` on members with rules of their own."""
        if not self.oracle.may("list", self.caller):
            return
        listed = self._listed()
        for name in self.some(SPECIAL, 1):
            value = f"{name[0]}1"
            open_to_all = self.oracle.always(f"{name}.readable_by", self.caller)
            for kind in self.some(("filter", "filter by operator", "sort", "filter by JSON"), 2):
                answer = self._ask_by(kind, name, value)
                if not open_to_all:  # refused as a name that is none
                    absent = self._ask_by(kind, f"x{name}x", "x")
                    self.check(f"{kind} on hidden", name, (400, absent.error["code"]), (answer.status, _code(answer)))
                    continue
                is_all = kind in ("sort", "filter by operator")
                self._check_page(kind, f"by {name}", answer, {key: row for key, row in listed.items() if is_all or row[name] == value})
            answer = self.ask("GET", self.path, params={"fields": name, "limit": 200})
            if name in self.oracle.names(self.caller):
                for shown in answer.data or ():
                    self._check_fields("?fields=", shown, self.rows[shown["id"]], only=(name,))
            else:
                self.check("?fields= on hidden", name, (400, "unknown_parameter"), (answer.status, _code(answer)))
        self._search(listed)

    def _ask_by(self, kind: str, name: str, value: str) -> Response:
        match kind:
            case "filter":
                return self.ask("GET", self.path, params={name: value, "limit": 200})
            case "filter by operator":
                return self.ask("GET", self.path, params={f"{name}[ne]": "zz", "limit": 200})
            case "sort":
                return self.ask("GET", self.path, params={"sort": f"-{name}", "limit": 200})
            case _:
                return self.ask("POST", f"{self.path}/query", json={"filter": {name: value}, "limit": 200})

    def _search(self, listed: Mapping[str, Mapping[str, Any]]) -> None:
        answer = self.ask("GET", self.path, params={"q": "m1", "limit": 200})
        if self.oracle.always("mask.readable_by", self.caller):
            self._check_page("search", "m1", answer, {key: row for key, row in listed.items() if row["mask"] == "m1"})
        else:
            self.check("search on hidden", "m1", (400, "unknown_parameter"), (answer.status, _code(answer)))

    def _asking_through_references(self) -> None:
        if not self.oracle.may("list", self.caller):
            return
        listed, world = self._listed(), self.matrix.world
        sees = {key: world.may_see("teams", row["team"], self.caller) for key, row in self.rows.items()}
        teams = {key: world.tables["teams"].get(row["team"], {}) for key, row in self.rows.items()}
        wanted: dict[str, Callable[[str], bool]] = {
            "team.name=T1": lambda key: sees[key] and teams[key]["name"] == "T1",
            "team.name=T2": lambda key: sees[key] and teams[key]["name"] == "T2",
            "team.region.name=north": lambda key: "admin" in self.caller.roles and self._region(self.rows[key]) == "north",
            "team.name[null]=true": lambda key: not sees[key],
            "team.name[ne]=T1": lambda key: not sees[key] or teams[key]["name"] != "T1",
        }
        for question in self.some(wanted, 2):
            answer = self.ask("GET", f"{self.path}?{question}&limit=200")
            self._check_page(
                "filter through a reference", question, answer, {key: row for key, row in listed.items() if wanted[question](key)}
            )
        answer = self.ask("GET", self.path, params={"person.hint": "x", "limit": 200})
        if self.caller.roles & {"b", "admin"}:
            self.check("filter behind a reference", "hint", 200, answer.status)
        else:
            absent = self.ask("GET", self.path, params={"person.xhintx": "x"})
            self.check("filter behind a reference on hidden", "hint", (400, _code(absent)), (answer.status, _code(answer)))
        answer = self.ask("GET", self.path, params={"include": "team,person", "sort": "team.name", "limit": 200})
        for shown in answer.data or ():
            row = self.rows[shown["id"]]
            person = world.may_see("users", row["person"], self.caller)
            self.check("include", f"team of {row}", sees[shown["id"]], shown["team"] is not None)
            self.check("include", f"person of {row}", person, shown["person"] is not None)
            if shown["person"] is not None:
                self.check("include: fields", "hint", bool(self.caller.roles & {"b", "admin"}), "hint" in shown["person"])
        self._check_page("include", "all", answer, listed)

    def _region(self, row: Mapping[str, Any]) -> str | None:
        tables = self.matrix.world.tables
        region = None if row["team"] is None else tables["teams"][row["team"]]["region"]
        return None if region is None else str(tables["regions"][region]["name"])

    def _nested(self) -> None:
        absent = self.ask("GET", f"/teams/{ABSENT_ID}{self.path}", params={"limit": 200})
        for team in self.some(self.matrix.teams, 1):
            answer = self.ask("GET", f"/teams/{team}{self.path}", params={"limit": 200})
            if not self.oracle.may("list", self.caller):
                self.check_refused("nested", team, answer)
            elif self.matrix.world.may_see("teams", team, self.caller):
                wanted = {key: row for key, row in self._listed().items() if row["team"] == team}
                self._check_page("nested", team, answer, wanted)
            else:
                self.check("nested", team, 404, answer.status)
                self.check_hidden("nested", team, answer, absent)

    def _records(self) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        suffixes = {"read": "", "as of": f"?as_of={now}", "history": "/history", "?fields= of one": "?fields=text,mask"}
        for kind, suffix in (("read", ""), *self.some(list(suffixes.items())[1:], 1)):
            if "fields" in kind and "mask" not in self.oracle.names(self.caller):
                continue
            absent = self.ask("GET", f"{self.path}/{ABSENT_ID}{suffix}")
            asked = {**self.rows, **(self.gone if kind == "history" else {})}
            for key, row in self.some(asked.items(), 3):
                answer = self.ask("GET", f"{self.path}/{key}{suffix}")
                if not self.oracle.may("read", self.caller):
                    self.check_refused(kind, self._number(key), answer)
                elif self.oracle.on("read", self.caller, row):
                    self.check(kind, f"row {row}", 200, answer.status)
                    self._check_shown(kind, answer, row, is_gone=key in self.gone)
                else:
                    self.check(kind, f"row {row}", 404, answer.status)
                    self.check_hidden(kind, f"row {row}", answer, absent)

    def _check_shown(self, kind: str, answer: Response, row: Mapping[str, Any], *, is_gone: bool) -> None:
        if answer.status != 200:
            return
        if kind == "history":
            self._check_history(answer.data, row, is_gone=is_gone)
        else:
            self._check_fields(f"{kind}: fields", answer.data, row, only=("mask",) if "fields" in kind else SPECIAL)

    def _check_history(self, entries: Sequence[Mapping[str, Any]], row: Mapping[str, Any], *, is_gone: bool) -> None:
        """A row was made without references, then got them, then perhaps was deleted: each image is judged by what it was."""
        images = [None, {**row, "team": None, "person": None}, row, *([None] if is_gone else [])]
        wanted = self.oracle.history(self.caller, images)
        seen = [tuple(image is not None for image in pair) for pair in wanted]
        told = [(each["before"] is not None, each["after"] is not None) for each in entries]
        self.check("history", f"images of {row}", seen, told)
        for pair, entry in zip(wanted, entries, strict=False):
            for image, shown in zip(pair, (entry["before"], entry["after"]), strict=True):
                if image is not None and shown is not None:
                    self._check_fields("history: fields", shown, image)

    def _changes(self) -> None:
        answer = self.ask("GET", "/changes", params={"resource": self.path[1:], "limit": 200})
        if not self.oracle.may("read", self.caller):
            self.check_refused("changes", "all", answer)
            return
        if answer.status != 200:
            self.check("changes", "all", 200, answer.status)
            return
        last = {each["id"]: each for each in answer.data}
        for key, row in self.rows.items():
            sees = self.oracle.on("read", self.caller, row)
            told = last.get(key)
            self.check("changes", f"row {row}", sees, told is not None and told["operation"] != "removed")
            if sees and told is not None and told["after"] is not None:
                self._check_fields("changes: fields", told["after"], row)
            if not sees and told is not None:
                self.check("changes", f"payload of {row}", (None, None), (told["before"], told["after"]))
        for key in self.gone:
            told = last.get(key)
            self.check(
                "changes",
                "of a deleted record",
                ("removed", None),
                ("removed", None) if told is None else (told["operation"], told["after"]),
            )

    # Writes that leave no trace

    def _tries(self) -> None:
        bodies = self._bodies()
        for key, row in self.some(self.rows.items(), 2):
            for body in self.some(bodies, 2):
                self._try_update("PATCH", key, row, body)
            for body in self.some(bodies, 1):
                self._try_update("PUT", key, row, body)
            self._try("delete", {"method": "DELETE", "path": f"{self.path}/{key}"}, self.oracle.delete(self.caller, row))

    def _bodies(self) -> list[dict[str, Any]]:
        ann = self.matrix.callers[1].id
        return [
            {"text": "shut"},
            {"text": "open", "flag": True, "number": 2},
            {"mask": "new"},
            {"lock": "new"},
            {"veil": "new"},
            {"team": self.matrix.teams[1]},
            {"person": ann},
            {"number": None, "flag": False, "team": self.matrix.teams[0]},
            {"mask": "new", "lock": "l1", "veil": "new", "text": "open"},
            {"mask": "m1", "veil": "v0"},  # some rows hold these, so that they are equal, and some callers may not know
            {"mask": "m0", "lock": "l0", "veil": "v1"},
        ]

    def _try_creates(self) -> None:
        for body in self.some((*self._bodies(), {**_values(3), "team": self.matrix.teams[0]}), 2):
            sent = {**body}
            new = {**DEFAULTS, **sent, "created_by": self.caller.id}
            wanted = self.oracle.create(self.caller, sent, new)
            self._try("create", {"method": "POST", "path": self.path, "body": _to_json(sent)}, wanted)

    def _try_update(self, method: str, key: str, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        new = {**row, **body} if method == "PATCH" else self.oracle.replaced(self.caller, body, row, DEFAULTS)
        wanted = self.oracle.update(self.caller, body, row, new)
        told = self._try("update", {"method": method, "path": f"{self.path}/{key}", "body": _to_json(body)}, wanted)
        if wanted.status == 404:
            absent = self._try_alone({"method": method, "path": f"{self.path}/{ABSENT_ID}", "body": _to_json(body)})
            self.check_hidden("update", f"row {row}", told, absent)

    def _try(self, kind: str, operation: dict[str, Any], wanted: Wanted) -> Response:
        """Judge an operation in a batch whose second one fails whatever becomes of the first."""
        again = {**operation, "version": 999} if operation["method"] != "POST" else {**operation, "path": self.path}
        if operation["method"] == "POST":
            first = {**operation, "body": {**operation["body"], "id": "01890a5d-ac96-774b-bcce-b302099a8099"}}
            operations = [first, first]
        else:
            operations = [operation, again]
        answer = self.ask("POST", "/batch", json={"operations": operations})
        fields = [each["field"] for each in (answer.error or {}).get("details", ())]
        passed = bool(fields) and all(each.startswith("operations[1]") for each in fields)
        observed = "done" if passed else (answer.status, _code(answer))
        expected = "done" if wanted.status < 300 else (wanted.status, wanted.code)
        self.check(f"{kind} in a batch", f"{operation}", expected, observed)
        if wanted.status == 422 and answer.status == 422:
            told = {(each["field"].removeprefix("operations[0].body."), each["code"]) for each in answer.error["details"]}
            named = {pair for pair in told if not pair[0].startswith("operations[1]")}
            self.check(f"{kind} in a batch: faults", f"{operation}", set(), wanted.fields - named)
        return answer

    def _try_alone(self, operation: dict[str, Any]) -> Response:
        return self.ask("POST", "/batch", json={"operations": [operation, {**operation, "version": 999}]})

    # Writes for real

    def write_all(self) -> None:
        """What changes the database, on rows that differ from caller to caller."""
        keys, bodies = list(self.rows), self._bodies()
        for key in self.some(keys, 1):
            self._update_for_real("PATCH", key, bodies[self.turn % len(bodies)])
        for key in self.some(keys, 1):
            self._update_for_real("PUT", key, bodies[self.turn % len(bodies)])
        self._create_for_real({**_values(self.turn), "text": ("open", "shut")[self.turn % 2]})
        self._create_many_for_real([{"text": "open"}, {"text": "shut", "flag": True}])
        self._undelete_for_real()
        for key in self.some(keys, 1)[:1]:
            self._delete_for_real(key)

    def _judge(self, kind: str, what: object, answer: Response, wanted: Wanted) -> bool:
        self.check(kind, f"{what}", (wanted.status, wanted.code), (answer.status, _code(answer)))
        if wanted.status == 422 and answer.status == 422:
            told = {(each["field"], each["code"]) for each in answer.error["details"]}
            self.check(f"{kind}: faults", f"{what}", set(), wanted.fields - told)
            self.check(f"{kind}: faults", f"{what}", set(), {each for each in told - wanted.fields if each[1] != "read_only"})
        if wanted.status not in (200, 201) or answer.status != wanted.status or answer.data is None or isinstance(answer.data, list):
            return answer.status < 300
        shown = set(answer.data)
        self.check(f"{kind}: answer", f"{what}", wanted.shown is not None, shown != {"id", "version"})
        for name in SPECIAL if wanted.shown is not None else ():
            self.check(f"{kind}: answer", f"{name} of {what}", name in wanted.shown, name in shown)  # type: ignore[operator]
        return True

    def _update_for_real(self, method: str, key: str, body: dict[str, Any]) -> None:
        row = self.rows[key]
        new = {**row, **body} if method == "PATCH" else self.oracle.replaced(self.caller, body, row, DEFAULTS)
        answer = self.ask(method, f"{self.path}/{key}", json=_to_json(body))
        if self._judge("update", (method, body, row), answer, self.oracle.update(self.caller, body, row, new)):
            self.rows[key] = new

    def _create_for_real(self, body: dict[str, Any]) -> None:
        new = {**DEFAULTS, **body, "created_by": self.caller.id}
        answer = self.ask("POST", self.path, json=_to_json(body))
        if self._judge("create", body, answer, self.oracle.create(self.caller, body, new)):
            self.rows[answer.data["id"]] = new

    def _create_many_for_real(self, bodies: list[dict[str, Any]]) -> None:
        made = [{**DEFAULTS, **body, "created_by": self.caller.id} for body in bodies]
        wanted = [self.oracle.create(self.caller, body, new) for body, new in zip(bodies, made, strict=True)]
        worst = next((each for each in wanted if each.status >= 300), wanted[0])
        answer = self.ask("POST", f"{self.path}/bulk", json=[_to_json(each) for each in bodies])
        self.check("bulk", f"{bodies}", worst.status, answer.status)
        if answer.status != 201:
            return
        for shown, new, each in zip(answer.data, made, wanted, strict=True):
            self.check("bulk: answer", f"{new}", each.shown is not None, set(shown) != {"id", "version"})
            self.rows[shown["id"]] = new

    def _delete_for_real(self, key: str) -> None:
        row = self.rows[key]
        wanted = self.oracle.delete(self.caller, row)
        answer = self.ask("DELETE", f"{self.path}/{key}")
        if wanted.status == 404:
            self.check_hidden("delete", f"{row}", answer, self.ask("DELETE", f"{self.path}/{ABSENT_ID}"))
        if self._judge("delete", row, answer, wanted):
            self.gone[key] = self.rows.pop(key)

    def _undelete_for_real(self) -> None:
        absent = self.ask("POST", f"{self.path}/{ABSENT_ID}/undelete")
        for key, row in self.some(self.gone.items(), 1):
            wanted = self.oracle.delete(self.caller, row)
            answer = self.ask("POST", f"{self.path}/{key}/undelete")
            if wanted.status == 404:
                self.check_hidden("undelete", f"{row}", answer, absent)
            if wanted.status == 200:
                wanted = replace(wanted, shown=self.oracle.shown(self.caller, row))
            if self._judge("undelete", row, answer, wanted):
                self.rows[key] = self.gone.pop(key)


def _bare(answer: Response) -> tuple[int, bytes]:
    """An answer without its request id."""
    return answer.status, answer.content.replace(answer.headers["x-request-id"].encode(), b"")


def _code(answer: Response) -> str | None:
    return None if answer.status < 400 else answer.error["code"]


def _to_json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}_id" if name in ("team", "person") else name: value for name, value in values.items()}


# Filling


@contextmanager
def filled(folder: Path, ruled: Sequence[Ruled]) -> Iterator[Matrix]:
    """A matrix on a data folder: filled while everyone may do anything, and then served as declared."""
    with Client(declare(list(ruled), opened=True), data=str(folder)) as client:
        made = _fill(client, ruled)
    with Client(declare(list(ruled)), data=str(folder)) as client:
        made.client = client
        yield made


@contextmanager
def served(made: Matrix, folder: Path, ruled: Sequence[Ruled]) -> Iterator[Matrix]:
    """The same database under another declaration, still judged by the one that the matrix was made for."""
    with Client(declare(list(ruled)), data=str(folder)) as client:
        judged = {each.path: each for each in made.ruled}
        yield replace(made, client=client, ruled=ruled, judged_by=judged, cells=Counter(), wrong=[])


def _fill(client: Client, ruled: Sequence[Ruled]) -> Matrix:
    admin = {"authorization": f"Bearer {client.add_key('admin')}"}

    def send(method: str, path: str, json: Any, headers: Mapping[str, str] = admin) -> Any:
        answer = client.request(method, f"{API}{path}", json=json, headers=headers)
        assert answer.status < 300, answer
        return answer.data

    north = send("POST", "/regions", {"name": "north"})["id"]
    teams = [
        send("POST", "/teams", {"name": "T1", "open": True, "region_id": north})["id"],
        send("POST", "/teams", {"name": "T2", "open": False, "region_id": north})["id"],
        send("POST", "/teams", {"name": "T3", "open": True})["id"],
    ]
    callers = [Caller("nobody")]
    for name, roles, values in (
        ("ann", (), {"team": teams[0], "unit": "T1", "level": 3}),
        ("bob", (), {}),
        ("eve", ("a",), {"team": teams[1], "level": 1}),
        ("kim", ("b",), {"team": teams[0], "unit": "T2", "level": 5}),
        ("max", ("a", "b"), {"unit": "T3"}),
        ("admin", ("admin",), {}),
    ):
        callers.append(_make_caller(client, send, name, roles, values))
    ann, bob = callers[1], callers[2]
    send("PATCH", f"/teams/{teams[0]}", {"lead_id": ann.id})
    send("PATCH", f"/teams/{teams[2]}", {"lead_id": bob.id})
    world = World(
        {
            "regions": {north: {"name": "north"}},
            "teams": {
                teams[0]: {"name": "T1", "open": True, "region": north, "lead": ann.id},
                teams[1]: {"name": "T2", "open": False, "region": north, "lead": None},
                teams[2]: {"name": "T3", "open": True, "region": None, "lead": bob.id},
            },
            "users": {each.id: {**each.values, "created_by": each.id} for each in callers if each.id is not None},
        }
    )
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    gone: dict[str, dict[str, dict[str, Any]]] = {}
    for number, each in enumerate(ruled):
        rows[each.path], gone[each.path] = _fill_resource(send, each.path, callers, teams, turn=number)
    return Matrix(client, world, callers, ruled, rows, gone, teams)


def _make_caller(client: Client, send: Any, name: str, roles: tuple[str, ...], values: dict[str, Any]) -> Caller:
    token = client.add_key(*roles)
    me = client.request("GET", f"{API}/auth/me", headers={"authorization": f"Bearer {token}"}).data
    if values:
        send("PATCH", f"/users/{me['id']}", _to_json(values))
    return Caller(name, token, me["id"], frozenset(roles), {**values, "email": me["email"]})


def _fill_resource(
    send: Any, path: str, callers: Sequence[Caller], teams: Sequence[str], *, turn: int
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Rows of several makers; an admin then gives them references, some of which their makers could not name."""
    found: dict[str, dict[str, Any]] = {}
    patches: list[dict[str, Any]] = []
    for number in range(LIVING + DEAD):
        maker = callers[(number + turn) % 5]
        values = _values(number + turn)
        behind = {"team": (*teams, None)[(number + turn) % 4], "person": (callers[1].id, None, callers[3].id)[number % 3]}
        key = send("POST", f"/{path}", _to_json(values), maker.headers)["id"]
        found[key] = {**DEFAULTS, **values, **behind, "created_by": maker.id}
        patches.append({"method": "PATCH", "path": f"/{path}/{key}", "body": _to_json(behind)})
    dead = list(found)[LIVING:]
    deletions = [{"method": "DELETE", "path": f"/{path}/{key}"} for key in dead]
    send("POST", "/batch", {"operations": [*patches, *deletions]})
    return {key: row for key, row in found.items() if key not in dead}, {key: found[key] for key in dead}
