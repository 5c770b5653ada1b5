"""The operations of accounts: signing in, one's own record, password and sessions."""

from typing import NamedTuple

from holdfast.base.limits import EMAIL_LENGTH_MAX, OIDC_PARAMETER_LENGTH_MAX, PASSWORD_LENGTH_MAX, SESSIONS_LISTED_MAX, URL_BYTES_MAX
from holdfast.core.account_bodies import CODE_LENGTH_MAX, PASSWORD_SENT_LENGTH_MAX, TOKEN_LENGTH_MAX
from holdfast.core.openapi.headers import headers_of
from holdfast.core.openapi.record import build_answer
from holdfast.core.openapi.response import ANY, BODY, JSON, refer_errors
from holdfast.core.openapi.schema import WITHOUT_NUL, Schema, build_object, nullable, refer, refer_parameters
from holdfast.core.routes import Action, Route
from holdfast.model.catalog import Catalog

_TAG = "Accounts"


def _text(length_max: int, length_min: int = 1, **more: object) -> Schema:
    return {"type": "string", "minLength": length_min, "maxLength": length_max, **WITHOUT_NUL, **more}


_EMAIL: Schema = {"type": "string", "format": "email", "maxLength": EMAIL_LENGTH_MAX}
_KNOWN_PASSWORD = _text(PASSWORD_SENT_LENGTH_MAX)
_NEW_PASSWORD = _text(PASSWORD_LENGTH_MAX, 8, description="15 characters at least, unless the service says otherwise.")
_CODE = _text(CODE_LENGTH_MAX)
_TOKEN = _text(TOKEN_LENGTH_MAX)
_MAYBE_TOKEN = nullable(_TOKEN)
_MAYBE_PASSWORD = nullable(_KNOWN_PASSWORD)
_COOKIE: Schema = {"type": "boolean", "description": "The token goes into a cookie, not into the answer; where cookies are in use."}

_NOTHING: Schema = {"type": "null"}
_AT: Schema = {"type": ["string", "null"], "format": "date-time"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}

_PAIR = build_object(
    {
        "access_token": _MAYBE_TOKEN | {"description": "To be sent as `Authorization: Bearer`; it ends soon."},
        "refresh_token": _MAYBE_TOKEN | {"description": "To be traded once for new tokens, before it ends."},
        "expires_in": {"type": "integer", "minimum": 1, "description": "Seconds for which the access token lasts."},
        "token_type": {"type": "string", "enum": ["Bearer", "Cookie"]},
    }
)
_SESSION = build_object(
    {
        "id": {"type": "string", "format": "uuid"},
        "kind": {"type": "string", "enum": ["login", "key"]},
        "name": _MAYBE_TEXT | {"description": "Of a key."},
        "current": {"type": "boolean", "description": "Whether this request was made with it."},
        "created_at": {"type": "string", "format": "date-time"},
        "seen_at": _AT | {"description": "When it was last used, to about a minute."},
        "expires_at": _AT | {"description": "When it ends unless it is refreshed; null: never."},
        "agent": _MAYBE_TEXT | {"description": "What the client called itself."},
        "address": _MAYBE_TEXT,
    }
)
_SESSIONS: Schema = {"type": "array", "items": _SESSION, "maxItems": SESSIONS_LISTED_MAX}
_RECOVERY_CODES: Schema = {"type": "array", "items": _text(64), "minItems": 10, "maxItems": 10}


class _Operation(NamedTuple):
    """What is told of one route. `body` and `data` are schemas; `errors` come beside those of every route.

    tagged   its answer has an ETag, and can be asked for by If-None-Match
    cookies  its answer sets or takes away the session cookie, where there are any
    """

    name: str
    summary: str
    errors: tuple[int, ...]
    body: Schema | None = None
    data: Schema = _NOTHING
    description: str | None = None
    tagged: bool = False
    cookies: bool = False


_SIGNING_IN = {
    Action.LOGIN: _Operation(
        "sign_in",
        "Sign in by e-mail address and password",
        (401, *BODY),
        build_object(
            {
                "email": _EMAIL,
                "password": _KNOWN_PASSWORD,
                "totp": nullable(_CODE) | {"description": "A code of the second factor."},
                "cookie": _COOKIE,
            },
            ("email", "password"),
        ),
        _PAIR,
        "Limited for each account and address.",
        cookies=True,
    ),
    Action.REFRESH: _Operation(
        "refresh_session",
        "Trade a refresh token for new tokens",
        (401, *BODY),
        build_object({"refresh_token": _TOKEN}),
        _PAIR,
        "Each works once. One that is used again, later than by a retry, ends its session: somebody has a copy.",
    ),
    Action.LOGOUT: _Operation(
        "sign_out",
        "End the session of the token that is sent",
        (401, 403, *BODY),
        description="A key is no sign-in: 403.",
        cookies=True,
    ),
}
_OWN_ACCOUNT = {
    Action.PASSWORD: _Operation(
        "change_password",
        "Change one's password; every other session ends",
        (401, 409, *BODY),
        build_object({"current": _KNOWN_PASSWORD, "new": _NEW_PASSWORD}),
    ),
    Action.SESSIONS: _Operation("list_sessions", "List one's living sessions, newest first", (401,), data=_SESSIONS),
    Action.REVOKE_SESSION: _Operation("revoke_session", "End one of one's sessions", (401, 404, 415)),
}
_BY_MAIL = {
    Action.REGISTER: _Operation(
        "register",
        "Ask for an account; a token is mailed to its address",
        BODY,
        build_object({"email": _EMAIL, "password": _NEW_PASSWORD}) | {"additionalProperties": True},
        description="The answer is the same whether the address has an account or not. "
        "Fields of users that anyone may give can be sent too.",
    ),
    Action.VERIFY_EMAIL: _Operation(
        "verify_email",
        "Show that an e-mail address is one's own, by the token that was mailed to it",
        (401, 409, *BODY),
        build_object({"token": _MAYBE_TOKEN, "password": _MAYBE_PASSWORD}, ()),
        description="Without a token, one is mailed to who is signed in. A password needs the token, and must be that of the account. "
        "Where several registered with one address, it is required.",
    ),
    Action.RESET: _Operation(
        "ask_reset",
        "Have a token mailed with which a new password can be chosen",
        BODY,
        build_object({"email": _EMAIL}),
        description="The answer is the same whether there is such an account or not.",
    ),
    Action.CONFIRM_RESET: _Operation(
        "confirm_reset",
        "Choose a new password by the token that was mailed; every session ends",
        (401, 409, *BODY),
        build_object({"token": _TOKEN, "password": _NEW_PASSWORD}),
    ),
}
_SECOND_FACTOR = {
    Action.ENROL_TOTP: _Operation(
        "enrol_totp",
        "Get a secret for an authenticator; it counts once it is confirmed",
        (401, 409, *BODY),
        build_object({"password": _KNOWN_PASSWORD}),
        build_object({"secret": _text(64), "uri": {"type": "string", "format": "uri"}}),
    ),
    Action.CONFIRM_TOTP: _Operation(
        "confirm_totp",
        "Confirm the authenticator by its first code; sign-ins need one from then on",
        (401, *BODY),
        build_object({"totp": _CODE}),
        build_object({"recovery_codes": _RECOVERY_CODES}),
        "The recovery codes are shown once; each works once, in the place of a code.",
    ),
    Action.DISABLE_TOTP: _Operation(
        "disable_totp",
        "Take the second factor away",
        (401, *BODY),
        build_object({"password": _KNOWN_PASSWORD, "totp": _CODE}),
    ),
}
_OPERATIONS = _SIGNING_IN | _OWN_ACCOUNT | _BY_MAIL | _SECOND_FACTOR


def build_account_operation(catalog: Catalog, route: Route, *, cookies: bool) -> Schema | None:
    """The operation of a route of accounts; None if it is none. `cookies`: sessions can be in cookies."""
    match route.action:
        case Action.OIDC_START:
            return _start_oidc()
        case Action.OIDC_CALLBACK:
            return _finish_oidc(cookies=cookies)
        case Action.ME:
            return _build(route, _read_me(catalog), cookies=cookies)
        case action:
            return _build(route, _OPERATIONS[action], cookies=cookies) if action in _OPERATIONS else None


def _read_me(catalog: Catalog) -> _Operation:
    user = _NOTHING if catalog.users is None else refer(catalog.users.name)
    return _Operation("read_me", "Read one's own record", (401,), data=user, tagged=True)


def _build(route: Route, told: _Operation, *, cookies: bool) -> Schema:
    names = [*(["id"] if "{id}" in route.template else []), *(["if-none-match"] if told.tagged else []), "x-request-id"]
    body = {} if told.body is None else {"requestBody": {"required": True, "content": {JSON: {"schema": told.body}}}}
    headers = headers_of(*(["ETag"] if told.tagged else []), *(["Set-Cookie"] if told.cookies and cookies else []))
    return {
        "operationId": told.name,
        "tags": [_TAG],
        "summary": told.summary,
        **({} if told.description is None else {"description": told.description}),
        "parameters": refer_parameters(*names),
        **body,
        "responses": {
            "200": _answer(told.summary + ".", told.data, headers),
            **({"304": refer("unchanged", "responses")} if told.tagged else {}),
            **refer_errors(*ANY, *told.errors),
        },
    }


_PROVIDER: Schema = {"name": "provider", "in": "path", "required": True, "description": "Its name in the settings.", "schema": _text(32)}
_PLACE: Schema = {"schema": {"type": "string", "format": "uri", "maxLength": URL_BYTES_MAX}}


def _start_oidc() -> Schema:
    summary = "Go to an OpenID provider to sign in"
    moved = _answer(summary + ".", _NOTHING, headers_of("Set-Cookie") | {"Location": _PLACE})
    return _build_oidc("start_oidc", summary, {"cookie": _COOKIE}, {"302": moved, **refer_errors(*ANY, 404, 422)})


def _finish_oidc(*, cookies: bool) -> Schema:
    summary = "Come back from an OpenID provider, signed in"
    sent: dict[str, Schema] = dict.fromkeys(("state", "code", "iss", "error"), _text(OIDC_PARAMETER_LENGTH_MAX))
    done = _answer(summary + ".", _PAIR, headers_of("Set-Cookie"))
    moved = _answer(summary + " by cookie: on to the app.", _PAIR, headers_of("Set-Cookie") | {"Location": _PLACE})
    answers = {"200": done, **({"303": moved} if cookies else {}), **refer_errors(*ANY, 401, 404)}
    return _build_oidc("finish_oidc", summary, sent, answers)


def _build_oidc(name: str, summary: str, asked: dict[str, Schema], responses: Schema) -> Schema:
    query = [{"name": each, "in": "query", "description": f"The {each} of the sign-in.", "schema": kind} for each, kind in asked.items()]
    return {
        "operationId": name,
        "tags": [_TAG],
        "summary": summary,
        "parameters": [_PROVIDER, *query, *refer_parameters("x-request-id")],
        "responses": responses,
    }


def _answer(description: str, data: Schema, headers: Schema) -> Schema:
    return {"description": description, "headers": headers, "content": {JSON: {"schema": build_answer(data)}}}
