"""`holdfast user`: who can sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.options import app_option, data_options, json_option, write_json
from holdfast.cli.roster import ask_password, check_address, check_roles, load_catalog, read_members, role_option, set_option, with_roster

if TYPE_CHECKING:
    from holdfast.engine.auth.roster import Roster


@click.group("user")
def command() -> None:
    """Add, list, change and revoke users. It works beside a running server."""


@command.command("add")
@click.argument("email")
@role_option
@set_option
@click.option("--no-password", is_flag=True, help="For who signs in at another provider, or by a link to set one.")
@app_option
@data_options
@json_option
def add(email: str, roles: tuple[str, ...], members: tuple[str, ...], *, no_password: bool, as_json: bool, **flags: str | None) -> int:
    """Add a user. The password is asked for, or read from standard input: never from the command line, which others can see."""
    catalog = load_catalog(flags)
    check_address(catalog, email)
    check_roles(catalog, roles)
    more = read_members(catalog, members)
    password = None if no_password else ask_password("Write the password to it, or give --no-password.")
    made = with_roster("user-add", lambda roster: roster.add_user(email, password, roles, more), flags, create=True)
    return _tell(made, "Added", as_json=as_json)


@command.command("list")
@app_option
@data_options
@json_option
def list_users(*, as_json: bool, **flags: str | None) -> int:
    """List every user with their roles."""
    users = with_roster("user-list", _collect, flags)
    if as_json:
        write_json(users)
        return 0
    for each in users:
        state = "" if each["active"] else "  (revoked)"
        click.echo(f"{each['email']}  {', '.join(each['roles']) or '-'}{state}")
    return 0


@command.command("revoke")
@click.argument("email")
@app_option
@data_options
@json_option
def revoke(email: str, *, as_json: bool, **flags: str | None) -> int:
    """Take a user the right to sign in, and end every session of theirs. Their records stay."""
    return _tell(_change("user-revoke", email, {"active": False}, flags), "Revoked", as_json=as_json)


@command.command("restore")
@click.argument("email")
@app_option
@data_options
@json_option
def restore(email: str, *, as_json: bool, **flags: str | None) -> int:
    """Let a revoked user sign in again."""
    return _tell(_change("user-restore", email, {"active": True}, flags), "Restored", as_json=as_json)


@command.command("password")
@click.argument("email")
@app_option
@data_options
@json_option
def password(email: str, *, as_json: bool, **flags: str | None) -> int:
    """Give a user a new password, and end every session of theirs."""
    new = ask_password("Write the new password to it.")
    return _tell(_change("user-password", email, {"password": new}, flags), "New password for", as_json=as_json)


@command.command("role")
@click.argument("email")
@role_option
@app_option
@data_options
@json_option
def role(email: str, roles: tuple[str, ...], *, as_json: bool, **flags: str | None) -> int:
    """Give a user exactly these roles; without --role, none."""
    check_roles(load_catalog(flags), roles)
    return _tell(_change("user-role", email, {"roles": list(roles)}, flags), "Changed", as_json=as_json)


async def _collect(roster: Roster) -> list[dict[str, Any]]:
    from holdfast.model.user import is_key_address  # noqa: PLC0415 - heavy for `--help`

    return [each async for each in roster.users() if not is_key_address(each["email"])]


def _change(name: str, email: str, changes: dict[str, Any], flags: dict[str, str | None]) -> dict[str, Any]:
    return with_roster(name, lambda roster: roster.change(email, changes), flags)


def _tell(user: dict[str, Any], done: str, *, as_json: bool) -> int:
    if as_json:
        write_json(user)
    else:
        click.echo(f"{done} {user['email']} (roles: {', '.join(user['roles']) or 'none'}).")
    return 0
