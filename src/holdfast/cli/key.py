"""`holdfast key`: API keys, for programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.options import app_option, data_options, json_option, write_json
from holdfast.cli.roster import check_roles, load_catalog, read_members, role_option, set_option, with_roster

if TYPE_CHECKING:
    from holdfast.engine.auth.roster import Roster

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hd])\Z")
_HOURS = {"h": 1, "d": 24}


@click.group("key")
def command() -> None:
    """Add, list and revoke API keys. It works beside a running server."""


@command.command("add")
@click.argument("name")
@role_option
@set_option
@click.option("--expires", metavar="90d", help="When it ends, in days (90d) or hours (12h).  [default: never]")
@app_option
@data_options
@json_option
def add(name: str, roles: tuple[str, ...], members: tuple[str, ...], expires: str | None, *, as_json: bool, **flags: str | None) -> int:
    """Make a key and print it, once: only a hash of it is kept.

    It acts as a user of its own, <name>@key.invalid, who has these roles and no password.
    """
    if not _NAME.match(name):
        raise click.BadParameter("A name has 1 to 63 of a-z, 0-9, _ and -.", param_hint="NAME")
    catalog = load_catalog(flags)
    check_roles(catalog, roles)
    more, hours = read_members(catalog, members), _read_span(expires)
    text = with_roster("key-add", lambda roster: _add(roster, name, roles, hours, more), flags, create=True)
    if as_json:
        write_json({"name": name, "roles": list(roles), "key": text})
    else:
        click.echo(text)
        click.echo("Keep it now: it is not shown again. Send it as `Authorization: Bearer`.", err=True)
    return 0


@command.command("list")
@app_option
@data_options
@json_option
def list_keys(*, as_json: bool, **flags: str | None) -> int:
    """List every living key with its roles, its end and its last use."""
    keys = with_roster("key-list", _collect, flags)
    if as_json:
        write_json(keys)
        return 0
    for each in keys:
        click.echo(
            f"{each['name']}  {', '.join(each['roles']) or '-'}  expires {each['expires_at'] or 'never'}  used {each['seen_at'] or 'never'}"
        )
    return 0


@command.command("revoke")
@click.argument("name")
@app_option
@data_options
@json_option
def revoke(name: str, *, as_json: bool, **flags: str | None) -> int:
    """End a key, from the next request on."""
    with_roster("key-revoke", lambda roster: roster.revoke_key(name), flags)
    if as_json:
        write_json({"name": name, "revoked": True})
    else:
        click.echo(f"Revoked {name}.")
    return 0


async def _add(roster: Roster, name: str, roles: tuple[str, ...], hours: int | None, more: dict[str, Any]) -> str:
    return await roster.add_key(name, roles, roster.after_hours(hours), more)


async def _collect(roster: Roster) -> list[dict[str, Any]]:
    from holdfast.base.instant import format_instant  # noqa: PLC0415 - heavy for `--help`

    return [
        {
            "name": each.name,
            "roles": roster.roles_of(each),
            "created_at": format_instant(each.created_at),
            "expires_at": None if each.expires_at is None else format_instant(each.expires_at),
            "seen_at": None if each.seen_at is None else format_instant(each.seen_at),
        }
        for each in roster.list_keys()
    ]


def _read_span(text: str | None) -> int | None:
    if text is None:
        return None
    found = _SPAN.match(text)
    if not found:
        raise click.BadParameter("Write days as 90d, hours as 12h.", param_hint="--expires")
    return int(found[1]) * _HOURS[found[2]]
