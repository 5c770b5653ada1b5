"""`holdfast dev`: serve with reload."""

import click

from holdfast.cli.options import app_argument, data_options, read_command_settings


@click.command("dev")
@app_argument
@click.option("--port", metavar="PORT", help="Port to listen on.  [default: $PORT, 8000]")
@click.option("--no-reload", is_flag=True, help="Serve once, without watching for changes.")
@data_options
def command(*, no_reload: bool, **flags: str | None) -> int:
    """Serve APP (file.py or module:attribute) while you write it: a change of a .py file restarts it, rate limits are off."""
    settings = read_command_settings(**flags, rate_limit="off", login_rate_limit="off", workers=1, host="127.0.0.1")
    if no_reload:
        from holdfast.cli.server import run_server  # noqa: PLC0415 - heavy for `--help`

        return run_server(settings, development=True)
    from holdfast.cli.reload import run_reloading  # noqa: PLC0415 - heavy for `--help`

    return run_reloading(settings)
