"""What `holdfast user` and `holdfast key` share: the roster of an app's database, roles, and members that a derived User asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from holdfast.cli.failure import tell_warning
from holdfast.cli.options import asking, build_unanswered, read_command_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from holdfast.engine.auth.roster import Roster
    from holdfast.model.catalog import Catalog

Value = TypeVar("Value")
Command = TypeVar("Command", bound=Callable[..., Any])


def role_option(command: Command) -> Command:
    """--role R, as often as there are roles."""
    return click.option("--role", "roles", multiple=True, metavar="ROLE", help="What they may do: a role of the rules, or admin.")(command)


def set_option(command: Command) -> Command:
    """--set MEMBER=VALUE, for the fields of a derived User."""
    return click.option("--set", "members", multiple=True, metavar="MEMBER=VALUE", help="A field of your own User class.")(command)


def load_catalog(flags: Mapping[str, Any]) -> Catalog:
    """The catalog of the app that the flags name."""
    from holdfast.find import load_backend  # noqa: PLC0415 - heavy for `--help`

    return load_backend(read_command_settings(**flags).app).catalog


def with_roster(name: str, work: Callable[[Roster], Awaitable[Value]], flags: Mapping[str, Any], *, create: bool = False) -> Value:
    """Do some work on the roster, beside whatever serves the database.

    name    stands in the journal as the request id
    create  make the database where there is none, and say which one it is: a server on another knows nothing of what is added here
    """
    import asyncio  # noqa: PLC0415 - heavy for `--help`

    from holdfast.app.accounts import open_roster  # noqa: PLC0415 - heavy for `--help`
    from holdfast.app.store import find_database, find_loss  # noqa: PLC0415 - heavy for `--help`

    settings = read_command_settings(**flags)
    catalog = load_catalog(flags)
    path, was_there = find_database(settings)
    lost = find_loss(settings) if create else ()

    async def run() -> Value:
        async with open_roster(settings, catalog, request_id=name, create=create) as roster:
            if create:
                for warning in lost:
                    tell_warning(warning)
                click.echo(f"Database: {path}" if was_there else f"Database: {path}, made now: there was none.", err=True)
            return await work(roster)

    return asyncio.run(run())


def check_roles(catalog: Catalog, roles: Sequence[str]) -> None:
    """Refuse a role that no rule names, with the nearest one."""
    from holdfast.base.hint import suggest  # noqa: PLC0415 - heavy for `--help`

    for each in roles:
        if each not in catalog.roles:
            raise click.BadParameter(f"No rule names the role `{each}`. {suggest(each, catalog.roles)}", param_hint="--role")


def read_members(catalog: Catalog, members: Sequence[str]) -> dict[str, Any]:
    """The values of --set, each as its field reads plain text."""
    from holdfast.core.validate import parse_text  # noqa: PLC0415 - heavy for `--help`
    from holdfast.model.json_form import to_json  # noqa: PLC0415 - heavy for `--help`
    from holdfast.model.stored import to_python  # noqa: PLC0415 - heavy for `--help`

    users = catalog.users
    assert users is not None, "every Backend has users"
    read: dict[str, Any] = {}
    for each in members:
        member, equals, text = each.partition("=")
        spec = users.by_member.get(member)
        if not equals or spec is None or spec.system or spec.secret is not None:
            known = [one.member for one in users.fields if not one.system and one.secret is None]
            raise click.BadParameter(f"{each!r} is not MEMBER=VALUE of a user. Members are: {', '.join(known)}.", param_hint="--set")
        try:
            read[member] = to_json(spec.type, to_python(spec.type, parse_text(spec.type, text)))
        except ValueError as error:
            raise click.BadParameter(f"{member} {error}.", param_hint="--set") from None
    return read


def check_address(catalog: Catalog, email: str) -> None:
    """Refuse what is no address before anything is asked about it."""
    from holdfast.core.validate import parse_text  # noqa: PLC0415 - heavy for `--help`

    assert catalog.users is not None, "every Backend has users"
    try:
        parse_text(catalog.users.by_member["email"].type, email)
    except ValueError as error:
        raise click.BadParameter(f"{email!r} {error}.", param_hint="EMAIL") from None


def ask_password(otherwise: str) -> str:
    """A new password: asked for twice on a terminal, else the first line of standard input.

    otherwise  what to do where there is none
    """
    if sys.stdin.isatty():
        with asking(otherwise):
            return str(click.prompt("Password", hide_input=True, confirmation_prompt="Again", err=True))
    line = sys.stdin.readline()
    if not line:
        raise build_unanswered(otherwise)
    return line.rstrip("\r\n")
