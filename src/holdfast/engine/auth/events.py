"""Security events: what happened to accounts, one log line each, with ids and never with a secret (ASVS 16.3)."""

from collections.abc import Callable
from enum import Enum
from typing import Any

from holdfast.core.exchange import Head
from holdfast.engine.request import Request
from holdfast.ports.accounts import Identity


class Event(Enum):
    """What can happen; the value is the message of its log line."""

    SIGNED_IN = "signed in"
    SIGN_IN_REFUSED = "sign-in refused"
    ATTEMPT_LIMITED = "refused: too many attempts from an address or on an account"
    CODE_ASKED = "sign-in waits for the second factor"
    SIGNED_OUT = "signed out"
    REFRESH_REFUSED = "refresh refused"
    REFRESH_REUSED = "a refresh token was used again: its session is revoked"
    SESSION_REVOKED = "session revoked"
    PASSWORD_CHANGED = "password changed"  # noqa: S105  # a message
    PASSWORD_REFUSED = "change of password refused"  # noqa: S105  # a message
    REGISTERED = "registered"
    EMAIL_VERIFIED = "e-mail address verified"
    EMAIL_REFUSED = "verification of an e-mail address refused"
    EMAIL_CHANGED = "e-mail address set"
    RESET_ASKED = "reset of password asked for"
    RESET_REFUSED = "reset of password refused"
    FACTOR_ENROLLED = "second factor enrolled"
    FACTOR_CONFIRMED = "second factor in force"
    FACTOR_DISABLED = "second factor taken away"
    FACTOR_REFUSED = "change of a second factor refused"
    USER_MADE = "user made"
    USER_DELETED = "user deleted"
    USER_UNDELETED = "user undeleted"
    USER_REVOKED = "user may not sign in any more"
    USER_RESTORED = "user may sign in"
    ROLES_SET = "roles of a user set"
    KEY_FIRST_USED = "a key is used for the first time"


_WARNINGS = frozenset(each for each in Event if each.name.endswith(("_REFUSED", "_REUSED", "_LIMITED")))


class Events:
    """Tells events to the log. `say` is engine.log.Log.say."""

    def __init__(self, say: Callable[..., None]) -> None:
        self._say = say

    def tell(self, event: Event, request: Request, **facts: Any) -> None:
        """Tell an event of a request; facts that are None are left out."""
        known = {name: value for name, value in facts.items() if value is not None}
        level = "warning" if event in _WARNINGS else "info"
        self._say(level, event.value, security=event.name.lower(), request_id=request.request_id, peer=request.head.peer, **known)

    def tell_first_use(self, head: Head, key: Identity) -> None:
        """Tell that a key is used that never was. Who asks is found before the request has its id, so its line names the peer alone."""
        event, facts = Event.KEY_FIRST_USED, {"user_id": key.user_id, "session_id": key.session_id, "key": key.new_key}
        self._say("info", event.value, security=event.name.lower(), peer=head.peer, **facts)
