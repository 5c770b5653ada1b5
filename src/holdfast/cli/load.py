"""`holdfast load`: bulk import."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.failure import tell_warning
from holdfast.cli.options import app_option, data_options, json_option, read_command_settings, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from holdfast.engine.load import Loaded
    from holdfast.engine.prepare import PreparedRows
    from holdfast.engine.rows import Rejected
    from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
    from holdfast.settings import Settings

SHOWN_MAX = 20
REMEMBERED_MAX = 100_000
GARBAGE_THRESHOLD = 50_000  # rows are many containers, of which none refers to itself: to look at them every 700 is a tenth of a load
AHEAD_BYTES_MIN = 1024 * 1024  # a tenth of a second of work; below it there is not enough to be done side by side


@click.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--into", "resource", required=True, metavar="RESOURCE", help="Path of the resource, as in /api/v1/books.")
@click.option("--key", metavar="FIELD", help="A unique field: rows whose value exists already are passed by.")
@app_option
@data_options
@json_option
def command(file: Path, resource: str, key: str | None, *, as_json: bool, **flags: str | None) -> int:
    """Load records from FILE (.jsonl, .csv with a header, or .json with one array) through the validation of the API.

    Every row is loaded once: run it again after an interruption, or after correcting what was rejected, and it goes on where it is
    needed. Rows are told apart by their id, by --key, or else by the file's name and their content.
    """
    import asyncio  # noqa: PLC0415 - heavy for `--help`

    from holdfast.base.errors import Misconfigured  # noqa: PLC0415 - heavy for `--help`
    from holdfast.cli.resource import find_resource  # noqa: PLC0415 - heavy for `--help`
    from holdfast.engine.load import find_key  # noqa: PLC0415 - heavy for `--help`
    from holdfast.engine.rows import format_of  # noqa: PLC0415 - heavy for `--help`
    from holdfast.find import load_backend  # noqa: PLC0415 - heavy for `--help`

    settings = read_command_settings(**flags)
    catalog = load_backend(settings.app).catalog
    spec = find_resource(catalog, resource)
    file_format = format_of(file)
    found_key = None if key is None else find_key(spec, key)
    report = _Report(file, spec.path, "item" if file_format == "json" else "line")
    try:
        loaded = asyncio.run(_load(settings, catalog, spec, file, file_format, found_key, report))
    except BaseException as error:
        report.write_rejected()
        if report.began and not isinstance(error, Misconfigured):
            click.echo("Not finished. Run it again: it goes on where it is needed.", err=True)
        raise
    if as_json:
        write_json(report.describe(loaded))
    else:
        report.write_rejected()
        report.write_counts(loaded)
    return 1 if loaded.rejected else 0


async def _load(
    settings: Settings, catalog: Catalog, resource: ResourceSpec, file: Path, file_format: str, key: FieldSpec | None, report: _Report
) -> Loaded:
    with _open_rows(settings, resource, file, file_format, key) as batches:  # before all else: the first are read meanwhile
        from holdfast.app.accounts import open_sealing  # noqa: PLC0415 - heavy for `--help`
        from holdfast.app.store import find_loss, open_store  # noqa: PLC0415 - heavy for `--help`
        from holdfast.engine.load import Loader  # noqa: PLC0415 - heavy for `--help`
        from holdfast.world.clock import SystemClock  # noqa: PLC0415 - heavy for `--help`

        for warning in find_loss(settings):
            tell_warning(warning)
        gc.set_threshold(GARBAGE_THRESHOLD)
        async with open_store(settings, catalog, create=True, bulk=True) as store:
            with open_sealing(settings, catalog, resource) as sealing, _show_progress(file) as show:
                loader = Loader(resource, store, sealing, SystemClock(), f"load-{resource.path}", key, report.reject, show)
                report.began = True
                return await loader.load(batches)


def _open_rows(
    settings: Settings, resource: ResourceSpec, file: Path, file_format: str, key: FieldSpec | None
) -> AbstractContextManager[Iterable[PreparedRows]]:
    """The rows of a file: prepared by a process of its own where there is enough to do for it."""
    from holdfast.engine.ahead import read_ahead  # noqa: PLC0415 - heavy for `--help`
    from holdfast.engine.prepare import prepare_file  # noqa: PLC0415 - heavy for `--help`

    if file.stat().st_size < AHEAD_BYTES_MIN or os.cpu_count() == 1:
        return nullcontext(prepare_file(file, file_format, resource, key))
    return read_ahead(partial(prepare_elsewhere, settings.app, resource.path, file, file_format, None if key is None else key.member))


def prepare_elsewhere(app: str, path: str, file: Path, file_format: str, key: str | None) -> Iterator[PreparedRows]:
    """The same in another process, told in plain values."""
    from holdfast.engine.prepare import prepare_file  # noqa: PLC0415 - heavy for `--help`
    from holdfast.find import load_backend  # noqa: PLC0415 - heavy for `--help`

    resource = load_backend(app).catalog.resources[path]
    return prepare_file(file, file_format, resource, None if key is None else resource.by_member[key])


class _Report:
    """What is told of a load, at its end: at most SHOWN_MAX rejected rows for people, REMEMBERED_MAX of them as JSON.

    unit   what rows are counted in: "line", or "item" of an array
    began  whether rows were being loaded, so that to run it again goes on
    """

    def __init__(self, file: Path, resource: str, unit: str) -> None:
        self._file, self._resource, self._unit = file, resource, unit
        self.began = False
        self._rejected: list[Rejected] = []
        self._count = 0

    def reject(self, rejected: Rejected) -> None:
        self._count += 1
        if len(self._rejected) < REMEMBERED_MAX:
            self._rejected.append(rejected)

    def describe(self, loaded: Loaded) -> dict[str, Any]:
        rows = [
            {self._unit: each.line, "details": [{"field": one.field, "code": one.code, "message": one.message} for one in each.details]}
            for each in self._rejected
        ]
        counts = {"created": loaded.created, "existing": loaded.existing, "rejected": loaded.rejected}
        return {"file": str(self._file), "resource": self._resource, **counts, "rejected_rows": rows}

    def write_rejected(self) -> None:
        shown = self._rejected[:SHOWN_MAX]
        for each in shown:
            place = f"{self._file}:{each.line}" if self._unit == "line" else f"{self._file}: {self._unit} {each.line}"
            for one in each.details:
                click.echo(f"{place}  {one.field or 'the row'}: {one.message} ({one.code})", err=True)
        if self._count > len(shown):
            click.echo(f"... and {self._count - len(shown):,} more rejected rows; --json lists them.", err=True)

    def write_counts(self, loaded: Loaded) -> None:
        told = [f"{loaded.created:,} loaded into {self._resource}"]
        if loaded.existing:
            told.append(f"{loaded.existing:,} there already")
        if loaded.rejected:
            told.append(click.style(f"{loaded.rejected:,} rejected", fg="red"))
        click.echo(", ".join(told) + ".")


def _show_progress(file: Path) -> AbstractContextManager[Any]:
    """A progress bar on a terminal, nothing elsewhere; gives the call that moves it."""
    if not sys.stderr.isatty():
        return nullcontext(lambda _loaded: None)
    from holdfast.cli.progress import ProgressBar  # noqa: PLC0415 - rich is heavy, and only for terminals

    return ProgressBar(file.name, file.stat().st_size)
