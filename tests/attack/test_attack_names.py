"""Names: what one may not know of is told neither by a list of what refers to a record, nor by a refusal."""

from collections.abc import Iterator

import pytest
from attack_vault import ABSENT_ID

from holdfast import Access, Backend, Ref, Resource, anyone, field, is_null, role, signed_in, this
from holdfast.testing import Client, Response

API = "/api/v1"


class Doctor(Resource):
    """Somebody whom everyone knows."""

    name: str

    access = Access(read=anyone, write=anyone)


class Person(Resource):
    """Somebody whose doctor few may know, whose healer those who are no secret show."""

    name: str
    open: bool = False
    doctor: Ref[Doctor] | None = field(default=None, readable_by=role("hr"), writable_by=anyone)
    healer: Ref[Doctor] | None = field(default=None, readable_by=this.open | role("hr"), writable_by=anyone, reverse="patients")

    access = Access(read=anyone, list=anyone, create=signed_in, update=role("hr"))


@pytest.fixture
def client() -> Iterator[Client]:
    """Nobody."""
    with Client(Backend(Doctor, Person)) as opened:
        yield opened


@pytest.fixture
def doctor(client: Client) -> str:
    """The doctor of a person who shows it, and of one who does not."""
    made = str(client.sign_in("hr").post(f"{API}/doctors", json={"name": "Who"}).data["id"])
    for name, is_open in (("Ann", True), ("Bob", False)):
        sent = {"name": name, "open": is_open, "doctor_id": made, "healer_id": made}
        assert client.post(f"{API}/persons", json=sent).status == 201
    client.sign_out()
    return made


def _said(answer: Response) -> tuple[int, object]:
    """An answer, but for its request."""
    return answer.status, {name: value for name, value in (answer.error or {}).items() if name != "request_id"}


@pytest.mark.parametrize("query", ["", "?sort=nothing", "?doctor_id=1", "?count=none"])
def test_a_hidden_reference_has_no_list(client: Client, doctor: str, query: str) -> None:
    """It is answered as a path that is not there, whichever record is asked for."""
    for roles in (None, ()):
        client.sign_out() if roles is None else client.sign_in(*roles)
        said = [_said(client.get(f"{API}/{path}/persons{query}")) for path in (f"doctors/{doctor}", f"doctors/{ABSENT_ID}", "nothing/1")]
        assert said == [said[2]] * 3
        assert said[0][0] == 404
    assert client.sign_in("hr").get(f"{API}/doctors/{doctor}/persons").meta["total"] == 2


def test_a_list_holds_the_records_that_show_their_reference(client: Client, doctor: str) -> None:
    """And counts no other."""
    path = f"{API}/doctors/{doctor}/patients"
    for query in ("", "?sort=-name", "?limit=1", "?name[startswith]="):
        listed = client.get(path + query)
        assert [each["name"] for each in listed.data] == ["Ann"]
        assert (listed.meta["total"], listed.meta["next"]) == (1, None)
    assert client.get(f"{path}?open=false").meta["total"] == 0
    assert client.sign_in("hr").get(path).meta["total"] == 2


def test_a_hidden_reference_is_no_way(client: Client, doctor: str) -> None:
    """Nothing is asked by it, and nothing beside a record shows it."""
    for name in ("doctor", "healer"):
        for query in (f"{name}_id={doctor}", f"{name}.name=Who", f"sort={name}.name", f"sort={name}_id", f"{name}_id[null]=false"):
            assert client.get(f"{API}/persons?{query}").status == 400, query
        assert client.post(f"{API}/persons/query", json={"filter": {f"{name}.name": "Who"}}).status == 400
    assert client.get(f"{API}/persons?include=doctor").status == 400
    bob = client.get(f"{API}/persons?name=Bob").data[0]
    told = [client.get(f"{API}/persons/{bob['id']}{more}").text for more in ("", "/history")] + [client.get(f"{API}/changes").text]
    assert not [each for each in told if '"doctor_id' in each], told
    assert doctor not in "".join(told[:2])


class Till(Resource, require_version=False, unique=[("lot", "number")], check=[this.amount <= this.ceiling]):
    """What holds names that few may know, in a check and in keys."""

    amount: int
    ceiling: int = field(default=100, readable_by=role("hr"))
    lot: int = field(default=1, readable_by=role("hr"))
    number: int | None = None
    slot: int | None = field(default=None, unique=True, readable_by=role("hr"), writable_by=anyone)
    serial: int = field(default=7, unique=True, readable_by=role("hr"))

    access = Access(read=anyone, write=anyone)


class Form(Resource):
    """What needs what few may know."""

    name: str
    stamp: int = field(readable_by=role("hr"))

    access = Access(read=anyone, write=anyone)


class Shelf(Resource, path="shelves", require_version=False):
    """What others refer to."""

    name: str | None = None

    access = Access(read=anyone, write=anyone)


class Wr(Resource, path="wrs"):
    """What shows what it refers to to few."""

    d: Ref[Shelf] = field(readable_by=role("hr"))
    free: Ref[Shelf] | None = field(default=None, reverse="free-wrs")

    access = Access(read=anyone, write=role("hr"))


class Ghost(Resource, check=[is_null(this.name) | ~is_null(this.shelf)]):
    """What few may know of at all; it can be without its shelf only where it has no name."""

    shelf: Ref[Shelf] | None = field(default=None, on_delete="set_null")
    kept: Ref[Shelf] | None = field(default=None, reverse="kept")
    name: str | None = None

    access = Access(read=role("hr"), write=role("hr"))


@pytest.fixture
def keeper() -> Iterator[Client]:
    """Who may know everything."""
    with Client(Backend(Form, Till, Shelf, Wr, Ghost)) as opened:
        yield opened.sign_in("hr")


def _fields(answer: Response) -> list[tuple[str, str]]:
    return [(each["field"], each["code"]) for each in answer.error["details"]]


def test_a_check_names_what_its_caller_may_know(keeper: Client) -> None:
    """Its other members are not told."""
    path = f"{API}/tills/{keeper.post(f'{API}/tills', json={'amount': 5}).data['id']}"
    assert _fields(keeper.patch(path, json={"amount": 500})) == [("amount", "check_failed"), ("ceiling", "check_failed")]
    keeper.sign_out()
    refused = [keeper.patch(path, json={"amount": 500}), keeper.post(f"{API}/tills", json={"amount": 500})]
    operation = {"method": "PATCH", "path": path.removeprefix(API), "body": {"amount": 500}}
    refused.append(keeper.post(f"{API}/batch", json={"operations": [operation]}))
    assert [_fields(each)[0][0] for each in refused] == ["amount", "amount", "operations[0].body.amount"]
    assert [len(_fields(each)) for each in refused] == [1, 1, 1]
    assert not [each.text for each in refused if "ceiling" in each.text]


def test_a_key_names_what_its_caller_may_know(keeper: Client) -> None:
    """Members that they may write are no secret to them; where they may know of none, the record itself is named."""
    keeper.post(f"{API}/tills", json={"amount": 5, "number": 3, "slot": 4})
    named = [("lot", "unique_conflict"), ("number", "unique_conflict"), ("serial", "unique_conflict")]
    assert sorted(_fields(keeper.post(f"{API}/tills", json={"amount": 5, "number": 3}))) == named
    keeper.sign_out()
    for sent, names in (({"number": 3}, ["number", ""]), ({"slot": 4}, ["", "slot"]), ({}, [""])):
        refused = keeper.post(f"{API}/tills", json={"amount": 5, **sent})
        assert refused.status == 409
        assert sorted(name for name, _ in _fields(refused)) == sorted(names)
        assert "lot" not in refused.text.replace("slot", "")
        assert "serial" not in refused.text


@pytest.mark.parametrize(
    ("path", "member", "more"), [("wrs", "d_id", {}), ("ghosts", "kept_id", {}), ("ghosts", "shelf_id", {"name": "Boo"})]
)
def test_what_refers_is_not_named_to_who_may_not_know_it(keeper: Client, path: str, member: str, more: dict[str, str]) -> None:
    """Nor the class, nor the member: that something refers is all that is told."""
    shelf = keeper.post(f"{API}/shelves", json={}).data["id"]
    assert keeper.post(f"{API}/{path}", json={member: shelf, **more}).status == 201
    known = keeper.delete(f"{API}/shelves/{shelf}")
    assert (known.status, _fields(known)) == (409, [(f"{path}.{member}", "reference_conflict")])
    keeper.sign_out()
    refused = keeper.delete(f"{API}/shelves/{shelf}")
    assert (refused.status, _fields(refused)) == (409, [("", "reference_conflict")])
    assert path not in refused.text
    assert member not in refused.text
    operation = {"method": "DELETE", "path": f"/shelves/{shelf}"}
    batch = keeper.post(f"{API}/batch", json={"operations": [operation]})
    assert (batch.error["code"], _fields(batch)) == ("reference_conflict", [("operations[0]", "reference_conflict")])
    assert member not in batch.text


def test_what_refers_openly_is_named_beside_what_does_not(keeper: Client) -> None:
    """Every reason at once, as far as each may be told."""
    shelf, other = (keeper.post(f"{API}/shelves", json={}).data["id"] for _ in range(2))
    for d_id, free_id in ((shelf, None), (other, shelf)):
        assert keeper.post(f"{API}/wrs", json={"d_id": d_id, "free_id": free_id}).status == 201
    keeper.sign_out()
    assert sorted(_fields(keeper.delete(f"{API}/shelves/{shelf}"))) == [("", "reference_conflict"), ("wrs.free_id", "reference_conflict")]


def test_what_is_needed_is_not_named_to_who_may_not_know_it(keeper: Client) -> None:
    """Who can neither read nor write it is told that they cannot make such a record."""
    assert keeper.post(f"{API}/forms", json={"name": "A", "stamp": 1}).status == 201
    keeper.sign_out()
    for path, body, names in (
        ("forms", {"name": "A"}, [""]),
        ("forms", {}, ["name", ""]),
        ("forms/bulk", [{"name": "A"}], ["[0]"]),
    ):
        refused = keeper.post(f"{API}/{path}", json=body)
        assert _fields(refused) == [(name, "required") for name in names]
        assert "stamp" not in refused.text


def test_a_reference_is_included_where_it_is_shown(client: Client, doctor: str) -> None:
    """And null elsewhere, also where its id is not asked for; what may be read in no record is no name."""
    for fields in ("", "&fields=name"):
        shown = client.get(f"{API}/persons?sort=name&include=healer{fields}").data
        assert [(each["healer"] or {}).get("name") for each in shown] == ["Who", None]
        assert [each.get("healer_id") for each in shown] == [None if fields else doctor, None]
        for each in shown:
            one = client.get(f"{API}/persons/{each['id']}?include=healer{fields}")
            assert one.data == each
    assert client.get(f"{API}/persons?include=doctor").status == 400
    assert client.get(f"{API}/persons?include=heale").error["hint"] == "Did you mean `healer`?"
    client.sign_in("hr")
    assert [each["healer"]["name"] for each in client.get(f"{API}/persons?include=healer,doctor").data] == ["Who", "Who"]


def test_an_answer_is_not_repeated_once_its_reference_is_hidden(client: Client, doctor: str) -> None:
    """What stood behind it is not told again, also where its id was not asked for."""
    token, path, key = client.add_key(), f"{API}/persons?include=healer&fields=name", {"idempotency-key": "one-and-only-key"}
    body = {"name": "Cat", "open": True, "healer_id": doctor}
    first = client.sign_in(token=token).post(path, json=body, headers=key)
    assert first.data["healer"]["name"] == "Who"
    assert client.post(path, json=body, headers=key).data == first.data
    client.sign_in("hr").patch(f"{API}/persons/{first.data['id']}", json={"open": False, "version": 1})
    again = client.sign_in(token=token).post(path, json=body, headers=key)
    assert (again.status, "no longer see" in again.error["hint"]) == (403, True)
