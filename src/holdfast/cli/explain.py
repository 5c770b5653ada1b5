"""`holdfast explain`: one request, by its id."""

from pathlib import Path

import click

from holdfast.cli.options import app_option, data_options, json_option, read_command_settings, write_json


@click.command("explain")
@click.argument("request_id", metavar="REQUEST_ID")
@app_option
@data_options
@json_option
def command(request_id: str, *, as_json: bool, **flags: str | None) -> int:
    """Tell everything known of one request: what was asked, what was answered, how long it took, and why it failed.

    REQUEST_ID is the X-Request-Id of an answer, also at error.request_id of its body.
    """
    from holdfast.engine.explain import find_requests, write_report  # noqa: PLC0415 - heavy for `--help`
    from holdfast.engine.redact import escape_terminal  # noqa: PLC0415 - heavy for `--help`

    folder: Path = read_command_settings(**flags).data
    found = find_requests(folder, request_id)
    if as_json:
        write_json(found)
    elif not found:
        click.echo(
            f"No request {escape_terminal(request_id)!r} in {folder / 'log'}: it is older than these logs, or ran on another node.",
            err=True,
        )
    else:
        if len(found) > 1:
            click.echo(f"{len(found)} requests came with this id, the newest first.\n")
        click.echo("\n\n".join(escape_terminal(write_report(each)) for each in found))
    return 0 if found else 1
