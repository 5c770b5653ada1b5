"""Settings: `holdfast.toml`, then `HOLDFAST_*`, then flags; the later wins.

Every setting has one name: `rate_limit` in the file, `HOLDFAST_RATE_LIMIT` in the environment, `--rate-limit` where a command has the
flag. An unknown name or an unfit value is an error that says where it stands. Secrets never show in a repr or a report.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from holdfast.base.errors import Misconfigured
from holdfast.base.hint import suggest
from holdfast.base.limits import PASSWORD_LENGTH_MIN
from holdfast.core.cors import is_origin
from holdfast.core.forwarding import parse_network

FILE = "holdfast.toml"
PREFIX = "HOLDFAST_"
"""Before the name of every variable. With two underscores (HOLDFAST__SLOT) it is the house's own, from a parent process to its workers."""

Rate = Annotated[str, msgspec.Meta(pattern=r"^([1-9][0-9]{0,8}/(second|minute|hour)|off)$")]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One OpenID provider: [oidc.NAME]."""

    issuer: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s?#]+$")]
    client_id: Annotated[str, msgspec.Meta(min_length=1)]
    client_secret: Annotated[str, msgspec.Meta(min_length=1)]
    scopes: Annotated[str, msgspec.Meta(pattern=r"^(.* )?openid( .*)?$")] = "openid email"

    def __repr__(self) -> str:
        return f"OidcSettings({self.issuer})"


ProviderName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting with its default.

    app              the Backend: file.py or module:attribute
    host, port       where to listen; port 0 takes a free one; default port: $PORT, else 8000
    workers          processes that serve
    data             the folder of the database, the key, logs and backups
    database         a database URL; None: SQLite at <data>/holdfast.db
    key, key_file    the master key where it is not <data>/key (several nodes)
    rate_limit       requests a caller may make: "600/minute", "off"
    login_rate_limit the same for signing in
    password_length_min  characters of a new password
    cookies          browsers may sign in by a session cookie
    smtp             what sends mail: smtp://user:password@host:587, smtps://host:465
    mail_from        the sender of mail
    app_url          where the pages are that mails lead to
    oidc             OpenID providers by name, where users may sign in
    cors_origins     origins that a browser may call from, exact
    trusted_proxies  addresses or networks whose forwarding headers count
    metrics_token    bearer token for /metrics from elsewhere than loopback
    docs             who may read /docs and /openapi.json
    query_method     lists also answer the method QUERY
    journal_days     how long entries of the journal are kept that say nothing of today; None: always
    log              how requests are logged: "json" lines, "text" for people, "auto": text in `dev` on a terminal
    """

    app: str = "app.py"
    host: str = "127.0.0.1"
    port: Port = 8000
    workers: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    data: Path = Path("data")
    database: str | None = None
    key: str | None = None
    key_file: Path | None = None
    rate_limit: Rate = "600/minute"
    login_rate_limit: Rate = "10/minute"
    password_length_min: Annotated[int, msgspec.Meta(ge=8, le=64)] = PASSWORD_LENGTH_MIN
    cookies: bool = False
    smtp: Annotated[str, msgspec.Meta(pattern=r"^smtps?://[^\s/]+/?$")] | None = None
    mail_from: Annotated[str, msgspec.Meta(pattern=r"^[^\s@]+@[^\s@]+$")] = "holdfast@localhost"
    app_url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s#?]+$")] | None = None
    oidc: dict[ProviderName, OidcSettings] = {}  # msgspec copies an empty default
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    metrics_token: Annotated[str, msgspec.Meta(min_length=16)] | None = None
    docs: Literal["anyone", "signed_in", "off"] = "anyone"
    query_method: bool = False
    journal_days: Annotated[int, msgspec.Meta(ge=2, le=36_500)] | None = None
    log: Literal["auto", "json", "text"] = "auto"

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in show_settings(self).items())})"


SECRETS = frozenset({"key", "metrics_token", "smtp"})
_OIDC = tuple(each.name for each in msgspec.structs.fields(OidcSettings))

_TYPES: Mapping[str, Any] = {each.name: each.type for each in msgspec.structs.fields(Settings)}
_LISTS = frozenset({"cors_origins", "trusted_proxies"})
_URL_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@\s]*@")


@dataclass(frozen=True, slots=True)
class Given:
    """One setting as it was given: its name, its value once checked, and where it stands ("holdfast.toml", "HOLDFAST_PORT", "--port")."""

    name: str
    value: Any
    source: str


def read_settings(*, folder: Path, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Settings:
    """Read every source and build the settings; flags that are None were not given.

    Raises Misconfigured for an unknown name (with the nearest one) and for an unfit value.
    """
    return build_settings(list_given(folder=folder, environ=environ, flags=flags or {}))


def list_given(*, folder: Path, environ: Mapping[str, str], flags: Mapping[str, Any]) -> tuple[Given, ...]:
    """Everything that was given, the weakest source first."""
    return (*_from_platform(environ), *_from_project(folder), *_from_file(folder / FILE), *_from_environ(environ), *_from_flags(flags))


def build_settings(given: tuple[Given, ...]) -> Settings:
    """The settings that follow: for each name the last value given, else its default."""
    return Settings(**{each.name: each.value for each in given})


def show_settings(settings: Settings) -> dict[str, Any]:
    """Every setting as text that may be shown: secrets and passwords in URLs are cut out."""
    return {name: _show(name, getattr(settings, name)) for name in _TYPES}


def _show(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in SECRETS:
        return "***"
    if name == "oidc":
        return {each: provider.issuer for each, provider in value.items()}
    if isinstance(value, Path):
        return str(value)
    return _URL_PASSWORD.sub(r"\1:***@", value) if name == "database" else value


def _from_platform(environ: Mapping[str, str]) -> Iterator[Given]:
    """$PORT, as platforms set it, stands in for the default port alone."""
    if environ.get("PORT"):
        yield _check("port", environ["PORT"], "PORT")


def _from_project(folder: Path) -> Iterator[Given]:
    """`app` under [tool.holdfast] in pyproject.toml."""
    path = folder / "pyproject.toml"
    table = _read_toml(path).get("tool", {}).get("holdfast", {}) if path.is_file() else {}
    for name, value in table.items():
        if name != "app":
            raise Misconfigured(f"pyproject.toml: tool.holdfast.{name}", "Only `app` is read here.", f"Move it to {FILE}.")
        yield _check(name, value, "pyproject.toml")


def _from_file(path: Path) -> Iterator[Given]:
    for name, value in (_read_toml(path) if path.is_file() else {}).items():
        _check_name(name, f"{FILE}: {name}", tuple(_TYPES))
        for provider, members in value.items() if name == "oidc" and isinstance(value, dict) else ():
            for each in members if isinstance(members, dict) else ():
                _check_name(each, f"{FILE}: oidc.{provider}.{each}", _OIDC)
        yield _check(name, value, FILE)


def _from_environ(environ: Mapping[str, str]) -> Iterator[Given]:
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or not environ[variable] or _is_not_ours(variable, environ[variable]):
            continue
        name = variable.removeprefix(PREFIX).lower()
        _check_name(name.upper(), variable, tuple(map(str.upper, _TYPES)), prefix=PREFIX)
        yield _check(name, _split_list(name, environ[variable]), variable)


def _is_not_ours(variable: str, value: str) -> bool:
    """The house's own variables, and those that Kubernetes sets in every pod beside a service that is named `holdfast`."""
    rest = variable.removeprefix(PREFIX)
    return rest.startswith(("_", "SERVICE_", "PORT_")) or (rest == "PORT" and value.startswith(("tcp://", "udp://", "sctp://")))


def _from_flags(flags: Mapping[str, Any]) -> Iterator[Given]:
    for name, value in flags.items():
        if value is not None:
            yield _check(name, value, f"--{name.replace('_', '-')}")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(path.name, f"It is not valid TOML: {error}.", "Correct this line.") from None
    except OSError as error:
        raise Misconfigured(path.name, f"It cannot be read ({error.strerror}).", "Let this user read it.") from None


def _check_name(name: str, place: str, known: tuple[str, ...], *, prefix: str = "") -> None:
    if name not in known:
        raise Misconfigured(place, "This setting is unknown.", suggest(name, known, prefix=prefix))


def _split_list(name: str, text: str) -> Any:
    return [each.strip() for each in text.split(",") if each.strip()] if name in _LISTS else text


def _check(name: str, value: Any, source: str) -> Given:
    """Turn a value into its setting's type. Text from the environment becomes a number or bool; a TOML value keeps its type."""
    place = f"{source}: {name}" if source.endswith(".toml") else source
    try:
        converted = msgspec.convert(value, _TYPES[name], strict=source.endswith(".toml"), dec_hook=_read_path)
        _check_value(name, converted)
        return Given(name, converted, source)
    except (msgspec.ValidationError, TypeError, ValueError):
        shown = "this value" if name in SECRETS or name == "oidc" else repr(_show(name, value))
        raise Misconfigured(place, f"It cannot be {shown}.", _MENDS.get(name, "Give a text.")) from None


def _check_value(name: str, value: Any) -> None:
    """Judge what no type can: ValueError for an origin or a network that is none."""
    if name == "trusted_proxies":
        for each in value:
            parse_network(each)
    if name == "cors_origins" and not all(map(is_origin, value)):
        raise ValueError("not an origin")


def _read_path(_type: type[Any], value: object) -> Path:
    if not isinstance(value, str):
        raise TypeError
    return Path(value).expanduser()


_MENDS: Mapping[str, str] = {
    "port": "Give a number from 0 to 65535; 0 takes a free port.",
    "workers": "Give a number from 1 to 256.",
    "rate_limit": 'Write it as "600/minute" (second, minute or hour), or "off".',
    "login_rate_limit": 'Write it as "10/minute" (second, minute or hour), or "off".',
    "cookies": "Give true or false.",
    "smtp": "Write it as smtp://user:password@host:587, or smtps://host:465.",
    "mail_from": "Give an e-mail address.",
    "app_url": "Give a web address, as https://app.example.org.",
    "oidc": "Give each [oidc.NAME] an issuer (https://...), a client_id and a client_secret; NAME has lower-case letters, digits, `-`.",
    "password_length_min": "Give a number from 8 to 64.",
    "docs": 'Choose "anyone", "signed_in" or "off".',
    "log": 'Choose "auto", "json" or "text".',
    "journal_days": "Give a number from 2 to 36500, or leave it out: then everything is kept.",
    "query_method": "Give true or false.",
    "metrics_token": "Give at least 16 characters.",
    "cors_origins": "Give a list of origins as browsers send them, as https://example.org: lower case, no path, no `*`.",
    "trusted_proxies": "Give a list of addresses or networks, as 10.0.0.7 or 10.0.0.0/8.",
}
