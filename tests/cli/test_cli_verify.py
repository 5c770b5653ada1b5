"""verify and erase, on a real database of a real app."""

import io
import json
from pathlib import Path
from typing import Any

import apsw
import pytest
from cli_harness import call, running

pytestmark = pytest.mark.usefixtures("library")


def _load(*names: str) -> None:
    Path("rows.jsonl").write_text("".join(f"{json.dumps({'name': name})}\n" for name in names), "utf-8")
    assert call("load", "rows.jsonl", "--into", "authors").status == 0


def _ids() -> dict[str, str]:
    rows = [json.loads(line) for line in call("dump", "authors").out.splitlines()]
    return {row["name"]: row["id"] for row in rows}


def _touch(statement: str) -> None:
    connection = apsw.Connection("data/holdfast.db")
    connection.execute(statement)
    connection.close()


def _report() -> tuple[int, Any]:
    result = call("verify", "--json")
    return result.status, result.json()


def test_verify_holds_and_tells_an_anchor() -> None:
    """After a load everything holds; the anchor that the report tells holds too, and a false one does not."""
    _load("Ann", "Bo")
    first = call("verify")
    assert first.status == 0
    assert first.out.startswith("Everything holds: 2 entries, 1 seals, 2 rows.\nAnchor: 2:")
    anchor = first.out.split("Anchor: ")[1].strip()
    assert call("verify", "--anchor", anchor).status == 0
    false = call("verify", "--anchor", f"2:{'00' * 16}")
    assert false.status == 1
    assert "is another" in false.out
    assert call("verify", "--anchor", "nonsense").status == 2


def test_verify_says_what_does_not_hold_and_what_to_do() -> None:
    """An edited row is named with its member, a mend and exit status 1, as text and as JSON."""
    _load("Ann", "Bo")
    _touch("UPDATE authors SET name = 'Eve' WHERE name = 'Ann'")
    text, (status, report) = call("verify"), _report()
    assert (text.status, status, report["holds"]) == (1, 1, False)
    (finding,) = report["findings"]
    assert finding["check"] == "rows"
    assert finding["problem"] == "It differs from entry 1, the last one about it, in name."
    assert "/history" in finding["mend"]
    assert "FAILS" in text.out
    assert "1 things do not hold" in text.out


def test_a_loaded_secret_holds_until_it_is_edited() -> None:
    """What a load has sealed is what its entry says, also after a dump into another folder; an edit in the file is found and named."""
    Path("rows.jsonl").write_text(json.dumps({"name": "Ann", "secret_word": "open-sesame-7"}), "utf-8")
    assert call("load", "rows.jsonl", "--into", "authors").status == 0
    assert call("dump", "authors", "--output", "copy.jsonl").status == 0
    assert call("load", "copy.jsonl", "--into", "authors", "--data", "copy").status == 0
    assert call("verify", "--data", "copy").status == 0
    assert _report()[0] == 0
    _touch("UPDATE authors SET secret_word = NULL")
    status, report = _report()
    assert (status, [each["problem"] for each in report["findings"]]) == (
        1,
        ["It differs from entry 1, the last one about it, in its secrets (secret_word)."],
    )


def test_verify_of_a_file_that_is_no_database_fails() -> None:
    """Where the beginning of the file is destroyed, verify says so instead of breaking, exit status 1."""
    _load("Ann")
    database = Path("data/holdfast.db")
    database.write_bytes(b"\0" * 100 + database.read_bytes()[100:])
    status, report = _report()
    assert status == 1
    assert {each["check"] for each in report["findings"]} == {"chain", "rows", "references", "engine", "search"}


def test_verify_needs_a_database_and_its_key() -> None:
    """Without a database or without its key there is nothing to verify, and none is made: exit status 2."""
    assert call("verify").status == 2
    assert not Path("data").exists()
    _load("Ann")
    key = Path("data/key")
    saved = key.read_bytes()
    key.unlink()
    assert call("verify").status == 2
    assert not key.exists()
    key.write_text("11" * 32)
    assert call("verify").status == 1
    key.write_bytes(saved)
    assert call("verify").status == 0


def test_a_server_tells_its_last_seal_to_the_log(library: Path) -> None:
    """The seal that a server tells at its end is an anchor: a journal that is cut off behind its back does not hold."""
    _load("Ann", "Bo")
    with running("serve", "--port", "0", cwd=library) as server:
        server.port()
        assert server.stop() == 0
    assert '"journal sealed"' in "".join(server.err)
    assert _report()[0] == 0
    _touch("DELETE FROM hf_journal; DELETE FROM hf_seal; DELETE FROM authors; DELETE FROM hf_search_authors")
    status, report = _report()
    assert status == 1
    assert "requests-0.jsonl, is not there" in report["findings"][0]["problem"]


def test_erase_removes_the_values_and_keeps_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """After erase no file of the database holds the name, verify holds and counts it, and a second erase finds nothing."""
    _load("Ann", "Mallory")
    record_id = _ids()["Mallory"]
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody to answer the question
    refused = call("erase", "authors", record_id)
    assert (refused.status, "--yes" in refused.err) == (2, True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    declined = call("erase", "authors", record_id)
    assert (declined.status, declined.err.endswith("Nothing was erased.\n")) == (1, True)
    erased = call("erase", "authors", record_id, "--yes", "--json")
    assert (erased.status, erased.json()) == (0, {"resource": "authors", "id": record_id, "erased": 1, "exists": True})
    status, report = _report()
    assert (status, report["erased"]) == (0, 1)
    _touch("DELETE FROM authors WHERE name = 'Mallory'")
    _touch("VACUUM")
    assert b"Mallory" not in Path("data/holdfast.db").read_bytes()
    again = call("erase", "authors", record_id, "--yes")
    assert (again.status, "keeps nothing" in again.err) == (1, True)
    assert call("erase", "authors", "nonsense", "--yes").status == 2
    assert call("erase", "autors", record_id, "--yes").status == 2


def test_a_lost_key_is_not_made_anew() -> None:
    """Where the database was made with a key, a missing or another one is refused with its mend; the right one opens it again."""
    _load("Ann")
    key = Path("data/key")
    right = key.read_text("ascii")

    key.unlink()
    missing = call("load", "rows.jsonl", "--into", "authors")
    assert missing.status == 2
    assert "Restore the file from its backup" in missing.err
    assert not key.exists()

    key.write_text("00" * 32, "ascii")
    other = call("load", "rows.jsonl", "--into", "authors")
    assert other.status == 2
    assert "not the one that this database was made with" in other.err
    status, report = _report()
    assert status == 1
    assert [each["place"] for each in report["findings"]] == ["the master key"]

    key.write_text(right, "ascii")
    assert _report()[0] == 0
