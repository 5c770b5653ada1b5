"""How a command that failed says so: where, what, and the next act; on standard error, without our own traceback."""

import os
import sys
import traceback
from pathlib import Path

import click

from holdfast.base.errors import Answerable, Misconfigured

HOLDS, REFUSED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
_HOUSE = str(Path(__file__).parent.parent)
_STANDARD = str(Path(os.__file__).parent)
_FRAMES_MAX = 6


def tell_failure(error: BaseException) -> int:
    """Tell an error; the result is the exit status. What is a fault of ours is raised again, for its traceback."""
    match error:
        case Misconfigured():
            _tell_mistake(error)
            return WRONG_USE
        case click.ClickException():
            error.show()
            return WRONG_USE
        case click.Abort() | KeyboardInterrupt():
            click.echo("Interrupted.", err=True)
            return INTERRUPTED
        case BrokenPipeError():
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush of the interpreter is quiet
            return REFUSED
        case OSError():
            tell(str(error.filename or "the system"), f"{error.strerror or error}.", None)
            return REFUSED
        case Answerable():
            tell(error.code, error.message, None if error.details else error.hint)
            for each in error.details:
                click.echo(f"       {each.field}: {each.message}" if each.field else f"       {each.message}", err=True)
            return REFUSED
        case _:
            raise error


def tell(place: str, problem: str, mend: str | None) -> None:
    """Write the three lines of every error of the command line."""
    click.echo(f"{click.style('error', fg='red', bold=True)}  {click.style(place, bold=True)}", err=True)
    click.echo(f"       {problem}", err=True)
    if mend:
        click.echo(f"{click.style(' mend', fg='green')}  {mend}", err=True)


def tell_warning(warning: str) -> None:
    """Write a warning for people."""
    click.echo(f"{click.style('warning', fg='yellow')}  {warning}", err=True)


def _tell_mistake(error: Misconfigured) -> None:
    for each in (error, *error.also):
        tell(each.place, each.problem, each.mend)
    frames = [] if error.__cause__ is None else _own_frames(error.__cause__)
    if frames:
        click.echo("\n" + "".join(traceback.format_list(frames)).rstrip(), err=True)


def _own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The end of the developer's traceback, without the frames of the house and of the standard library."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not _is_strange(each.filename)]
    return frames[-_FRAMES_MAX:]


def _is_strange(file: str) -> bool:
    if file.endswith(".c"):
        return True  # what a library tells of its own sources in C
    return file.startswith((_HOUSE, "<frozen")) or (file.startswith(_STANDARD) and "site-packages" not in file)
