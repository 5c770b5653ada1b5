"""`holdfast doctor`: does this installation hold?"""

from typing import Any

import click

from holdfast.cli.options import app_option, data_options, json_option, read_command_settings, write_json


@click.command("doctor")
@app_option
@data_options
@json_option
def command(*, as_json: bool, **flags: str | None) -> int:
    """Check this installation: Python, settings, app, SQLite, data folder, disk, database and its schema, clock, port, proxies.

    Changes nothing. Exit status 1 if a check does not hold.
    """
    from holdfast.cli.checks import run_checks  # noqa: PLC0415 - heavy for `--help`

    checks = run_checks(lambda: read_command_settings(**flags))
    holds = all(each["holds"] for each in checks)
    if as_json:
        write_json({"holds": holds, "checks": checks})
    else:
        _write_table(checks)
    return 0 if holds else 1


def _write_table(checks: list[dict[str, Any]]) -> None:
    for each in checks:
        verdict = click.style("holds", fg="green") if each["holds"] else click.style("FAILS", fg="red", bold=True)
        click.echo(f"{verdict}  {each['check']:<9} {each['found']}")
        if each["mend"]:
            click.echo(f"       {'mend':<9} {each['mend']}")
    failing = sum(not each["holds"] for each in checks)
    click.echo(f"\n{'Everything holds.' if not failing else f'{failing} of {len(checks)} checks do not hold.'}")
