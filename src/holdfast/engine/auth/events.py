"""Security events: what happened to accounts, one log line each, with ids and never with a secret (ASVS 16.3)."""

from collections.abc import Callable
from enum import Enum
from typing import Any

from holdfast.engine.request import Request


class Event(Enum):
    """What can happen; the value is the message of its log line."""

    SIGNED_IN = "signed in"
    SIGN_IN_REFUSED = "sign-in refused"
    SIGNED_OUT = "signed out"
    REFRESH_REFUSED = "refresh refused"
    REFRESH_REUSED = "a refresh token was used again: its session is revoked"
    SESSION_REVOKED = "session revoked"
    PASSWORD_CHANGED = "password changed"  # noqa: S105  # a message
    PASSWORD_REFUSED = "change of password refused"  # noqa: S105  # a message
    REGISTERED = "registered"
    EMAIL_VERIFIED = "e-mail address verified"
    RESET_ASKED = "reset of password asked for"
    FACTOR_ENROLLED = "second factor enrolled"
    FACTOR_CONFIRMED = "second factor in force"
    FACTOR_DISABLED = "second factor taken away"


_WARNINGS = frozenset({Event.SIGN_IN_REFUSED, Event.REFRESH_REFUSED, Event.REFRESH_REUSED, Event.PASSWORD_REFUSED})


class Events:
    """Tells events to the log. `say` is engine.log.Log.say."""

    def __init__(self, say: Callable[..., None]) -> None:
        self._say = say

    def tell(self, event: Event, request: Request, **facts: Any) -> None:
        """Tell an event of a request; facts that are None are left out."""
        known = {name: value for name, value in facts.items() if value is not None}
        level = "warning" if event in _WARNINGS else "info"
        self._say(level, event.value, security=event.name.lower(), request_id=request.request_id, peer=request.head.peer, **known)
