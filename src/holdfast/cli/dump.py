"""`holdfast dump`: every record of a resource."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from holdfast.cli.options import app_option, data_options, output_option, read_command_settings

if TYPE_CHECKING:
    from holdfast.model.catalog import Catalog, ResourceSpec
    from holdfast.settings import Settings


@click.command("dump")
@click.argument("resource")
@click.option("--format", "file_format", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@output_option
@app_option
@data_options
def command(resource: str, file_format: str, output: Path | None, **flags: str | None) -> None:
    """Write every record of RESOURCE (its path, as in /api/v1/books), in the order of the ids; secrets are left out."""
    import asyncio  # noqa: PLC0415 - heavy for `--help`

    from holdfast.cli.resource import find_resource  # noqa: PLC0415 - heavy for `--help`
    from holdfast.find import load_backend  # noqa: PLC0415 - heavy for `--help`

    settings = read_command_settings(**flags)
    catalog = load_backend(settings.app).catalog
    spec = find_resource(catalog, resource)
    if output is None:
        asyncio.run(_dump(settings, catalog, spec, file_format, sys.stdout.buffer))
        return
    draft = output.with_name(f".{output.name}.draft")
    with draft.open("wb") as file:
        asyncio.run(_dump(settings, catalog, spec, file_format, file))
    draft.replace(output)


async def _dump(settings: Settings, catalog: Catalog, resource: ResourceSpec, file_format: str, target: BinaryIO) -> None:
    from holdfast.app.store import open_store  # noqa: PLC0415 - heavy for `--help`
    from holdfast.engine.dump import dump_csv, dump_lines  # noqa: PLC0415 - heavy for `--help`

    async with open_store(settings, catalog, create=False) as store:
        async for part in (dump_csv if file_format == "csv" else dump_lines)(store, resource):
            target.write(part)
    target.flush()
