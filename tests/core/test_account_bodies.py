"""The bodies of the routes of accounts: read whole, with every fault at once."""

from collections.abc import Callable
from typing import Any

import pytest

from holdfast import Access, Backend, User, field, role
from holdfast.base.errors import Refused
from holdfast.core.account_bodies import AccountBodies
from holdfast.core.passwords import PasswordRules
from holdfast.core.slots import let_keys
from holdfast.core.validate import BodyReader

GOOD = "a phrase that nobody guesses"


class Member(User):
    """A user with fields of their own; some are for admins to give."""

    name: str = field(min_length=1)
    grade: int = field(default=0, writable_by=role("admin"))
    tags: list[str] = field(default_factory=list[str], writable_by=role("admin"))

    access = Access()


USERS = Backend(Member).catalog.users
assert USERS is not None
BODIES = AccountBodies(USERS, PasswordRules(lambda _: False))


def faults_of(read: Callable[..., Any], *sent: Any) -> set[tuple[str, str]]:
    """What is wrong with a body."""
    with pytest.raises(Refused) as caught:
        read(*sent)
    assert caught.value.code == "validation_failed"
    return {(each.field, each.code) for each in caught.value.details}


def test_bodies_are_read() -> None:
    """Addresses in lower case, what is optional with its default."""
    assert BODIES.read_sign_in({"email": "Ann@Example.org", "password": "x"}) == ("ann@example.org", "x", None, False)
    assert BODIES.read_sign_in({"email": "a@example.org", "password": "x", "totp": "1", "cookie": True})[2:] == ("1", True)
    BODIES.read_nothing({})
    assert BODIES.read_refresh({"refresh_token": "t"}) == "t"
    assert BODIES.read_password({"current": "x", "new": GOOD}, "ann@example.org") == ("x", GOOD)
    assert BODIES.read_password_alone({"password": "x"}) == "x"
    assert BODIES.read_code({"totp": "1"}) == "1"
    assert BODIES.read_disabling({"password": "x", "totp": "1"}) == ("x", "1")
    assert BODIES.read_email({"email": "Ann@Example.org"}) == "ann@example.org"
    assert BODIES.read_reset({"token": "t", "password": GOOD}) == ("t", GOOD)
    sent: list[dict[str, str | None]] = [{}, {"token": None}, {"token": "t"}, {"token": "t", "password": "x"}]
    assert [BODIES.read_verification(each) for each in sent] == [(None, None), (None, None), ("t", None), ("t", "x")]


def test_a_password_verifies_nothing_without_a_token() -> None:
    """It is compared with that of whom the token is for: alone it would be ignored, by a page that lost the token."""
    assert BODIES.read_verification({"token": "t", "password": None}) == ("t", None)
    assert BODIES.read_verification({"password": None}) == (None, None)
    assert faults_of(BODIES.read_verification, {"password": "x"}) == {("token", "required")}
    assert faults_of(BODIES.read_verification, {"token": None, "password": "x"}) == {("token", "null_not_allowed")}
    told = {("token", "required"), ("password", "wrong_type"), ("tokn", "unknown_member")}
    assert faults_of(BODIES.read_verification, {"tokn": "t", "password": 1}) == told


def test_a_newcomer_has_no_rights() -> None:
    """Fields of their own class that anyone may give go with a registration; rights do not, and what others give has its default."""
    made = BODIES.read_registration({"email": "Ann@example.org", "password": GOOD, "name": "Ann"})
    rest = {"name": "Ann", "grade": 0, "tags": "[]", "roles": "[]", "active": 1, "email_verified": 0}
    assert made == {"email": "ann@example.org", "password": GOOD, **rest}
    for member, value in (("roles", ["admin"]), ("active", True), ("email_verified", True), ("grade", 9)):
        sent = {"email": "ann@example.org", "password": GOOD, "name": "Ann", member: value}
        assert faults_of(BODIES.read_registration, sent) == {(member, "unknown_member")}
    assert faults_of(BODIES.read_newcomer, "ann@example.org") == {("name", "required")}


def test_every_fault_is_told_at_once() -> None:
    """Of what is missing, unknown and wrong."""
    assert faults_of(BODIES.read_sign_in, {"email": "none", "pasword": 1}) == {
        ("email", "wrong_format"),
        ("password", "required"),
        ("pasword", "unknown_member"),
    }
    assert faults_of(BODIES.read_nothing, {"a": 1}) == {("a", "unknown_member")}
    assert faults_of(BODIES.read_refresh, []) == {("", "wrong_type")}
    assert faults_of(BODIES.read_reset, {"token": "t", "password": "short"}) == {("password", "too_short")}


def test_a_password_that_its_address_gives_away_is_refused() -> None:
    """Where it is chosen anew, and where somebody registers."""
    new = "mirabelle and the garden"
    assert faults_of(BODIES.read_password, {"current": "x", "new": new}, "mirabelle@example.org") == {("new", "too_common")}
    sent = {"email": "mirabelle@example.org", "password": new, "name": "M"}
    assert faults_of(BODIES.read_registration, sent) == {("password", "too_common")}


def test_another_providers_user_has_no_password() -> None:
    """Where a user needs no more than an address; what is for others to give has its default."""

    class Graded(User):
        grade: int | None = field(default=None, writable_by=role("admin"))

    users = Backend(Graded).catalog.users
    assert users is not None
    made = AccountBodies(users, PasswordRules(lambda _: False)).read_newcomer("ann@example.org")
    assert made == {"email": "ann@example.org", "password": None, "grade": None, "roles": "[]", "active": 1, "email_verified": 1}


def test_the_address_of_a_key_is_for_the_operator_to_give() -> None:
    """A body of a caller may not hold one; that of who makes the key may."""
    assert USERS is not None
    sent = {"email": "ci@key.invalid", "name": "CI"}
    assert faults_of(BodyReader(USERS).read_create, sent) == {("email", "wrong_format")}
    assert BodyReader(let_keys(USERS)).read_create(sent).values["email"] == "ci@key.invalid"
