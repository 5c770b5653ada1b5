"""`holdfast erase`: remove what the journal keeps of one record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.cli.options import app_option, asking, data_options, json_option, read_command_settings, write_json

if TYPE_CHECKING:
    from holdfast.base.ids import RecordId
    from holdfast.model.catalog import Catalog, ResourceSpec
    from holdfast.settings import Settings


@click.command("erase")
@click.argument("resource")
@click.argument("record_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@app_option
@data_options
@json_option
def command(resource: str, record_id: str, *, yes: bool, as_json: bool, **flags: str | None) -> int:
    """Remove what the journal keeps of one record of RESOURCE (its path, as in /api/v1/books): all its values before and after each
    change.

    That and when it was changed stays, with hashes of what was removed, so `holdfast verify` still proves the rest. History, changes and
    times past show nothing of the record then, and it cannot be undeleted. The record itself is not touched: delete it first, because its
    deletion is one more entry. Backups and kept answers to Idempotency-Keys (24 hours) are copies of their own.
    """
    import asyncio  # noqa: PLC0415 - heavy for `--help`

    from holdfast.base.ids import parse_uuid  # noqa: PLC0415 - heavy for `--help`
    from holdfast.cli.resource import find_resource  # noqa: PLC0415 - heavy for `--help`
    from holdfast.find import load_backend  # noqa: PLC0415 - heavy for `--help`

    settings = read_command_settings(**flags)
    catalog = load_backend(settings.app).catalog
    spec = find_resource(catalog, resource)
    parsed = parse_uuid(record_id)
    if parsed is None:
        raise click.BadParameter(f"{record_id!r} is not the id of a record.", param_hint="ID")
    if not yes and not _confirm(f"{spec.path}/{parsed}"):
        click.echo("Nothing was erased.", err=True)
        return 1
    erased, is_alive = asyncio.run(_erase(settings, catalog, spec, parsed))
    if as_json:
        write_json({"resource": spec.path, "id": parsed, "erased": erased, "exists": is_alive})
    else:
        _tell(f"{spec.path}/{parsed}", erased, is_alive=is_alive)
    return 0 if erased else 1


def _confirm(place: str) -> bool:
    with asking("Give --yes to erase without being asked."):
        return click.confirm(f"Remove all that the journal keeps of {place}? This cannot be undone.", err=True)


def _tell(place: str, erased: int, *, is_alive: bool) -> None:
    if erased:
        click.echo(f"Erased {erased:,} entries of {place}.")
    else:
        click.echo(f"The journal keeps nothing of {place}.", err=True)
    if is_alive:
        click.echo("The record itself is still there. To remove it too, delete it, and erase it again.", err=True)


async def _erase(settings: Settings, catalog: Catalog, resource: ResourceSpec, record_id: RecordId) -> tuple[int, bool]:
    """How many entries were erased, and whether the record is still there."""
    from holdfast.app.store import open_store  # noqa: PLC0415 - heavy for `--help`
    from holdfast.base.limits import REQUEST_DEADLINE_S  # noqa: PLC0415 - heavy for `--help`
    from holdfast.core.plan import Erase, ReadOne  # noqa: PLC0415 - heavy for `--help`
    from holdfast.core.view import view_of_id  # noqa: PLC0415 - heavy for `--help`
    from holdfast.engine.reads import read_one  # noqa: PLC0415 - heavy for `--help`
    from holdfast.world.clock import SystemClock  # noqa: PLC0415 - heavy for `--help`

    clock = SystemClock()
    async with open_store(settings, catalog, create=False) as store:
        plan = Erase(resource, record_id, "erase", clock.now(), clock.monotonic_s() + REQUEST_DEADLINE_S)
        erased = await store.erase(plan)
        is_alive = await read_one(store, ReadOne(record_id, view_of_id(resource))) is not None
    return erased, is_alive
