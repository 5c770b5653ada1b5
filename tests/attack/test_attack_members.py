"""Mass assignment: every member that a caller may not set, in every body that could set it, in every spelling."""

from collections.abc import Iterator
from typing import Any

import pytest
from attack_vault import ABSENT_ID, Vault

from holdfast.testing import Response

_SYSTEM = {
    "version": 99,
    "created_at": "2000-01-01T00:00:00Z",
    "updated_at": "2000-01-01T00:00:00Z",
    "created_by_id": ABSENT_ID,
}
_FORBIDDEN: dict[str, Any] = {
    "rank": 99,
    "grade": 9,
    "clue": "mine",
    "roles": ["admin"],
    "role": "admin",
    "is_admin": True,
    "owner": "me",
    "owner_id": ABSENT_ID,
}


def _spellings(name: str) -> Iterator[str]:
    camel = "".join((name.split("_", maxsplit=1)[0], *(each.title() for each in name.split("_")[1:])))
    yield from {name, name.upper(), name.title(), camel, f"{name}[eq]", f"file.{name}", f" {name}", f"{name}\u200b"}


_SENT = [(spelt, value) for name, value in (_SYSTEM | _FORBIDDEN).items() for spelt in sorted(_spellings(name))]


def _state(vault: Vault) -> Any:
    return vault.ask("GET", f"/files/{vault.file['id']}", vault.keeper).data


@pytest.mark.parametrize(("name", "value"), _SENT, ids=[repr(name) for name, _ in _SENT])
def test_what_may_not_be_set_is_not_set(vault: Vault, name: str, value: Any) -> None:
    """POST, bulk, PUT, PATCH and batch refuse the member; none lets it through, and none drops it silently."""
    before, path = _state(vault), f"/files/{vault.file['id']}"
    body = {"name": "Plan", name: value}
    operation = {"method": "PATCH", "path": path, "version": before["version"], "body": body}
    answers = {
        "post": vault.ask("POST", "/files", vault.owner, json=body),
        "bulk": vault.ask("POST", "/files/bulk", vault.owner, json=[body]),
        "put": vault.ask("PUT", path, vault.owner, json=body, headers={"if-match": "*"}),
        "patch": vault.ask("PATCH", path, vault.owner, json=body, headers={"if-match": "*"}),
        "merge": vault.ask(
            "PATCH", path, vault.owner, json=body, headers={"if-match": "*", "content-type": "application/merge-patch+json"}
        ),
        "batch": vault.ask("POST", "/batch", vault.owner, json={"operations": [operation]}),
    }
    wrong = {kind: answer for kind, answer in answers.items() if not _refuses(answer)}
    assert wrong == {}
    assert _state(vault) == before


def _refuses(answer: Response) -> bool:
    """422 names the member; 400 is a version that contradicts If-Match; 409 and 412 a version that is not the record's."""
    return answer.status in (400, 403, 409, 412, 422)


def test_a_patch_in_another_form_is_not_read(vault: Vault) -> None:
    """A JSON Patch that would set a path below, above or beside the record is 415."""
    operations = [{"op": "replace", "path": path, "value": 9} for path in ("/rank", "/grade", "/../rank", "/__proto__/admin", "")]
    answer = vault.ask(
        "PATCH", f"/files/{vault.file['id']}", vault.owner, json=operations,
        headers={"if-match": "*", "content-type": "application/json-patch+json"},
    )  # fmt: skip
    assert answer.status == 415


def test_nobody_makes_themselves_admin(vault: Vault) -> None:
    """A user cannot give themselves roles, by any route on users, on themselves or in a batch."""
    me = vault.ask("GET", "/auth/me", vault.stranger).data
    for method, path, body in (
        ("PATCH", f"/users/{me['id']}", {"roles": ["admin"]}),
        ("PUT", f"/users/{me['id']}", {"email": me["email"], "roles": ["admin"]}),
        ("POST", "/users", {"email": "new@example.org", "roles": ["admin"], "password": "a long enough passphrase"}),
        ("POST", "/users/bulk", [{"email": "new@example.org", "roles": ["admin"]}]),
        ("POST", f"/users/{me['id']}/undelete", {}),
        ("PATCH", "/auth/me", {"roles": ["admin"]}),
        ("PUT", "/auth/me", {"roles": ["admin"]}),
        ("POST", "/auth/me", {"roles": ["admin"]}),
        ("POST", "/batch", {"operations": [{"method": "PATCH", "path": f"/users/{me['id']}", "body": {"roles": ["admin"]}, "version": 1}]}),
        ("POST", "/auth/register", {"email": "new@example.org", "password": "a long enough passphrase", "roles": ["admin"]}),
    ):
        answer = vault.ask(method, path, vault.stranger, json=body, headers={"if-match": "*"})
        assert answer.status in (401, 403, 404, 405, 422), (method, path, answer)
    assert vault.ask("GET", "/auth/me", vault.stranger).data["roles"] == []


def test_a_hidden_member_is_as_unknown_as_one_that_is_not(vault: Vault) -> None:
    """Who may not read a member gets the answer of a member that does not exist, but for its name, wherever it is named."""
    for method, path, headers in (("POST", "/files", {}), ("PATCH", f"/files/{vault.file['id']}", {"if-match": "*"})):
        told = [vault.ask(method, path, vault.owner, json={"name": "x", name: "x"}, headers=headers) for name in ("clue", "cluf")]
        assert [each.status for each in told] == [422, 422]
        assert told[0].error["details"] == [each | {"field": "clue"} for each in told[1].error["details"]]
