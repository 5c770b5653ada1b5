"""Requests that say one thing twice, or another thing than they seem to."""

import pytest
from attack_vault import ABSENT_ID, Vault

_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")


@pytest.mark.parametrize("name", _OVERRIDES)
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_a_method_is_what_the_request_line_says(vault: Vault, name: str, method: str) -> None:
    """Headers and parameters that would override it change nothing."""
    path, headers = f"/files/{vault.file['id']}", {name: method, "if-match": "*"}
    assert vault.ask("GET", path, vault.owner, headers=headers).status == 200
    assert vault.ask("POST", path, vault.owner, headers=headers, json={"name": "Taken"}).status == 405
    assert vault.ask("GET", f"{path}?_method={method}", vault.owner).status == 400
    assert vault.ask("GET", path, vault.owner).data["name"] == "Plan"


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND", "get", "GETX", "QUERY"])
def test_only_declared_methods_are_answered(vault: Vault, method: str) -> None:
    """An invented one is refused with the exact Allow, and nothing of the request comes back."""
    answer = vault.ask(method, f"/files/{vault.file['id']}", vault.owner, headers={"x-echo": "canary-echo"})
    assert answer.status in (400, 405, 501), answer
    assert "canary-echo" not in answer.text
    if answer.status == 405:
        assert answer.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/files/../folders", "/api/v1/files/./", "/api/v1//files", "//api/v1/files", "/api/v1/files/", "/API/V1/FILES",
        "/api/v1/Files", "/api/v1/files%2f", "/api/v1%2ffiles", "/api/v1/files/%2e%2e/folders", "/api/v1/files/..%2ffolders",
        "/api/v1/files%00", "/api/v1/files%0a", "/api/v1/files;a=b", "/api/v1/files/..;/folders", "/api/v1/files%23", "/api/v1/files%3f",
        "/api/v1/files\\..\\folders", "/api/v1/.%2e/v1/files", "/api/v1/files%252f", "/api/v1/ﬁles", "/api/v1/files.json", "/api/v2/files",
        "/docs/../openapi.json", "/docs/%2e%2e/%2e%2e/etc/passwd", "/docs/..%2f..%2fholdfast.db", "/healthz/../metrics", "/.env",
        "/.git/config",        "/api/v1/files/__proto__", "/api/v1/files/constructor", "/api/v1/auth/me/..", "/api/v1/auth/ME",
    ],
)  # fmt: skip
def test_a_path_is_one_path(vault: Vault, path: str) -> None:
    """Dots, doubled or encoded slashes, other cases and endings name nothing: 404 or 400, never another place."""
    answer = vault.client.get(path, headers={"authorization": f"Bearer {vault.keeper}"})
    assert answer.status in (400, 404), answer
    assert vault.file["id"] not in answer.text


@pytest.mark.parametrize("spelt", ["upper", "braced", "urn", "no dashes", "padded", "with a dot", "star", "quoted", "plus"])
def test_an_id_has_one_spelling_that_grants_nothing_more(vault: Vault, spelt: str) -> None:
    """Another spelling of an id is the same record by the same rule, or none: a stranger never gets it."""
    own = vault.file["id"]
    forms = {
        "upper": own.upper(), "braced": f"{{{own}}}", "urn": f"urn:uuid:{own}", "no dashes": own.replace("-", ""), "padded": f"%20{own}",
        "with a dot": f"{own}.", "star": "*", "quoted": f"%22{own}%22", "plus": f"{own}+",
    }  # fmt: skip
    for who in (vault.stranger, None):
        for tail in ("", "/history"):
            assert vault.ask("GET", f"/files/{forms[spelt]}{tail}", who).status in (401, 404)


@pytest.mark.parametrize(
    "query",
    [
        "limit=1&limit=100", "page=1&page=2", "sort=name&sort=rank", "fields=name&fields=rank", "count=none&count=exact", "q=a&q=b",
        "name=a&name=b", "name[eq]=a&name=b", "after=a&after=b", "include=folder&include=folder", "limit=1&LIMIT=100", "limit[]=1",
        "limit[0]=1", "name[$ne]=x", "name[constructor]=x", "name[__proto__]=x", "__proto__=x", "constructor=x", "__proto__[admin]=1",
        "prototype.admin=1", "name.__class__=x", "folder.__proto__.label=x", "%00=1", "=1", "name[contains][x]=1", "name%5B=x", "[name]=x",
        "name;drop=1", "limit=1;limit=100", "limit=1%26limit=100", "toString=1", "hasOwnProperty=1", "__init__=1", "rowid=1", "hf_user=1",
    ],
)  # fmt: skip
def test_what_is_said_twice_or_means_nothing_is_refused(vault: Vault, query: str) -> None:
    """Polluted parameters and names of other worlds: 400, whoever asks."""
    answer = vault.ask("GET", f"/files?{query}", vault.keeper)
    assert answer.status == 400, answer


@pytest.mark.parametrize("name", ["__proto__", "constructor", "__class__", "__init__", "__dict__", "toString", "rowid", "hf_seq", "self"])
def test_names_of_other_worlds_are_unknown_members(vault: Vault, name: str) -> None:
    """In bodies, filters and keys they are names like any other: unknown."""
    sent = vault.ask("POST", "/files", vault.owner, json={"name": "x", name: {"admin": True}})
    assert (sent.status, sent.error["details"][0]["code"]) == (422, "unknown_member"), sent
    for body in ({"filter": {name: "x"}}, {"filter": {"name": {name: "x"}}}, {name: 1}, {"sort": [name]}, {"fields": [name]}):
        assert vault.ask("POST", "/files/query", vault.keeper, json=body).status in (400, 422)


def test_a_duplicate_key_is_refused_whatever_it_says(vault: Vault) -> None:
    """Two readings of one body are never possible: 400 malformed_json."""
    for body in ('{"name":"a","name":"b"}', '{"name":"a","n\\u0061me":"b"}', '{"name":"a","grade":1,"grade":9}'):
        answer = vault.ask("POST", "/files", vault.owner, content=body, headers={"content-type": "application/json"})
        assert (answer.status, answer.error["code"]) == (400, "malformed_json"), answer


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/xml", None])
def test_forms_of_other_pages_cannot_write(vault: Vault, kind: str | None) -> None:
    """What a page of another origin can send without asking first is 415, on every write."""
    headers = {} if kind is None else {"content-type": kind}
    for path in ("/files", "/files/bulk", "/files/query", "/batch", "/auth/login", "/auth/refresh"):
        answer = vault.ask("POST", path, vault.owner, content='{"name":"x"}', headers=headers)
        assert answer.status == 415, (path, answer)


def test_what_is_sent_does_not_come_back_as_a_header(vault: Vault) -> None:
    """No header of an answer holds what a caller made up, but for a well-formed request id."""
    odd = "a%0d%0aset-cookie:%20x=canary"
    for path in (f"/files?sort={odd}", f"/files?q={odd}", f"/files/{odd}", f"/{odd}", f"/files?after={odd}"):
        answer = vault.ask(
            "GET", path, vault.keeper, headers={"x-request-id": "a;canary", "origin": "https://canary.example", "referer": "canary"}
        )
        shown = {name: value for name, value in answer.headers.items() if name != "link"}  # which repeats the query, escaped
        assert "canary" not in repr(shown), answer
        assert "set-cookie" not in answer.headers
    location = vault.ask("POST", "/files?fields=name", vault.owner, json={"name": "a\r\nset-cookie: canary=1"}).headers["location"]
    assert "canary" not in location


def test_an_idempotency_key_is_its_callers_alone(vault: Vault) -> None:
    """Another caller's key replays nothing: not the answer, not that there was one."""
    headers = {"idempotency-key": "shared-key"}
    mine = vault.ask("POST", "/files", vault.owner, json={"name": "Mine"}, headers=headers)
    again = vault.ask("POST", "/files", vault.owner, json={"name": "Mine"}, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    theirs = vault.ask("POST", "/files", vault.stranger, json={"name": "Mine"}, headers=headers)
    assert theirs.status == 201
    assert "idempotency-replayed" not in theirs.headers
    assert theirs.data["id"] != mine.data["id"]
    assert vault.ask("POST", "/files", None, json={"name": "Mine"}, headers=headers).status == 401


def test_a_foreign_id_cannot_be_taken(vault: Vault) -> None:
    """Creating over a record that one may not know of says what it must, and changes nothing."""
    before = vault.ask("GET", f"/files/{vault.file['id']}", vault.owner).content
    vault.ask("POST", "/files", vault.stranger, json={"id": vault.file["id"], "name": "Taken"})
    bulk = [{"name": "new"}, {"id": vault.file["id"], "name": "Taken"}]
    vault.ask("POST", "/files/bulk", vault.stranger, json=bulk)
    operations = [{"method": "PUT", "path": f"/files/{vault.file['id']}", "body": {"name": "Taken"}, "version": vault.file["version"]}]
    assert vault.ask("POST", "/batch", vault.stranger, json={"operations": operations}).status == 404
    assert vault.ask("POST", f"/files/{vault.file['id']}/undelete", vault.stranger).status == 404
    hidden = vault.ask("POST", "/files", vault.stranger, json={"name": "x", "folder_id": vault.folder["id"]})
    missing = vault.ask("POST", "/files", vault.stranger, json={"name": "x", "folder_id": ABSENT_ID})
    assert (hidden.status, hidden.error["details"]) == (missing.status, missing.error["details"])
    assert vault.ask("GET", f"/files/{vault.file['id']}", vault.owner).content == before
