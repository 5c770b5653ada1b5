"""`holdfast verify`: are the data what was written?"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.options import app_option, data_options, json_option, read_command_settings, write_json

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from holdfast.engine.verify import Anchor, Progress, Verifier

SHOWN_MAX = 50


@click.command("verify")
@click.option("--anchor", metavar="SEQ:SEAL", help="A seal known from elsewhere, as `verify` told it: it must still be there.")
@app_option
@data_options
@json_option
def command(anchor: str | None, *, as_json: bool, **flags: str | None) -> int:
    """Check that the data are what was written: the journal and its seals, every row against the journal, references, uniqueness,
    checks, and the database engine's own integrity.

    Reads in short steps while the service runs, and changes nothing. Seals that were told to the log in the data folder must still be
    there; keep the last line of this report elsewhere and give it as --anchor, and nobody can cut the journal off unseen.
    Exit status 1 if anything does not hold.
    """
    from holdfast.app.store import open_audit  # noqa: PLC0415 - heavy for `--help`
    from holdfast.engine.anchors import find_anchors  # noqa: PLC0415 - heavy for `--help`
    from holdfast.find import load_backend  # noqa: PLC0415 - heavy for `--help`

    given = [] if anchor is None else [_read_anchor(anchor)]
    settings = read_command_settings(**flags)
    catalog = load_backend(settings.app).catalog
    with _show_progress() as tell, open_audit(settings, catalog, [*given, *find_anchors(settings.data)], tell) as verifier:
        holds = verifier.run()
    if as_json:
        write_json(describe(verifier))
    else:
        _write_report(verifier)
    return 0 if holds else 1


def describe(verifier: Verifier) -> dict[str, Any]:
    """The report as JSON."""
    last = verifier.last_seal
    return {
        "holds": not verifier.findings,
        "entries": verifier.entries,
        "seals": verifier.seals,
        "rows": verifier.rows,
        "erased": verifier.erased,
        "anchor": None if last is None else f"{last.last_seq}:{last.seal.hex()}",
        "findings": [each._asdict() for each in verifier.findings],
    }


def _write_report(verifier: Verifier) -> None:
    for each in verifier.findings[:SHOWN_MAX]:
        click.echo(f"{click.style('FAILS', fg='red', bold=True)}  {each.check:<10} {each.place}")
        click.echo(f"       {'':<10} {each.problem}")
        click.echo(f"       {'mend':<10} {each.mend}")
    if len(verifier.findings) > SHOWN_MAX:
        click.echo(f"... and {len(verifier.findings) - SHOWN_MAX:,} more; --json lists them.")
    counts = f"{verifier.entries:,} entries, {verifier.seals:,} seals, {verifier.rows:,} rows"
    erased = f", {verifier.erased:,} records erased" if verifier.erased else ""
    verdict = "Everything holds" if not verifier.findings else f"{len(verifier.findings):,} things do not hold"
    click.echo(f"{verdict}: {counts}{erased}.")
    if verifier.last_seal is not None:
        click.echo(f"Anchor: {verifier.last_seal.last_seq}:{verifier.last_seal.seal.hex()}")


def _read_anchor(text: str) -> Anchor:
    from holdfast.engine.verify import Anchor  # noqa: PLC0415 - heavy for `--help`

    seq, _, seal = text.partition(":")
    try:
        return Anchor(int(seq), bytes.fromhex(seal), "--anchor")
    except ValueError:
        raise click.BadParameter(f"{text!r} is not SEQ:SEAL.", param_hint="--anchor") from None


def _show_progress() -> AbstractContextManager[Any]:
    """A progress bar on a terminal, nothing elsewhere; gives the call that moves it."""
    if not sys.stderr.isatty():
        return nullcontext(lambda _progress: None)
    from rich.console import Console  # noqa: PLC0415 - rich is heavy, and only for terminals
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    return _Moving(Bar(console=Console(stderr=True), transient=True))


class _Moving:
    """Moves one bar from check to check."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None)

    def __enter__(self) -> Any:
        self._bar.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _show(self, progress: Progress) -> None:
        self._bar.update(self._task, description=progress.check, completed=progress.done, total=progress.total)
