"""`holdfast serve`: production."""

import click

from holdfast.cli.options import app_argument, data_options, read_command_settings


@click.command("serve")
@app_argument
@click.option("--host", metavar="HOST", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", metavar="PORT", help="Port to listen on; 0 takes a free one.  [default: $PORT, 8000]")
@click.option("--workers", metavar="N", help="Processes that serve.  [default: 1]")
@data_options
def command(**flags: str | None) -> int:
    """Serve APP (file.py or module:attribute) in production, until SIGTERM or Ctrl-C.

    Makes the schema of an empty database; refuses a database whose schema is behind. One JSON line per request goes to standard error.
    """
    from holdfast.cli.server import run_server  # noqa: PLC0415 - heavy for `--help`

    return run_server(read_command_settings(**flags), development=False)
