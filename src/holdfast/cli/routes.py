"""`holdfast routes`: every route of the API."""

from typing import Any

import click

from holdfast.cli.options import app_option, data_options, json_option, read_command_settings, write_json


@click.command("routes")
@app_option
@data_options
@json_option
def command(*, as_json: bool, **flags: str | None) -> None:
    """List every route of the API, in the order declared."""
    from holdfast.core.routes import build_routes  # noqa: PLC0415 - heavy for `--help`
    from holdfast.find import load_backend  # noqa: PLC0415 - heavy for `--help`

    settings = read_command_settings(**flags)
    routes = build_routes(load_backend(settings.app).catalog, query_method=settings.query_method, oidc=bool(settings.oidc))
    rows = [
        {
            "method": each.method,
            "path": each.template,
            "action": each.action.value,
            "resource": each.resource.path if each.resource else None,
        }
        for each in routes
    ]
    if as_json:
        write_json(rows)
    else:
        _write_table(rows)


def _write_table(rows: list[dict[str, Any]]) -> None:
    width = max(len(each["path"]) for each in rows)
    for each in rows:
        click.echo(f"{each['method']:<7} {each['path']:<{width}}  {each['action'].replace('_', ' ')}")
