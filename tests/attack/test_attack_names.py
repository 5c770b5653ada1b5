"""Names: what one may not know of is told neither by a list of what refers to a record, nor by a refusal."""

from collections.abc import Iterator

import pytest
from attack_vault import ABSENT_ID

from holdfast import Access, Backend, Ref, Resource, anyone, field, role, signed_in, this
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
