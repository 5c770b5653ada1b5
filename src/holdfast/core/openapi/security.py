"""Who may call an operation: the scheme, what each operation asks for, and the refusals that come of it."""

from holdfast.base.instant import Instant
from holdfast.core.actor import NOBODY
from holdfast.core.credentials import COOKIE, SAFE_METHODS
from holdfast.core.openapi.response import refer_errors
from holdfast.core.openapi.schema import Schema, refer_parameters
from holdfast.core.permit import Grants, Permit
from holdfast.core.routes import Action, Route
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.model.rule import AllOf, Always, AnyOf, Compare, Membership, Negation, NullTest, Rule, SignedIn, This, operands

_BEARER, _COOKIE, _CSRF = "bearer", "cookie", "x-csrf"

_BEARER_SCHEME: Schema = {
    "type": "http",
    "scheme": "bearer",
    "description": "An access token, as `POST /api/v1/auth/login` gives it, or an API key, as `holdfast key add` prints it (RFC 6750).",
}
_COOKIE_SCHEME: Schema = {
    "type": "apiKey",
    "in": "cookie",
    "name": COOKIE,
    "description": (
        "The session of a browser, as `POST /api/v1/auth/login` with `cookie` sets it. Whatever is no GET needs the header `Origin` too: "
        "one of `cors_origins`, or that of this host together with `X-CSRF`; else it is 403. It does not count beside a bearer token."
    ),
}

COOKIE_PARAMETERS: dict[str, Schema] = {
    _CSRF: {
        "name": "X-CSRF",
        "in": "header",
        "description": "Any value, with the session cookie and an `Origin` of this host: no form and no foreign page can send it.",
        "schema": {"type": "string", "examples": ["1"]},
    }
}
"""The parameters that there are where sessions can be in cookies."""


def build_schemes(*, cookies: bool) -> dict[str, Schema]:
    """The ways to say who asks."""
    return {_BEARER: _BEARER_SCHEME, **({_COOKIE: _COOKIE_SCHEME} if cookies else {})}


_OWN = frozenset(
    {
        *(Action.LOGOUT, Action.ME, Action.PASSWORD, Action.SESSIONS, Action.REVOKE_SESSION),
        *(Action.ENROL_TOTP, Action.CONFIRM_TOTP, Action.DISABLE_TOTP),
    }
)
"""What concerns the account of the caller, so that there is nothing for one who has none."""


class Guard:
    """Tells of each operation of a catalog who may call it. `cookies`: by a session cookie too."""

    def __init__(self, catalog: Catalog, *, cookies: bool) -> None:
        self._catalog, self._cookies = catalog, cookies
        self._needed: list[Schema] = [{_BEARER: []}, *([{_COOKIE: []}] if cookies else [])]
        self._nobody = Permit(catalog).grant(NOBODY, Instant(0))

    def secure(self, route: Route, operation: Schema) -> Schema:
        """The operation with what it asks of its caller, and with 401 and 403 where it can meet them."""
        guarded = self._is_guarded(route)
        refusals = (*((401,) if route.identifies else ()), *((403,) if guarded or self._forbids(route) else ()))
        responses = operation["responses"] | refer_errors(*refusals)
        shown = refer_parameters(_CSRF) if guarded else []
        return operation | {
            "security": self._ask(route),
            "parameters": [*operation["parameters"], *shown],
            "responses": {each: responses[each] for each in sorted(responses)},
        }

    def _is_guarded(self, route: Route) -> bool:
        """Whether it is refused where a foreign page may have made a browser send it, with its cookie or to get one."""
        return self._cookies and route.method not in SAFE_METHODS and (route.identifies or route.action is Action.LOGIN)

    def _ask(self, route: Route) -> list[Schema]:
        if not route.identifies:
            return []
        return [{}, *self._needed] if self._is_open(route) else self._needed

    def _is_open(self, route: Route) -> bool:
        """Whether a caller who is not signed in can be granted it."""
        if route.action in _OWN:
            return False
        if route.action is Action.BATCH:
            return any(_may_write(self._nobody, each) for each in self._catalog.resources.values())
        if route.reverse is not None and not self._nobody.on(self._target(route)).may("read"):
            return False
        return route.verb is None or route.resource is None or self._nobody.on(route.resource).may(route.verb)

    def _target(self, route: Route) -> ResourceSpec:
        """The resource that a list of referring records begins at."""
        assert route.resource is not None
        assert route.reverse is not None
        return self._catalog.target(route.resource.by_member[route.reverse.member])

    def _forbids(self, route: Route) -> bool:
        """Whether a caller who is signed in can be refused: by what they are, or, in a change, by a row that they may read."""
        if route.action is Action.BATCH:
            return True
        if route.action is Action.CHANGES:  # of one resource
            return any(_settles_to_no(each.access.read) for each in self._catalog.resources.values())
        if route.verb is None or route.resource is None:
            return False
        rule: Rule = getattr(route.resource.access, route.verb)
        if not route.writes:
            return _settles_to_no(rule) or (route.reverse is not None and _settles_to_no(self._target(route).access.read))
        of_fields = [each for spec in route.resource.fields for each in (spec.readable_by, spec.writable_by) if each is not None]
        return not all(isinstance(each, Always | SignedIn) for each in (rule, route.resource.access.read, *of_fields))


def _settles_to_no(rule: Rule) -> bool:
    """Whether a rule can be false for a caller who is signed in, whatever the row."""
    match rule:
        case Always() | SignedIn() | Membership():
            return False
        case Compare(left, _, right):
            return not isinstance(left, This) and not isinstance(right, This)
        case NullTest(operand):
            return not isinstance(operand, This)
        case AllOf(parts):
            return any(map(_settles_to_no, parts))
        case AnyOf(parts):
            return all(map(_settles_to_no, parts))
        case Negation(part):
            return not _asks_row(part)
        case _:  # a role that one may lack, and Nobody
            return True


def _asks_row(rule: Rule) -> bool:
    return any(isinstance(each, This) for each in operands(rule))


def _may_write(grants: Grants, resource: ResourceSpec) -> bool:
    return any(grants.on(resource).may(verb) for verb in ("create", "update", "delete"))
