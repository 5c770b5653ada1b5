"""What a password must be (NIST 800-63B rev 4, 3.1.1): long enough, and none that is guessed first. Nothing is asked of its characters."""

import unicodedata
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from holdfast.base.limits import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from holdfast.core.invalid import Fault, Invalid, invalid, move, refusal, wrong_type

_CONTEXT_LENGTH_MIN = 4  # a shorter word is in too many good passwords
_UNIT_LENGTH_MAX = 4  # "abcdabcdabcdabcd" is no better than "abcd"
_GUESSED = ("too_common", "is too easily guessed")


class PasswordRules:
    """Judges new passwords.

    is_common   whether a text in lower case is one of the passwords that are guessed first
    length_min  in characters, after NFC
    """

    def __init__(self, is_common: Callable[[str], bool], length_min: int = PASSWORD_LENGTH_MIN) -> None:
        self._is_common = is_common
        self.length_min = length_min

    def read(self, value: Any) -> str:
        """Read a new password, normalized; raises Invalid."""
        if not isinstance(value, str):
            raise wrong_type("a string", value)
        text = unicodedata.normalize("NFC", value)
        if "\0" in text:
            raise invalid("nul_character", "may not hold the character U+0000")
        if len(text) < self.length_min:
            raise invalid("too_short", f"must be at least {self.length_min} characters, has {len(text)}")
        if len(text) > PASSWORD_LENGTH_MAX:
            raise invalid("too_long", f"must be at most {PASSWORD_LENGTH_MAX} characters, has {len(text):,}")
        if self._is_guessed(text.casefold()):
            raise invalid(*_GUESSED)
        return text

    def judge_user(self, values: Mapping[str, object]) -> None:
        """Refuse the values of a user's record whose new password will not do; the address counts where it is among them."""
        password, email = values.get("password"), values.get("email")
        if not isinstance(password, str):
            return
        try:
            text = self.read(password)
            faults = self.judge_context(text, email if isinstance(email, str) else "", ".password")
        except Invalid as error:
            faults = list(move(".password", error.faults))
        if faults:
            raise refusal(faults)

    def judge_context(self, password: str, email: str, place: str) -> list[Fault]:
        """What is wrong with a password of this person: it may not hold the first part of their e-mail address."""
        local = email.partition("@")[0].casefold()
        if len(local) >= _CONTEXT_LENGTH_MIN and local in password.casefold():
            return [Fault(place, "too_common", "may not hold the name in the e-mail address")]
        return []

    def _is_guessed(self, text: str) -> bool:
        unit = text[: _find_period(text)]
        bare = text.rstrip("0123456789!?.#$%&*@_-+ ")
        return len(unit) <= _UNIT_LENGTH_MAX or _is_run(text) or any(map(self._is_common, {text, unit, bare}))


def _find_period(text: str) -> int:
    """How long the part is that a text repeats; its whole length if it repeats none."""
    return (text + text).find(text, 1)


def _is_run(text: str) -> bool:
    """Whether the characters of a text follow one another up or down ("abcdefgh", "987654321"), 0 after 9."""
    steps = {
        (ord(after) - ord(before)) % 10 if (before + after).isdecimal() else ord(after) - ord(before) for before, after in pairwise(text)
    }
    return steps in ({1}, {-1}, {9})
