"""The operations of accounts: signing in, one's own record, password and sessions."""

from typing import NamedTuple

from holdfast.base.limits import PASSWORD_LENGTH_MAX, SESSIONS_LISTED_MAX
from holdfast.core.account_bodies import CODE_LENGTH_MAX, PASSWORD_SENT_LENGTH_MAX, TOKEN_LENGTH_MAX
from holdfast.core.openapi.headers import headers_of
from holdfast.core.openapi.record import build_answer
from holdfast.core.openapi.response import JSON, error_name
from holdfast.core.openapi.schema import WITHOUT_NUL, Schema, nullable, refer
from holdfast.core.routes import Action, Route
from holdfast.model.catalog import Catalog

_TAG = "Accounts"
_ANY = (400, 406, 408, 413, 414, 429, 431, 500, 503)
_BODY = (415, 422)


class _Operation(NamedTuple):
    """What is told of one route. `body` and `data` are schemas; `errors` come beside those of every route.

    tagged   its answer has an ETag, and can be asked for by If-None-Match
    cookies  its answer sets or takes away the session cookie, where there are any
    """

    name: str
    summary: str
    errors: tuple[int, ...]
    data: Schema
    body: Schema | None = None
    description: str | None = None
    tagged: bool = False
    cookies: bool = False


def _text(length_max: int, length_min: int = 1, **more: object) -> Schema:
    return {"type": "string", "minLength": length_min, "maxLength": length_max, **WITHOUT_NUL, **more}


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_EMAIL: Schema = {"type": "string", "format": "email", "maxLength": 254}
_KNOWN_PASSWORD = _text(PASSWORD_SENT_LENGTH_MAX)
_NEW_PASSWORD = _text(PASSWORD_LENGTH_MAX, 8, description="15 characters at least, unless the service says otherwise.")
_CODE = nullable(_text(CODE_LENGTH_MAX)) | {"description": "A code of the second factor."}
_TOKEN = _text(TOKEN_LENGTH_MAX)
_MAYBE_TOKEN = nullable(_TOKEN)
_NOTHING: Schema = {"type": "null"}
_AT: Schema = {"type": ["string", "null"], "format": "date-time"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}

_COOKIE: Schema = {"type": "boolean", "description": "The token goes into a cookie, not into the answer; where cookies are in use."}

_PAIR = _object(
    {
        "access_token": _MAYBE_TOKEN | {"description": "To be sent as `Authorization: Bearer`; it ends soon."},
        "refresh_token": _MAYBE_TOKEN | {"description": "To be traded once for new tokens, before it ends."},
        "expires_in": {"type": "integer", "minimum": 1, "description": "Seconds for which the access token lasts."},
        "token_type": {"type": "string", "enum": ["Bearer", "Cookie"]},
    }
)
_SESSION = _object(
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


def _operations(catalog: Catalog) -> dict[Action, _Operation]:
    user = refer(catalog.users.name) if catalog.users is not None else _NOTHING
    sign_in = _object({"email": _EMAIL, "password": _KNOWN_PASSWORD}, {"totp": _CODE, "cookie": _COOKIE})
    sessions: Schema = {"type": "array", "items": _SESSION, "maxItems": SESSIONS_LISTED_MAX}
    return {
        Action.LOGIN: _Operation(
            "sign_in",
            "Sign in by e-mail address and password",
            (401, *_BODY),
            _PAIR,
            sign_in,
            "Limited for each account and address.",
            cookies=True,
        ),
        Action.REFRESH: _Operation(
            "refresh_session",
            "Trade a refresh token for new tokens",
            (401, *_BODY),
            _PAIR,
            _object({"refresh_token": _TOKEN}),
            "Each works once. One that is used again, later than by a retry, ends its session: somebody has a copy.",
        ),
        Action.LOGOUT: _Operation(
            "sign_out",
            "End the session of the token that is sent",
            (401, 403, *_BODY),
            _NOTHING,
            description="A key is no sign-in: 403.",
            cookies=True,
        ),
        Action.ME: _Operation("read_me", "Read one's own record", (401,), user, tagged=True),
        Action.PASSWORD: _Operation(
            "change_password",
            "Change one's password; every other session ends",
            (401, 409, *_BODY),
            _NOTHING,
            _object({"current": _KNOWN_PASSWORD, "new": _NEW_PASSWORD}),
        ),
        Action.SESSIONS: _Operation("list_sessions", "List one's living sessions, newest first", (401,), sessions),
        Action.REVOKE_SESSION: _Operation("revoke_session", "End one of one's sessions", (401, 404, 415), _NOTHING),
        Action.REGISTER: _Operation(
            "register",
            "Ask for an account; a token is mailed to its address",
            _BODY,
            _NOTHING,
            _object({"email": _EMAIL, "password": _NEW_PASSWORD}) | {"additionalProperties": True},
            "The answer is the same whether the address has an account or not. Fields of users that anyone may give can be sent too.",
        ),
        Action.VERIFY_EMAIL: _Operation(
            "verify_email",
            "Show that an e-mail address is one's own, by the token that was mailed to it",
            (401, 409, *_BODY),
            _NOTHING,
            _object({}, {"token": _MAYBE_TOKEN}),
            "Without a token, one is mailed to who is signed in.",
        ),
        Action.RESET: _Operation(
            "ask_reset",
            "Have a token mailed with which a new password can be chosen",
            _BODY,
            _NOTHING,
            _object({"email": _EMAIL}),
            "The answer is the same whether there is such an account or not.",
        ),
        Action.CONFIRM_RESET: _Operation(
            "confirm_reset",
            "Choose a new password by the token that was mailed; every session ends",
            (401, 409, *_BODY),
            _NOTHING,
            _object({"token": _TOKEN, "password": _NEW_PASSWORD}),
        ),
        Action.ENROL_TOTP: _Operation(
            "enrol_totp",
            "Get a secret for an authenticator; it counts once it is confirmed",
            (401, 409, *_BODY),
            _object({"secret": _text(64), "uri": {"type": "string", "format": "uri"}}),
            _object({"password": _KNOWN_PASSWORD}),
        ),
        Action.CONFIRM_TOTP: _Operation(
            "confirm_totp",
            "Confirm the authenticator by its first code; sign-ins need one from then on",
            (401, *_BODY),
            _object({"recovery_codes": {"type": "array", "items": _text(64), "minItems": 10, "maxItems": 10}}),
            _object({"totp": _text(CODE_LENGTH_MAX)}),
            "The recovery codes are shown once; each works once, in the place of a code.",
        ),
        Action.DISABLE_TOTP: _Operation(
            "disable_totp",
            "Take the second factor away",
            (401, *_BODY),
            _NOTHING,
            _object({"password": _KNOWN_PASSWORD, "totp": _text(CODE_LENGTH_MAX)}),
        ),
    }


def build_account_operation(catalog: Catalog, route: Route, *, cookies: bool) -> Schema | None:
    """The operation of a route of accounts; None if it is none. `cookies`: sessions can be in cookies."""
    if route.action in _OIDC:
        return _build_oidc(route, cookies=cookies)
    told = _operations(catalog).get(route.action)
    if told is None:
        return None
    names = [*(["id"] if "{id}" in route.template else []), *(["if-none-match"] if told.tagged else []), "x-request-id"]
    body = {} if told.body is None else {"requestBody": {"required": True, "content": {JSON: {"schema": told.body}}}}
    headers = headers_of(*(["ETag"] if told.tagged else []), *(["Set-Cookie"] if told.cookies and cookies else []))
    done = {"description": told.summary + ".", "headers": headers, "content": {JSON: {"schema": build_answer(told.data)}}}
    errors = sorted((*_ANY, *told.errors))
    return {
        "operationId": told.name,
        "tags": [_TAG],
        "summary": told.summary,
        **({} if told.description is None else {"description": told.description}),
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in names],
        **body,
        "responses": {
            "200": done,
            **({"304": {"$ref": "#/components/responses/unchanged"}} if told.tagged else {}),
            **{str(each): {"$ref": f"#/components/responses/{error_name(each)}"} for each in errors},
        },
    }


_PLACE: Schema = {"type": "string", "format": "uri", "maxLength": 8_192}
_OIDC = frozenset({Action.OIDC_START, Action.OIDC_CALLBACK})


def _build_oidc(route: Route, *, cookies: bool) -> Schema:
    starts = route.action is Action.OIDC_START
    summary = "Go to an OpenID provider to sign in" if starts else "Come back from an OpenID provider, signed in"
    asked: dict[str, Schema] = {"cookie": _COOKIE} if starts else {each: _text(2_048) for each in ("state", "code", "iss", "error")}
    provider = {"name": "provider", "in": "path", "required": True, "description": "Its name in the settings.", "schema": _text(32)}
    query = [{"name": name, "in": "query", "description": f"The {name} of the sign-in.", "schema": each} for name, each in asked.items()]
    headers = headers_of("Set-Cookie")
    content = {JSON: {"schema": build_answer(_NOTHING if starts else _PAIR)}}
    done: Schema = {"description": summary + ".", "headers": headers, "content": content}
    moved = done | {"headers": {**headers, "Location": {"schema": _PLACE}}}
    if starts:
        answers = {"302": moved}
    else:
        by_cookie = {"303": moved | {"description": summary + " by cookie: on to the app."}}
        answers = {"200": done, **(by_cookie if cookies else {})}
    errors = sorted((*_ANY, 404, *((422,) if starts else (401,))))
    return {
        "operationId": "start_oidc" if starts else "finish_oidc",
        "tags": [_TAG],
        "summary": summary,
        "parameters": [provider, *query, {"$ref": "#/components/parameters/x-request-id"}],
        "responses": {
            **answers,
            **{str(each): {"$ref": f"#/components/responses/{error_name(each)}"} for each in errors},
        },
    }
