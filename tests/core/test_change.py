"""Settling an update against the record as it stands."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import Access, Backend, Resource, anyone, field
from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.core.change import doubt_address, merge, settle
from holdfast.core.plan import Update
from holdfast.core.view import View
from holdfast.model.user import KEY_DOMAIN


@dataclass
class Address:
    """A document with a member that must be there and one that need not."""

    city: str
    zip: str | None = None


class Person(Resource):
    """Somebody with documents."""

    name: str
    address: Address | None = None
    labels: dict[str, int] = field(default_factory=dict[str, int])

    access = Access(read=anyone, write=anyone)


PEOPLE = Backend(Person).catalog.resources["persons"]
BEFORE = {"id": "1", "name": "Ada", "address": '{"city":"London","zip":"N1"}', "labels": '{"a":1,"b":2}', "created_by_id": None}


def step(**parts: Any) -> Update:
    """An update of a person."""
    return Update(RecordId("1"), View(PEOPLE, PEOPLE.fields), **{"assign": {}, **parts})


def test_what_is_assigned_changes() -> None:
    """Without comparison or merge the record is not looked at."""
    assert settle(step(assign={"name": "Grace"}), {}) == {"name": "Grace"}


def test_equal_members_change_nothing() -> None:
    """A member that must be equal and is, null included, is no change."""
    assert settle(step(assign={"name": "Grace"}, equal={"id": "1", "created_by_id": None}), BEFORE) == {"name": "Grace"}


def test_documents_are_merged_into_what_is_stored() -> None:
    """A merge patch changes, adds and takes away members; what it took away becomes its default."""
    changed = settle(step(merge={"address": {"zip": None}, "labels": {"a": None, "c": 3}}), BEFORE)
    assert changed == {"address": '{"city":"London","zip":null}', "labels": '{"b":2,"c":3}'}


def test_a_patch_of_nothing_stored_makes_the_document() -> None:
    """Where no document is stored the patch begins with an empty one."""
    assert settle(step(merge={"address": {"city": "Paris"}}), {**BEFORE, "address": None}) == {"address": '{"city":"Paris","zip":null}'}


def test_every_fault_is_told_at_once() -> None:
    """Members that differ, or that the image does not have, and documents that are wrong once merged are refused together."""
    wrong = step(equal={"id": "2", "secret": "x"}, merge={"address": {"city": None}, "labels": {"a": 1}})
    with pytest.raises(Refused) as refused:
        settle(wrong, BEFORE)
    assert refused.value.code == "validation_failed"
    assert [(each.field, each.code) for each in refused.value.details] == [
        ("id", "read_only"),
        ("secret", "read_only"),
        ("address.city", "required"),
    ]


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_standard_hold(target: Any, patch: Any, expected: Any) -> None:
    """RFC 7396, appendix A."""
    assert merge(target, patch) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


@given(JSON, JSON)
def test_merging_leaves_its_arguments_alone_and_twice_is_once(target: Any, patch: Any) -> None:
    """A merge changes neither document, and the same patch again changes nothing more."""
    before = repr((target, patch))
    once = merge(target, patch)
    assert merge(once, patch) == once
    assert repr((target, patch)) == before


def test_a_locked_document_is_refused_where_the_patch_changes_it() -> None:
    """A patch that leaves it as it is does no harm."""
    for patch, refused in (({"a": 1}, False), ({"a": 2}, True)):
        merged = step(merge={"labels": patch})
        if not refused:
            assert settle(merged, BEFORE, {"labels"}) == {"labels": BEFORE["labels"]}
            continue
        with pytest.raises(Refused) as caught:
            settle(merged, BEFORE, {"labels"})
        assert [(each.field, each.code) for each in caught.value.details] == [("labels", "read_only")]


def test_what_is_unseen_is_refused_whatever_it_is() -> None:
    """Where it may not change; equal or not, null or not, and before a document is merged. Where it may, what stood there is no matter."""
    for name in ("Ada", "Eve"):
        for equal in (None, "2"):
            for patch in ({"a": 1}, {"a": 2}, {"b": "no number"}):
                sent = step(assign={"name": name}, equal={"created_by_id": equal}, merge={"labels": patch})
                with pytest.raises(Refused) as caught:
                    settle(sent, BEFORE, {"labels", "name"}, {"labels", "name", "created_by_id"})
                assert [(each.field, each.code) for each in caught.value.details] == [
                    ("created_by_id", "read_only"),
                    ("name", "read_only"),
                    ("labels", "read_only"),
                ]
    assert settle(step(assign={"name": "Eve"}, merge={"labels": {"a": 2}}), BEFORE, (), {"labels", "name"}) == {
        "name": "Eve",
        "labels": '{"a":2,"b":2}',
    }


def test_a_new_address_is_in_doubt() -> None:
    """Unless the very change says that it was shown; an address that stays is as it was."""
    before: dict[str, Any] = {"email": "a@example.org", "email_verified": 1}
    kept: list[dict[str, Any]] = [{}, {"active": 0}, {"email": "a@example.org"}, {"email": "b@example.org", "email_verified": 1}]
    for changed in kept:
        assert doubt_address(changed, before) == changed
    assert doubt_address({"email": "b@example.org"}, before) == {"email": "b@example.org", "email_verified": 0}


def test_an_address_of_a_key_is_not_taken() -> None:
    """It could be signed in with, beside the key; whoever has one keeps it."""
    before: dict[str, Any] = {"email": "a@example.org", "email_verified": 1}
    with pytest.raises(Refused) as caught:
        doubt_address({"email": f"ci@{KEY_DOMAIN}"}, before)
    ((place, code),) = {(each.field, each.code) for each in caught.value.details}
    assert (place, code) == ("email", "wrong_format")
    assert doubt_address({"email": f"ci@{KEY_DOMAIN}"}, {**before, "email": f"ci@{KEY_DOMAIN}"})
