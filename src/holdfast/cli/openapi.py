"""`holdfast openapi`: the document of the API."""

from pathlib import Path

import click

from holdfast.cli.options import app_option, data_options, output_option, read_command_settings


@click.command("openapi")
@app_option
@data_options
@output_option
def command(output: Path | None, **flags: str | None) -> None:
    """Write the OpenAPI 3.1 document of the API, as /openapi.json serves it."""
    import msgspec  # noqa: PLC0415 - heavy for `--help`

    from holdfast.core.openapi.document import build_openapi  # noqa: PLC0415 - heavy for `--help`
    from holdfast.core.routes import build_routes  # noqa: PLC0415 - heavy for `--help`
    from holdfast.find import load_backend  # noqa: PLC0415 - heavy for `--help`

    settings = read_command_settings(**flags)
    catalog = load_backend(settings.app).catalog
    routes = build_routes(catalog, query_method=settings.query_method, oidc=bool(settings.oidc))
    document = build_openapi(catalog, routes=routes, cookies=settings.cookies, cors=bool(settings.cors_origins))
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, "utf-8")
