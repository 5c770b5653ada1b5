"""What the routes of accounts are sent. Each body is read with every fault at once, as the body of a record is."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from holdfast.core.condition import Stored
from holdfast.core.invalid import Invalid, refusal
from holdfast.core.passwords import PasswordRules
from holdfast.core.slots import create_slot
from holdfast.core.structure import NULL_REFUSED, Slot, field_reader, make_ready, object_reader, read_members
from holdfast.core.values import Reader
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.types import Boolean, Text
from holdfast.model.user import ACCOUNT_FIELDS

TOKEN_LENGTH_MAX = 128
PASSWORD_SENT_LENGTH_MAX = 512  # of one that is compared: NFC may shorten it to what is allowed
CODE_LENGTH_MAX = 64


class SignIn(NamedTuple):
    """The body of a sign-in.

    totp    a code of the second factor, or a recovery code
    cookie  the token goes into a cookie, not into the answer
    """

    email: str
    password: str
    totp: str | None
    cookie: bool


class NewPassword(NamedTuple):
    """The body of a change of password."""

    current: str
    new: str


class Disabling(NamedTuple):
    """The body that takes a second factor away."""

    password: str
    totp: str


class Reset(NamedTuple):
    """The body of a reset: the token that was mailed, and the new password."""

    token: str
    password: str


class Verification(NamedTuple):
    """The body of a verification: the token that was mailed, if there is one, and beside it the password, where the page asks for it."""

    token: str | None
    password: str | None


class AccountBodies:
    """Reads the bodies; every method raises Refused (validation_failed) with every fault in its details."""

    def __init__(self, users: ResourceSpec, rules: PasswordRules) -> None:
        self._rules = rules
        email = Slot("email", field_reader(users.by_member["email"].type), NULL_REFUSED)
        known = field_reader(Text(min_length=1, max_length=PASSWORD_SENT_LENGTH_MAX))
        code = field_reader(Text(min_length=1, max_length=CODE_LENGTH_MAX))
        cookie = Slot("cookie", field_reader(Boolean()), NULL_REFUSED, 0)
        token = field_reader(Text(min_length=1, max_length=TOKEN_LENGTH_MAX))
        self._sign_in = object_reader([email, Slot("password", known, NULL_REFUSED), Slot("totp", code, None, None), cookie])
        self._refresh = object_reader([Slot("refresh_token", token, NULL_REFUSED)])
        self._known_password = object_reader([Slot("password", known, NULL_REFUSED)])
        self._code = object_reader([Slot("totp", code, NULL_REFUSED)])
        self._disabling = object_reader([Slot("password", known, NULL_REFUSED), Slot("totp", code, NULL_REFUSED)])
        self._password = object_reader([Slot("current", known, NULL_REFUSED), Slot("new", rules.read, NULL_REFUSED)])
        new_password = Slot("password", rules.read, NULL_REFUSED)
        self._register = object_reader([email, new_password, *(create_slot(users, each) for each in own_fields(users))])
        self._newcomer = object_reader([email, *(create_slot(users, each) for each in own_fields(users))])
        others = (create_slot(users, each) for each in _added_fields(users) if each.writable_by is not None)
        self._others = make_ready(others)
        self._email = object_reader([email])
        self._reset = object_reader([Slot("token", token, NULL_REFUSED), new_password])
        self._verification = object_reader([Slot("token", token, None, None), Slot("password", known, None, None)])
        self._verification_by_password = object_reader([Slot("token", token, NULL_REFUSED), Slot("password", known, NULL_REFUSED)])

    def read_sign_in(self, value: Any) -> SignIn:
        """Read the body of a sign-in."""
        members = _read(self._sign_in, value)
        return SignIn(**{**members, "cookie": bool(members["cookie"])})

    def read_nothing(self, value: Any) -> None:
        """Read a body that has no members."""
        _read(_NOTHING, value)

    def read_refresh(self, value: Any) -> str:
        """Read the body of a refresh: the refresh token."""
        return str(_read(self._refresh, value)["refresh_token"])

    def read_password(self, value: Any, email: str) -> NewPassword:
        """Read the body of a change of password by who has this e-mail address."""
        body = NewPassword(**_read(self._password, value))
        self.check_context(body.new, email, ".new")
        return body

    def read_registration(self, value: Any) -> dict[str, Stored]:
        """Read the body of a registration: the stored value of every member of the new user."""
        values = _read(self._register, value)
        self.check_context(values["password"], values["email"], ".password")
        return {**values, **self._make_others(), "roles": "[]", "active": 1, "email_verified": 0}

    def read_newcomer(self, email: str) -> dict[str, Stored]:
        """The stored value of every member of a new user whose address another provider has verified; they have no password."""
        values = _read(self._newcomer, {"email": email})
        return {**values, **self._make_others(), "password": None, "roles": "[]", "active": 1, "email_verified": 1}

    def read_password_alone(self, value: Any) -> str:
        """Read a body that has one's password alone."""
        return str(_read(self._known_password, value)["password"])

    def read_code(self, value: Any) -> str:
        """Read a body that has a code alone."""
        return str(_read(self._code, value)["totp"])

    def read_disabling(self, value: Any) -> Disabling:
        """Read the body that takes a second factor away."""
        return Disabling(**_read(self._disabling, value))

    def read_email(self, value: Any) -> str:
        """Read a body that has an e-mail address alone."""
        return str(_read(self._email, value)["email"])

    def read_reset(self, value: Any) -> Reset:
        """Read the body of a reset."""
        return Reset(**_read(self._reset, value))

    def read_verification(self, value: Any) -> Verification:
        """Read the body of a verification."""
        by_password = isinstance(value, dict) and value.get("password") is not None
        return Verification(**_read(self._verification_by_password if by_password else self._verification, value))

    def check_context(self, password: str, email: str, place: str) -> None:
        """Refuse a password that its owner's address gives away."""
        faults = self._rules.judge_context(password, email, place)
        if faults:
            raise refusal(faults)

    def _make_others(self) -> dict[str, Stored]:
        """The default of every member that is not for a newcomer to give; each has one where newcomers are taken."""
        return read_members(self._others, {}, [])[0]


def own_fields(users: ResourceSpec) -> Iterator[FieldSpec]:
    """The fields that a derived User adds, and that whoever registers may give."""
    yield from (each for each in _added_fields(users) if each.writable_by is None)


def _added_fields(users: ResourceSpec) -> Iterator[FieldSpec]:
    return (each for each in users.fields if not each.system and each.name not in ACCOUNT_FIELDS)


_NOTHING = object_reader([])


def _read(read: Reader, value: Any) -> dict[str, Any]:
    try:
        members: dict[str, Any] = read(value)
    except Invalid as error:
        raise refusal(error.faults) from None
    return members
