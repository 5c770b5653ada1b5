"""load and dump, on real files and a real database."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import apsw
import pytest
from cli_harness import Result, call, clean_environ, start

from holdfast.core.plan import Row, Write
from holdfast.store.sqlite.store import SqliteStore

pytestmark = pytest.mark.usefixtures("library")


def _write(name: str, *rows: Any) -> str:
    Path(name).write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), "utf-8")
    return name


def _dump(resource: str = "authors") -> list[dict[str, Any]]:
    return [json.loads(line) for line in call("dump", resource).out.splitlines()]


def _load(*arguments: str) -> Result:
    return call("load", *arguments, "--into", "authors")


def test_json_lines_are_loaded_once() -> None:
    """Every line becomes a record; a second run finds them all there."""
    file = _write("authors.jsonl", {"name": "Ann"}, "", {"name": "Bo"}, {"name": "Bo"})

    first, second = _load(file), _load(file)

    assert (first.status, first.out) == (0, "3 loaded into authors.\n")
    assert (second.status, second.out) == (0, "0 loaded into authors, 3 there already.\n")
    assert sorted(each["name"] for each in _dump()) == ["Ann", "Bo", "Bo"]


def test_what_is_wrong_is_told_by_line_and_the_rest_is_loaded() -> None:
    """Every fault of every rejected row is named with its line; once corrected, only those rows are new."""
    file = _write("authors.jsonl", {"name": "Ann"}, {"name": "", "rank": 0, "nmae": 1}, "{", {"name": "Bo"})

    rejected = _load(file)
    _write(file, {"name": "Ann"}, {"name": "Cy", "rank": 1}, {"name": "Dee"}, {"name": "Bo"})
    corrected = _load(file)

    assert (rejected.status, rejected.out) == (1, "2 loaded into authors, 2 rejected.\n")
    told = rejected.err.splitlines()
    assert all(any(line.startswith(f"authors.jsonl:2  {field}: ") for line in told) for field in ("name", "rank", "nmae"))
    assert any(line.startswith("authors.jsonl:3  the row: ") and line.endswith("(malformed_json)") for line in told)
    assert (corrected.status, corrected.out) == (0, "2 loaded into authors, 2 there already.\n")


def test_users_are_loaded_with_good_passwords_alone() -> None:
    """A password is judged as one that is sent is; the rows beside it are loaded."""
    file = _write(
        "users.jsonl",
        {"email": "ann@example.org", "password": "a long enough phrase"},
        {"email": "bob@example.org", "password": "passwordpassword"},
        {"email": "mirabelle@example.org", "password": "mirabelle's garden"},
        {"email": "cy@example.org"},
    )

    loaded = call("load", file, "--into", "users")

    assert (loaded.status, loaded.out) == (1, "2 loaded into users, 2 rejected.\n")
    told = loaded.err.splitlines()
    assert [line for line in told if line.endswith("(too_common)")] == told[:2]
    assert [line.split(":", 2)[1] for line in told[:2]] == ["2  password", "3  password"]
    assert "passwordpassword" not in loaded.err


def test_the_report_is_json_too() -> None:
    """--json lists every rejected row with all its details; for people only the first twenty are shown."""
    file = _write("authors.jsonl", *({"name": ""} for _ in range(25)))

    report = _load(file, "--json")
    shown = _load(file)

    assert report.status == shown.status == 1
    assert (report.json()["created"], report.json()["rejected"], len(report.json()["rejected_rows"])) == (0, 25, 25)
    assert report.json()["rejected_rows"][24]["line"] == 25
    assert report.json()["rejected_rows"][0]["details"][0]["code"] == "too_short"
    assert "... and 5 more rejected rows" in shown.err


def test_a_large_file_is_prepared_by_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a size on another process reads the file; what is loaded, told and found again is the same."""
    monkeypatch.setattr("holdfast.cli.load.AHEAD_BYTES_MIN", 0)
    file = _write("authors.jsonl", *({"name": f"Ann {number % 900}"} for number in range(1_200)), {"name": ""}, "{")

    first, second = _load(file), _load(file, "--key", "email")

    assert (first.status, first.out) == (1, "1,200 loaded into authors, 2 rejected.\n")
    assert [line.split(":")[1].split()[0] for line in first.err.splitlines()] == ["1202", "1201"]
    assert (second.status, second.out) == (1, "0 loaded into authors, 1,200 there already, 2 rejected.\n")
    assert len(_dump()) == 1_200


def test_a_secret_is_sealed_before_it_is_stored(library: Path) -> None:
    """What a load writes into a secret field is its hash: the plain text is nowhere in the data folder."""
    file = _write("authors.jsonl", {"name": "Ann", "secret_word": "open-sesame-7"})

    assert _load(file).status == 0
    files = [each for each in library.rglob("holdfast.db*") if each.is_file()]
    assert any(b"$argon2id$" in each.read_bytes() for each in files)
    assert not any(b"open-sesame-7" in each.read_bytes() for each in files)


def test_a_key_tells_records_apart() -> None:
    """With --key a row whose value exists is passed by, whatever else it says and whichever file it stands in."""
    _load(_write("one.jsonl", {"name": "Ann", "email": "ann@example.org"}))

    result = _load(_write("two.jsonl", {"name": "Other", "email": "ann@example.org"}, {"name": "Bo"}), "--key", "email")

    assert result.out == "1 loaded into authors, 1 there already.\n"
    assert sorted(each["name"] for each in _dump()) == ["Ann", "Bo"]


def test_without_a_key_a_unique_value_is_refused() -> None:
    """A row that would break uniqueness is rejected at its field; those beside it are loaded."""
    rows = [{"name": f"A{number}", "email": f"a{number % 5}@example.org"} for number in range(7)]

    result = _load(_write("authors.jsonl", *rows))

    assert (result.status, result.out) == (1, "5 loaded into authors, 2 rejected.\n")
    assert "authors.jsonl:6  email: " in result.err
    assert "(unique_conflict)" in result.err


@pytest.mark.parametrize(("key", "said"), [("name", "It is not a unique"), ("nmae", "There is no such field.")])
def test_a_key_must_be_unique(key: str, said: str) -> None:
    """A field that cannot tell records apart is refused as a key, with those that can."""
    result = _load(_write("authors.jsonl", {"name": "Ann"}), "--key", key)

    assert result.status == 2
    assert said in result.err
    assert "These are: id, email." in result.err
    assert "Run it again" not in result.err


def test_rows_of_an_array_are_told_by_their_number() -> None:
    """An item of a JSON array has no line of its own: it is told as `item 2`, to people and in JSON."""
    Path("authors.json").write_text(json.dumps([{"name": "Ann"}, {"name": ""}], indent=1), "utf-8")

    shown, report = _load("authors.json"), _load("authors.json", "--json")

    assert shown.err.startswith("authors.json: item 2  name: ")
    assert [each["item"] for each in report.json()["rejected_rows"]] == [2]


def test_a_file_that_is_no_array_is_not_to_be_run_again() -> None:
    """Where no row was loaded, and the file must be corrected first, nothing says that to run it again would go on."""
    Path("authors.json").write_text("{}", "utf-8")

    result = _load("authors.json")

    assert result.status == 2
    assert "It is not one JSON array" in result.err
    assert "Run it again" not in result.err


def test_rows_may_refer_to_later_rows() -> None:
    """Records of one file that refer to each other are loaded in any order; one that refers to nothing is rejected."""
    ids = [f"018bcfe5-6800-7000-8000-{number:012d}" for number in range(3)]
    missing = "018bcfe5-6800-7000-8000-999999999999"
    rows = [
        {"id": ids[0], "name": "A", "mentor_id": ids[1]},
        {"id": ids[1], "name": "B", "mentor_id": ids[2]},
        {"id": ids[2], "name": "C"},
        {"name": "D", "mentor_id": missing},
    ]

    result = _load(_write("authors.jsonl", *rows))

    assert (result.status, result.out) == (1, "3 loaded into authors, 1 rejected.\n")
    assert "authors.jsonl:4  mentor_id: " in result.err
    assert {each["id"]: each["mentor_id"] for each in _dump()} == {ids[0]: ids[1], ids[1]: ids[2], ids[2]: None}


def _ids(count: int) -> list[str]:
    return [f"018bcfe5-6800-7000-8000-{number:012d}" for number in range(count)]


def test_rows_may_refer_to_each_other_in_a_circle() -> None:
    """Those of a circle are made at once, with what leads to it; each has its first version, and a second run finds all of them."""
    ids = _ids(4)
    file = _write(
        "authors.jsonl",
        *({"id": each, "name": f"A{number}", "mentor_id": ids[(number + 1) % 3]} for number, each in enumerate(ids[:3])),
        {"id": ids[3], "name": "A3", "mentor_id": ids[3]},
        {"name": "A4", "mentor_id": ids[1]},
    )

    first, second = _load(file), _load(file)

    assert (first.status, first.out) == (0, "5 loaded into authors.\n")
    assert (second.status, second.out) == (0, "0 loaded into authors, 5 there already.\n")
    assert [(each["mentor_id"], each["version"]) for each in _dump() if each["id"] in ids] == [
        (each, 1) for each in (ids[1], ids[2], ids[0], ids[3])
    ]
    assert call("verify").status == 0


def test_a_circle_is_loaded_whole_or_not_at_all() -> None:
    """Where one of its rows is wrong they are all rejected, with the row that is to blame; once it is corrected they are loaded."""
    ids = _ids(3)
    _load(_write("first.jsonl", {"name": "Z", "email": "z@example.org"}))
    rows = [{"id": each, "name": f"A{number}", "mentor_id": ids[number - 1]} for number, each in enumerate(ids)]
    wrong = [*rows[:1], rows[1] | {"email": "z@example.org"}, *rows[2:], {"name": "B", "mentor_id": ids[0]}]

    rejected = _load(_write("authors.jsonl", *wrong))
    corrected = _load(_write("authors.jsonl", *rows, wrong[3]))

    assert (rejected.status, rejected.out) == (1, "0 loaded into authors, 4 rejected.\n")
    told = rejected.err.splitlines()
    assert [line.split("  ")[0] for line in told] == [f"authors.jsonl:{number}" for number in (2, 1, 3, 4)]
    assert told[0].startswith("authors.jsonl:2  email: ")
    assert "mentor_id: This leads in a circle to row 2, which is rejected. (reference_missing)" in told[1]
    assert told[3].endswith("mentor_id: The record referred to does not exist. (reference_missing)")
    assert corrected.out == "4 loaded into authors.\n"


def test_a_circle_has_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that would hold up everybody else for long is rejected, row by row, with what to do; the rows beside it are loaded."""
    monkeypatch.setattr("holdfast.engine.load.CIRCLE_ROWS_MAX", 2)
    ids = _ids(5)
    pair = [{"id": ids[3], "name": "P", "mentor_id": ids[4]}, {"id": ids[4], "name": "Q", "mentor_id": ids[3]}]

    three = [{"id": ids[number], "name": "A", "mentor_id": ids[(number + 1) % 3]} for number in range(3)]

    result = _load(_write("authors.jsonl", *three, *pair))

    assert (result.status, result.out) == (1, "2 loaded into authors, 3 rejected.\n")
    assert result.err.count("mentor_id: This leads in a circle of 3 rows, of at most 10,000: leave it out") == 3


def test_a_row_of_a_circle_that_is_there_already_breaks_it() -> None:
    """Be it from before, or by another row of the file with the same id: the rest refers to what is there."""
    ids = _ids(3)
    ring = [{"id": each, "name": f"A{number}", "mentor_id": ids[number - 1]} for number, each in enumerate(ids)]
    _load(_write("first.jsonl", {"id": ids[1], "name": "Z"}))

    before = _load(_write("authors.jsonl", *ring, ring[0], ring[2]))
    beside = _load(_write("authors.jsonl", *ring, {"id": ids[1], "name": "Z"}), "--data", "other")

    assert (before.status, before.out) == (0, "2 loaded into authors, 3 there already.\n")
    assert (beside.status, beside.out) == (0, "3 loaded into authors, 1 there already.\n")


@pytest.mark.parametrize(("pairs", "expected"), [(False, [1_000, 1_000, 499, 1]), (True, [1_000, 1_000, 500])])
def test_many_rows_in_any_order_cost_few_writes(
    monkeypatch: pytest.MonkeyPatch,
    pairs: bool,  # noqa: FBT001  # a case
    expected: list[int],
) -> None:
    """Neither rows that stand before what they refer to nor small circles are tried one by one."""
    ids = _ids(2_500)
    mentors = [ids[number ^ 1] if pairs else ids[number - 1] for number in range(2_500)]
    rows = [{"id": each, "name": "A", "mentor_id": mentor} for each, mentor in zip(ids, mentors, strict=True)]
    if not pairs:
        del rows[0]["mentor_id"]
    writes: list[int] = []
    write = SqliteStore.write

    def count(store: SqliteStore, plan: Write) -> Awaitable[tuple[Row | None, ...]]:
        writes.append(len(plan.steps))
        return write(store, plan)

    monkeypatch.setattr(SqliteStore, "write", count)
    assert _load(_write("authors.jsonl", *reversed(rows))).out == "2,500 loaded into authors.\n"
    assert sorted(writes, reverse=True) == expected


def test_a_dump_can_be_loaded_again() -> None:
    """What was dumped, as JSON lines or CSV, makes the same records in another database; secrets are in neither."""
    full = {"name": 'Ann, "A"\n東京', "email": "ann@example.org", "rank": 3, "fee": "1.50", "alive": False, "born": "1990-01-02"}
    _load(_write("authors.jsonl", full | {"kind": "poems", "tags": ["x", "y,z"], "secret_word": "S3cret"}, {"name": "Bo"}))
    before = _dump()
    for name in ("copy.jsonl", "copy.csv"):
        assert call("dump", "authors", "--output", name, "--format", Path(name).suffix[1:]).status == 0
        loaded = _load(name, "--data", f"data-{name}")
        assert (loaded.status, loaded.out) == (0, "2 loaded into authors.\n")
        after = [json.loads(line) for line in call("dump", "authors", "--data", f"data-{name}").out.splitlines()]
        assert [_declared(each) for each in before] == [_declared(each) for each in after]
    assert "S3cret" not in Path("copy.jsonl").read_text() + Path("copy.csv").read_text()


def _declared(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in {"created_at", "updated_at"}}


def test_csv_says_where_it_is_wrong() -> None:
    """Cells that are no number, rows with too few cells and unknown columns are told by line and column."""
    Path("authors.csv").write_text('\ufeffname,rank,tags,alive\nAnn,1,[],yes\nBo,one,{,true\nCy\nDee,2,"[""x""]",1\n', "utf-8")

    result = _load("authors.csv")

    assert (result.status, result.out) == (1, "1 loaded into authors, 3 rejected.\n")
    told = result.err
    assert "authors.csv:2  alive: " in told
    assert "authors.csv:3  tags: " in told
    assert "authors.csv:4  the row: This row has 1 cells, the header 4." in told
    assert [each["tags"] for each in _dump()] == [["x"]]


def test_a_json_array_is_loaded() -> None:
    """A .json file is one array of records; anything else is refused whole."""
    Path("authors.json").write_text('[{"name": "Ann"},\n {"name": ""}]')
    loaded = _load("authors.json")
    Path("authors.json").write_text('{"name": "Ann"}')
    refused = _load("authors.json")

    assert (loaded.status, loaded.out) == (1, "1 loaded into authors, 1 rejected.\n")
    assert "authors.json: item 2  name: " in loaded.err
    assert refused.status == 2
    assert "It is not one JSON array" in refused.err


@pytest.mark.parametrize(
    ("file", "resource", "said"),
    [
        ("a.jsonl", "author", "Did you mean `authors`?"),
        ("a.txt", "authors", "Name it .jsonl, .csv or .json."),
        ("twice.csv", "authors", "twice"),
    ],
)
def test_wrong_names_are_status_2(file: str, resource: str, said: str) -> None:
    """An unknown resource, an unknown format, and a header with a name given twice are refused before anything is loaded."""
    Path(file).write_text("name,name\n")

    result = call("load", file, "--into", resource)

    assert result.status == 2
    assert said in result.err


def test_a_dump_needs_a_database() -> None:
    """dump makes nothing: without a database it is refused."""
    result = call("dump", "authors")

    assert result.status == 2
    assert not Path("data/holdfast.db").exists()


def test_a_killed_load_goes_on_where_it_was(library: Path) -> None:
    """After kill -9 in the middle a second run loads the rest: every row is there once."""
    rows = 12_000
    file = _write("authors.jsonl", *({"name": f"A{number}", "rank": number + 1} for number in range(rows)))
    process = start("load", file, "--into", "authors", cwd=library)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until and not _has_rows(library / "data" / "holdfast.db"):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)

    result = _load(file, "--json").json()

    assert result["created"] + result["existing"] == rows
    assert result["existing"] > 0
    assert sorted(each["rank"] for each in _dump()) == list(range(1, rows + 1))


def _has_rows(database: Path) -> bool:
    """Whether a first batch was committed."""
    try:
        connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.CantOpenError:
        return False
    try:
        return connection.execute("SELECT 1 FROM authors LIMIT 1").fetchall() != []
    except apsw.Error:
        return False
    finally:
        connection.close()


def test_a_terminal_gets_a_progress_bar(library: Path) -> None:
    """On a terminal progress is shown on standard error, and standard output holds the result alone."""
    file = _write("authors.jsonl", *({"name": f"A{number}"} for number in range(500)))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "holdfast", "load", file, "--into", "authors"],
        cwd=library,
        env=clean_environ() | {"TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65_536):
            shown += part
    except OSError:
        pass  # Linux says EIO when the other end of a terminal is closed
    out = process.communicate(timeout=60)[0]
    os.close(ours)

    assert (process.returncode, out) == (0, b"500 loaded into authors.\n")
    assert b"authors.jsonl" in shown
    assert b"rows" in shown
