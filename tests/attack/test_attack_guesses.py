"""Guesses: what one may not read in a record cannot be found out by sending it back."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from holdfast import Access, Backend, Ref, Resource, anyone, field, owner, role, signed_in, this
from holdfast.testing import Client, Response

API = "/api/v1"


class Boss(Resource, path="bosses"):
    """Somebody of whom few may know."""

    name: str

    access = Access(read=role("hr"), write=role("hr"))


class Slip(Resource, path="slips", require_version=False):
    """What is for no eyes once it is open, or for its maker's alone; in some fields those may still write who may not read."""

    open: bool = True
    pay: int | None = field(default=None, readable_by=~this.open)
    needed: str = field(default="x", readable_by=~this.open)
    row: str | None = field(default=None, immutable=True, readable_by=~this.open)
    nested: dict[str, str] | None = field(default=None, readable_by=~this.open)
    boss: Ref[Boss] | None = field(default=None, readable_by=~this.open)
    mine: int | None = field(default=None, readable_by=owner)
    fixed: int | None = field(default=None, readable_by=~this.open, writable_by=role("hr"))
    once: int | None = field(default=None, immutable=True, readable_by=role("hr"), writable_by=anyone)
    blind: int | None = field(default=None, readable_by=~this.open, writable_by=anyone)
    box: dict[str, str] | None = field(default=None, readable_by=~this.open, writable_by=anyone)
    chief: Ref[Boss] | None = field(default=None, readable_by=~this.open, writable_by=anyone, reverse="chief-slips")

    access = Access(read=anyone, write=signed_in)


TOLD = {"pay": 4200, "needed": "n", "row": "R", "nested": {"a": "1", "b": "2"}, "mine": 7, "fixed": 3, "once": 5}
WRONG: Mapping[str, tuple[Any, ...]] = {
    "pay": (4199, None),
    "needed": ("m", "x"),
    "row": ("Q", None),
    "nested": ({"a": "2"}, {"c": None}, {"a": None}, None),
    "mine": (8, None),
    "fixed": (4, None),
    "once": (6, None),
}
RIGHT: Mapping[str, tuple[Any, ...]] = {**{name: (value,) for name, value in TOLD.items()}, "nested": (TOLD["nested"], {"a": "1"}, {})}


@pytest.fixture
def client() -> Iterator[Client]:
    """A caller with no role, who may change the slips of others."""
    with Client(Backend(Boss, Slip)) as opened:
        yield opened.sign_in()


@pytest.fixture
def boss(client: Client) -> str:
    """The id of a boss, whom the caller may not see."""
    return str(client.sign_in("hr").post(f"{API}/bosses", json={"name": "Eve"}).data["id"])


@pytest.fixture
def slip(client: Client, boss: str) -> str:
    """The path of a slip of somebody else, with everything in it, that is open."""
    body = {**TOLD, "blind": 9, "box": {"a": "1"}, "open": False, "boss_id": boss, "chief_id": boss}
    made = client.post(f"{API}/slips", json=body)
    assert made.status == 201, made
    path = f"{API}/slips/{made.data['id']}"
    assert client.patch(path, json={"open": True}).status == 200
    client.sign_in()
    shown = client.get(path).data
    assert not {*TOLD, "blind", "box", "boss_id", "chief_id"} & shown.keys(), shown
    return path


def _said(answer: Response) -> tuple[int, object]:
    """An answer, but for its request."""
    return answer.status, {name: value for name, value in (answer.error or {}).items() if name != "request_id"}


def _change(client: Client, way: str, path: str, body: dict[str, Any]) -> Response:
    if way == "batch":
        operation = {"method": "PATCH", "path": path.removeprefix(API), "body": body}
        return client.post(f"{API}/batch", json={"operations": [operation]})
    return client.request(way, path, json=body)


@pytest.mark.parametrize("way", ["PATCH", "PUT", "batch"])
@pytest.mark.parametrize("member", TOLD)
def test_what_may_not_be_read_cannot_be_guessed(member: str, way: str, client: Client, slip: str) -> None:
    """One refusal whatever is sent, alone and beside another fault."""
    guesses = [each for each in (*RIGHT[member], *WRONG[member]) if way != "PUT" or not (isinstance(each, dict) and None in each.values())]
    said = [_said(_change(client, way, slip, {member: guess})) for guess in guesses]
    assert said[0][0] == 422
    assert f"{member}', 'code': 'read_only'" in str(said[0])
    assert said == [said[0]] * len(said)
    beside = [_said(_change(client, way, slip, {member: guess, "open": 5})) for guess in guesses]
    assert beside == [beside[0]] * len(beside)
    assert beside[0][0] == 422
    assert client.sign_in("admin").get(slip).data[member] == TOLD[member]


@pytest.mark.parametrize("way", ["PATCH", "PUT", "batch"])
def test_a_value_that_is_not_there_cannot_be_guessed_either(way: str, client: Client) -> None:
    """A record that holds nothing refuses nothing and something alike."""
    made = client.sign_in("hr").post(f"{API}/slips", json={}).data
    path = f"{API}/slips/{made['id']}"
    client.sign_in()
    sent: dict[str, tuple[Any, ...]] = {"pay": (None, 0), "row": (None, ""), "nested": (None, {}), "mine": (None, 0), "fixed": (None, 1)}
    for member, guesses in sent.items():
        said = [_said(_change(client, way, path, {member: guess})) for guess in guesses]
        assert said[0][0] == 422, member
        assert said == [said[0]] * len(said), member


@pytest.mark.parametrize("member", ["boss_id", "chief_id"])
def test_no_reference_can_be_guessed(member: str, client: Client, boss: str, slip: str) -> None:
    """That it stays what it was is no leave to name a record that one may not see: not even beside another refusal."""
    other = str(client.sign_in("hr").post(f"{API}/bosses", json={"name": "Kim"}).data["id"])
    client.sign_in()
    for way in ("PATCH", "PUT", "batch"):
        for body in ({}, {"version": 1}, {"open": 5}):
            right, wrong = (_said(_change(client, way, slip, {**body, member: each})) for each in (boss, other))
            assert right[0] in (409, 422), right
            assert right == wrong
    assert client.sign_in("admin").get(slip).data[member] == boss
    # Where it may be read it was read, and can be sent back.
    assert client.patch(slip, json={"open": False}).status == 200
    assert client.sign_in().put(slip, json={"open": False, "needed": "n", member: boss}).status == 200


def test_who_may_write_what_they_may_not_read_learns_nothing(client: Client, slip: str) -> None:
    """Their write is done, whatever stood there; a document is merged with what they do not see."""
    for guess in (9, 8, None):
        changed = client.patch(slip, json={"blind": guess})
        assert changed.status == 200
        assert "blind" not in changed.data
    for patch in ({"a": "1"}, {"b": "2"}, {"c": None}):
        changed = client.patch(slip, json={"box": patch})
        assert changed.status == 200
        assert "box" not in changed.data
    assert client.sign_in("admin").get(slip).data["box"] == {"a": "1", "b": "2"}


def test_what_was_read_can_be_sent_back(client: Client, slip: str) -> None:
    """A member that was not shown is not in it, and keeps its value."""
    shown = client.get(slip).data
    kept = client.sign_in("admin").get(slip).data
    assert client.sign_in().put(slip, json=shown).status == 200
    assert client.patch(slip, json=client.get(slip).data).status == 200
    now = client.sign_in("admin").get(slip).data
    assert {**now, "version": 0, "updated_at": 0} == {**kept, "version": 0, "updated_at": 0}


def test_what_may_be_read_is_accepted_if_equal(client: Client, slip: str) -> None:
    """Where the record shows it."""
    client.sign_in("admin").patch(slip, json={"open": False})
    client.sign_in()
    assert client.patch(slip, json={"row": "R", "fixed": 3, "pay": 4200, "nested": {"a": "1"}}).status == 200
    for member, value in (("row", "Q"), ("fixed", 4)):
        assert client.patch(slip, json={member: value}).error["details"][0]["code"] == "read_only"


def test_a_new_record_is_bound_as_it_would_be(client: Client) -> None:
    """What could not be read in it cannot be written into it; what is not sent gets its default."""
    refused = client.post(f"{API}/slips", json={"open": True, "pay": 1})
    assert (refused.status, [(each["field"], each["code"]) for each in refused.error["details"]]) == (422, [("pay", "read_only")])
    assert client.post(f"{API}/slips", json={"open": True}).status == 201
    made = client.post(f"{API}/slips", json={"open": False, "pay": 1})
    assert (made.status, made.data["pay"]) == (201, 1)
