"""Options that several commands share; they mean the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from holdfast.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


def app_argument(command: Command) -> Command:
    """[APP]: file.py or module:attribute."""
    return click.argument("app", required=False)(command)


def app_option(command: Command) -> Command:
    """--app APP."""
    return click.option("--app", metavar="APP", help="file.py or module:attribute  [default: $HOLDFAST_APP, pyproject.toml, app.py]")(
        command
    )


def data_options(command: Command) -> Command:
    """--data DIR and --database URL."""
    command = click.option("--database", metavar="URL", help="Another database than <data>/holdfast.db.")(command)
    return click.option("--data", metavar="DIR", help="Folder of the database, key and logs.  [default: ./data]")(command)


def output_option(command: Command) -> Command:
    """--output FILE, in a folder that is there."""
    return click.option(
        "--output",
        metavar="FILE",
        type=click.Path(path_type=Path),
        callback=_check_folder,
        help="Write to a file instead of standard output.",
    )(command)


def _check_folder(_context: click.Context, _parameter: click.Parameter, output: Path | None) -> Path | None:
    if output is not None and not output.parent.is_dir():
        raise click.BadParameter(f"There is no folder {output.parent}. Make it, or name a file elsewhere.")
    return output


def json_option(command: Command) -> Command:
    """--json: the report as JSON on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="Write the report as JSON.")(command)


@contextmanager
def asking(otherwise: str) -> Iterator[None]:
    """Ask within this: input that ends before the answer is wrong use, told with what to do `otherwise`; Ctrl-C stays what it is."""
    try:
        yield
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            raise build_unanswered(otherwise) from error
        raise


def build_unanswered(otherwise: str) -> click.UsageError:
    """The error where standard input held no answer."""
    return click.UsageError(f"Standard input ended before an answer. {otherwise}")


def read_command_settings(**flags: Any) -> Settings:
    """The settings of a command: holdfast.toml of the working directory, then HOLDFAST_*, then its flags that were given."""
    from holdfast.settings import read_settings  # noqa: PLC0415 - heavy for `--help`

    return read_settings(folder=Path.cwd(), environ=os.environ, flags=flags)


def write_json(value: Any) -> None:
    """Write a report as one indented JSON document."""
    import msgspec  # noqa: PLC0415 - heavy for `--help`

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))
