"""Users: what every catalog has, what a class of one's own adds, which roles there are."""

import dataclasses
from collections.abc import Callable
from inspect import get_annotations
from typing import Any, cast

import pytest

from holdfast import Access, Backend, Email, Resource, User, field, owner, role, signed_in, this
from holdfast.base.errors import Misconfigured
from holdfast.model.rule import Nobody
from holdfast.model.rule_text import describe
from holdfast.model.types import Choice, Items


class Note(Resource):
    """A note."""

    text: str
    secret: str = field(default="", readable_by=role("auditor"))

    access = Access(read=owner | role("reader", "editor"), write=~role("banned") & signed_in)


class Member(User):
    """A user with a name."""

    name: str = ""

    access = Access(read=owner)


def test_users_come_with_every_backend() -> None:
    """They stand last, at /users, and nobody but an admin is granted anything."""
    catalog = Backend(Note).catalog
    assert list(catalog.resources) == ["notes", "users"]
    assert catalog.users is catalog.resources["users"]
    assert all(isinstance(getattr(catalog.users.access, verb), Nobody) for verb in ("list", "read", "create", "update", "delete"))


def test_roles_are_those_that_the_rules_name() -> None:
    """In access, in the rules of fields, below a negation; and admin."""
    catalog = Backend(Note).catalog
    assert catalog.roles == ("admin", "auditor", "banned", "editor", "reader")
    assert catalog.users is not None
    assert catalog.users.by_name["roles"].type == Items(Choice(catalog.roles), max_length=5)


def test_a_class_of_ones_own_takes_the_place_of_user() -> None:
    """It adds fields, may restate access, and is served at /users whatever its name."""
    catalog = Backend(Note, Member).catalog
    assert list(catalog.resources) == ["notes", "users"]
    assert catalog.users is not None
    assert [each.name for each in catalog.users.fields if not each.system] == [
        "email", "password", "roles", "active", "email_verified", "name",
    ]  # fmt: skip
    assert not isinstance(catalog.users.access.read, Nobody)


ACCOUNT_FIELDS = [each.name for each in dataclasses.fields(User) if each.name in get_annotations(User)]


def derived(body: dict[str, Any], *bases: type[Any]) -> Any:
    """A class Member with this body, made at run time so that no checker stops it."""
    return cast("Any", type)("Member", bases or (User,), {**body, "__module__": __name__})


def typed(name: str) -> dict[str, Any]:
    """The body of a class that declares a field of this name anew, without any guard."""
    return {"__annotations__": {name: get_annotations(User)[name]}, name: None}


REDECLARED: dict[str, tuple[str, Callable[[str], Any]]] = {
    "typed anew": ("Member", lambda name: derived(typed(name))),
    "by a value alone": ("Member", lambda name: derived({name: True})),
    "by a type alone": ("Member", lambda name: derived({"__annotations__": {name: str}})),
    "by a method": ("Member", lambda name: derived({name: lambda _: True})),
    "by a mixin before User": ("Before", lambda name: derived({}, type("Before", (Resource,), typed(name)), User)),
    "by a mixin behind User": ("Behind", lambda name: derived({}, User, type("Behind", (Resource,), typed(name)))),
    "by a plain class before User": ("Plain", lambda name: derived({}, type("Plain", (), {name: True}), User)),
    "by a class between": ("Between", lambda name: derived({}, type("Between", (User,), typed(name)))),
}


@pytest.mark.parametrize("name", ACCOUNT_FIELDS)
@pytest.mark.parametrize("how", REDECLARED)
def test_what_every_user_has_is_not_declared_again(how: str, name: str) -> None:
    """However it is done, it is refused with the class that does it: no app loses the guards of roles and passwords."""
    place, declare = REDECLARED[how]
    with pytest.raises(Misconfigured) as caught:
        Backend(declare(name))

    assert (caught.value.place, caught.value.also) == (f"{place}.{name}", ())
    assert "belongs to Holdfast" in caught.value.problem
    assert "Leave it out" in caught.value.mend


def test_users_have_one_path() -> None:
    """A class of one's own cannot be served elsewhere."""

    class Person(User, path="people"):
        pass

    with pytest.raises(Misconfigured, match="Users are served at users"):
        Backend(Person)


def test_a_resource_cannot_take_the_place_of_users() -> None:
    """The path is kept for what derives from User."""

    class Account(Resource, path="users"):
        email: Email
        access = Access(read=this.email == "a@example.org")

    with pytest.raises(Misconfigured, match="belongs to Holdfast"):
        Backend(Account)


def test_who_registers_can_give_what_is_required() -> None:
    """A field that they may not write has a default, or nobody could register; told with class, field and a mend."""

    class Graded(User):
        grade: int = field(writable_by=role("teacher"))
        rank: int = field(writable_by=role("teacher"), default=0)
        name: str

    with pytest.raises(Misconfigured, match=r"Graded\.grade: .*nobody could register.*default") as told:
        Backend(Graded, registration=True)
    assert told.value.also == ()
    assert not Backend(Graded).catalog.registration


def test_on_users_the_owner_is_oneself() -> None:
    """Nobody makes their own record, so `owner` means the record itself there; on other resources it means who made it."""

    class Member(User):
        access = Access(read=owner, update=~owner | role("reader"))

    catalog = Backend(Note, Member).catalog
    assert catalog.users is not None
    assert describe(catalog.users.access.read) == "this.id == user"
    assert describe(catalog.users.access.update) == "~(this.id == user) | role('reader')"
    assert ("created_by_id",) not in catalog.users.index
