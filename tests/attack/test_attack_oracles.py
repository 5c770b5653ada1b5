"""Oracles: nothing that a stranger can ask answers differently by what they may not know."""

import json
import re
from typing import Any

import pytest
from attack_vault import ABSENT_ID, Vault

from holdfast.testing import Response

_MOVING = re.compile(rb'"(request_id|seq|at|created_at|updated_at)":"[^"]*"')


def _shown(answer: Response) -> tuple[int, bytes, dict[str, str]]:
    """An answer without what differs between any two: ids of requests."""
    request_id = answer.headers["x-request-id"].encode()
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
    return answer.status, answer.content.replace(request_id, b""), headers


_GUESSES = ("m", "m4", "m4gpie", "n", "", "z")


def _queries(guess: str) -> list[str]:
    tests = (
        "clue={}",
        "clue[gte]={}",
        "clue[lt]={}",
        "clue[startswith]={}",
        "clue[contains]={}",
        "clue[in]={},a",
        "clue[ne]={}",
        "clue[between]={},z",
    )
    return [each.format(guess) for each in tests] + [
        "clue[null]=true",
        "sort=clue",
        "sort=-clue",
        "fields=clue",
        f"folder.note={guess}",
        "sort=folder.note",
    ]


@pytest.mark.parametrize("guess", _GUESSES)
def test_a_hidden_field_cannot_be_searched_for(vault: Vault, guess: str) -> None:
    """Filters, sorts and views that name it are refused in the same bytes whatever is guessed: as names that do not exist."""
    for query, made_up in zip(_queries(guess), _queries(guess), strict=True):
        hidden = vault.ask("GET", f"/files?{query}", vault.owner)
        unknown = vault.ask("GET", f"/files?{made_up.replace('clue', 'cluz').replace('note', 'notz')}", vault.owner)
        assert hidden.status == 400, (query, hidden)
        assert hidden.error["code"] == unknown.error["code"]
        assert _anonymous(hidden) == _anonymous(unknown), query


def _anonymous(answer: Response) -> str:
    """An answer but for its request, the made-up name, and the hint: which name is nearest depends on what was sent."""
    error = {name: value for name, value in answer.error.items() if name not in ("request_id", "hint")}
    assert "`clue`" not in answer.error.get("hint", "")
    return json.dumps(error).replace("cluz", "clue").replace("notz", "note")


@pytest.mark.parametrize("guess", _GUESSES[:4])
def test_a_hidden_field_cannot_be_asked_for_in_json(vault: Vault, guess: str) -> None:
    """Nor in a JSON query, however deep it stands."""
    for test in (
        {"clue": guess},
        {"clue": {"gte": guess}},
        {"not": {"clue": guess}},
        {"or": [{"name": "x"}, {"and": [{"clue": {"lt": guess}}]}]},
    ):
        answer = vault.ask("POST", "/files/query", vault.owner, json={"filter": test})
        assert answer.status == 400, answer
        text = json.dumps(test).replace("clue", "cluz")
        unknown = vault.ask("POST", "/files/query", vault.owner, json={"filter": json.loads(text)})
        assert _anonymous(answer) == _anonymous(unknown)


def test_a_search_does_not_look_into_what_is_hidden(vault: Vault) -> None:
    """Where a search would look into a field that the caller may not read there is none, whatever is searched for."""
    assert vault.ask("GET", "/files?q=m4gpie", vault.keeper).meta["total"] == 1
    answers = [vault.ask("GET", f"/files?q={words}", vault.owner) for words in ("m4gpie", "m4g", "plan", "zzz")]
    assert {(each.status, _anonymous(each)) for each in answers} == {(400, _anonymous(answers[0]))}
    assert answers[0].error["code"] == "unknown_parameter"
    assert "more than you may read" in answers[0].error["message"]


def test_hints_name_only_what_may_be_known(vault: Vault) -> None:
    """The nearest name is never a hidden one."""
    for path in ("/files?cluee=x", "/files?sort=cluee", "/files?fields=clu", "/files?folder.notee=x"):
        assert "`clue`" not in vault.ask("GET", path, vault.owner).text
        assert "note`" not in vault.ask("GET", path, vault.owner).text
    for members in ({"cluee": 1}, {"name": "x", "clu": 1}):
        assert "`clue`" not in vault.ask("POST", "/files", vault.owner, json=members).text


def test_a_version_of_what_is_hidden_shows_nothing(vault: Vault) -> None:
    """The ETag of the owner does not move with a hidden value alone, but for the version, which is everybody's."""
    path = f"/files/{vault.file['id']}"
    before = vault.ask("GET", path, vault.owner).headers["etag"].rpartition("-")[2]
    vault.ask("PATCH", path, vault.keeper, json={"clue": "w3asel"}, headers={"if-match": "*"})
    assert vault.ask("GET", path, vault.owner).headers["etag"].rpartition("-")[2] == before
    vault.ask("PATCH", path, vault.keeper, json={"clue": "m4gpie"}, headers={"if-match": "*"})


_ONES: dict[str, tuple[str, Any]] = {
    "GET": ("", None), "HEAD": ("", None), "PUT": ("", {"name": "x"}), "PATCH": ("", {"name": "x"}), "DELETE": ("", None),
    "history": ("/history", None), "undelete": ("/undelete", None), "as_of": ("?as_of=2030-01-01T00:00:00Z", None),
    "fields": ("?fields=name", None), "include": ("?include=folder", None), "version": ("?version=1", None),
}  # fmt: skip
_METHODS = {"history": "GET", "undelete": "POST", "as_of": "GET", "fields": "GET", "include": "GET", "version": "DELETE"}


@pytest.mark.parametrize("kind", _ONES)
@pytest.mark.parametrize(
    "headers", [{}, {"if-match": "*"}, {"if-match": '"1-00000000"'}, {"if-none-match": "*"}], ids=["", "any", "stale", "none"]
)
def test_what_is_hidden_answers_as_what_is_missing(vault: Vault, kind: str, headers: dict[str, str]) -> None:
    """To a stranger, byte for byte, header for header, on every route of one record."""
    tail, body = _ONES[kind]
    method = _METHODS.get(kind, kind)
    for name, held in (("files", vault.file["id"]), ("folders", vault.folder["id"])):
        if name == "folders" and (kind == "include" or method in ("PUT", "PATCH")):
            continue
        hidden = vault.ask(method, f"/{name}/{held}{tail}", vault.stranger, json=body, headers=headers)
        missing = vault.ask(method, f"/{name}/{ABSENT_ID}{tail}", vault.stranger, json=body, headers=headers)
        assert _shown(hidden) == _shown(missing), (hidden, missing)
        assert hidden.status >= 400


def test_lists_and_changes_of_a_stranger_are_empty(vault: Vault) -> None:
    """Lists, nested lists, includes, totals and the change feed hold nothing of what may not be read."""
    assert vault.ask("GET", "/files", vault.stranger).meta["total"] == 0
    hidden = vault.ask("GET", f"/folders/{vault.folder['id']}/files", vault.stranger)
    missing = vault.ask("GET", f"/folders/{ABSENT_ID}/files", vault.stranger)
    assert _shown(hidden)[0] == _shown(missing)[0] == 404
    feed = vault.ask("GET", "/changes?limit=200", vault.stranger)
    for secret in (vault.file["id"], vault.folder["id"], "m4gpie", "under the stairs", "Plan"):
        shown = [each for each in feed.data if each["operation"] != "removed"]
        assert secret not in json.dumps(shown)
    assert vault.ask("GET", f"/files/{vault.file['id']}?include=folder", vault.owner).data["folder"]["label"] == "Hers"


def test_a_path_through_a_hidden_record_is_null(vault: Vault) -> None:
    """A reference to a record that may not be read filters, sorts and includes as null: guesses cannot be told apart."""
    answers = [vault.ask("GET", f"/files?folder.label[startswith]={guess}", vault.stranger).content for guess in ("D", "Z", "H")]
    assert len({_MOVING.sub(b"", each) for each in answers}) == 1


def test_a_cursor_is_its_callers_alone(vault: Vault) -> None:
    """A cursor that the keeper got opens no page to another, and one that is tampered with opens none at all."""
    for index in range(3):
        vault.ask("POST", "/files", vault.owner, json={"name": f"More {index}"})
    cursor = vault.ask("GET", "/files?limit=1&sort=name", vault.keeper).meta["next"]
    for who in (vault.owner, vault.stranger):
        assert vault.ask("GET", f"/files?limit=1&sort=name&after={cursor}", who).error["code"] == "invalid_cursor"
    for index in range(0, len(cursor), 3):
        other = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
        assert vault.ask("GET", f"/files?limit=1&sort=name&after={other}", vault.keeper).error["code"] == "invalid_cursor"


def test_a_unique_value_says_no_more_than_that_it_is_taken(vault: Vault) -> None:
    """A conflict names the member that the caller sent, never the record that has the value, nor another value of it."""
    answer = vault.ask("POST", "/files", vault.stranger, json={"name": "x", "number": "F-1"})
    assert (answer.status, answer.error["code"]) == (409, "unique_conflict")
    for secret in (vault.file["id"], "Plan", vault.owner, "F-1"):
        assert secret not in answer.text
