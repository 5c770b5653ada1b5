"""The command line: `holdfast COMMAND`. A command is imported when it is called, so that help is quick.

Exit status: 0 holds, 1 does not hold or refused, 2 wrong use or declaration, 130 interrupted.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from holdfast.base.hint import find_nearest

SECTIONS = {
    "Build": {
        "new": "Make a small working project: app, tests, config.",
        "dev": "Serve with reload while you write; no rate limits.",
        "serve": "Serve in production.",
    },
    "Identity": {
        "user": "Add, list, change and revoke who can sign in.",
        "key": "Add, list and revoke API keys.",
        "access": "Tell who may do what, and why.",
    },
    "Data": {
        "load": "Load records from a JSONL, CSV or JSON file.",
        "dump": "Write every record of a resource.",
    },
    "Prove": {
        "verify": "Check that the data are what was written.",
        "erase": "Remove what the journal keeps of one record.",
    },
    "Look": {
        "routes": "List every route of the API.",
        "openapi": "Write the OpenAPI document.",
        "explain": "Tell everything known of one request, by its id.",
        "doctor": "Check this installation.",
    },
}
"""Every command with its one line of help, as `holdfast --help` shows them; the module of each has its name."""

COMMANDS = {name: says for section in SECTIONS.values() for name, says in section.items()}


class LazyGroup(click.Group):
    """Knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        """Every command, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click calls it so
        """Import a command; None if there is no such name."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"holdfast.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of the arguments; an unknown one is refused with the nearest name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = find_nearest(args[0], COMMANDS)
            ctx.fail(f"There is no command `{args[0]}`." + ("" if near is None else f" Did you mean `{near}`?"))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click calls it so
        """Write the commands by section, without importing them."""
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(list(commands.items()))


def _show_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it so
    if value:
        from importlib.metadata import version  # noqa: PLC0415 - only where it is asked for

        click.echo(f"holdfast {version('holdfast')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, no_args_is_help=True)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version and exit.")
def group() -> None:
    """Holdfast: the backend you declare, with the reliability engineer built in."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; the result is the exit status. What is no fault of ours is told without a traceback."""
    try:
        status = group.main(args=list(arguments), prog_name="holdfast", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the outermost door: cli.failure tells every error or raises it again
        from holdfast.cli.failure import tell_failure  # noqa: PLC0415 - only where something went wrong

        return tell_failure(error)
    return status if isinstance(status, int) else 0


def main() -> None:
    """Entry point of the `holdfast` command."""
    sys.exit(run(sys.argv[1:]))
