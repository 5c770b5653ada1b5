"""What the routes of accounts are sent. Each body is read with every fault at once, as the body of a record is."""

from typing import Any, NamedTuple

from holdfast.core.invalid import Invalid, refusal
from holdfast.core.passwords import PasswordRules
from holdfast.core.structure import NULL_REFUSED, Slot, field_reader, object_reader
from holdfast.core.values import Reader
from holdfast.model.catalog import ResourceSpec
from holdfast.model.types import Text

TOKEN_LENGTH_MAX = 128
PASSWORD_SENT_LENGTH_MAX = 512  # of one that is compared: NFC may shorten it to what is allowed
CODE_LENGTH_MAX = 64


class SignIn(NamedTuple):
    """The body of a sign-in. `totp` is a code of the second factor, or a recovery code."""

    email: str
    password: str
    totp: str | None


class NewPassword(NamedTuple):
    """The body of a change of password."""

    current: str
    new: str


class Registration(NamedTuple):
    """The body of a registration."""

    email: str
    password: str


class AccountBodies:
    """Reads the bodies; every method raises Refused (validation_failed) with every fault in its details."""

    def __init__(self, users: ResourceSpec, rules: PasswordRules) -> None:
        self._rules = rules
        email = Slot("email", field_reader(users.by_member["email"].type), NULL_REFUSED)
        known = field_reader(Text(min_length=1, max_length=PASSWORD_SENT_LENGTH_MAX))
        code = field_reader(Text(min_length=1, max_length=CODE_LENGTH_MAX))
        token = field_reader(Text(min_length=1, max_length=TOKEN_LENGTH_MAX))
        self._sign_in = object_reader([email, Slot("password", known, NULL_REFUSED), Slot("totp", code, None, None)])
        self._refresh = object_reader([Slot("refresh_token", token, NULL_REFUSED)])
        self._password = object_reader([Slot("current", known, NULL_REFUSED), Slot("new", rules.read, NULL_REFUSED)])
        self._register = object_reader([email, Slot("password", rules.read, NULL_REFUSED)])

    def read_sign_in(self, value: Any) -> SignIn:
        """Read the body of a sign-in."""
        return SignIn(**_read(self._sign_in, value))

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

    def read_registration(self, value: Any) -> Registration:
        """Read the body of a registration."""
        body = Registration(**_read(self._register, value))
        self.check_context(body.password, body.email, ".password")
        return body

    def check_context(self, password: str, email: str, place: str) -> None:
        """Refuse a password that its owner's address gives away."""
        faults = self._rules.judge_context(password, email, place)
        if faults:
            raise refusal(faults)


_NOTHING = object_reader([])


def _read(read: Reader, value: Any) -> dict[str, Any]:
    try:
        members: dict[str, Any] = read(value)
    except Invalid as error:
        raise refusal(error.faults) from None
    return members
