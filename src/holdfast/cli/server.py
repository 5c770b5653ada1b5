"""What `serve` and `dev` share: the checks before the start, the start, and where everything is."""

import asyncio
import ipaddress
from collections.abc import Sequence

import click

from holdfast.app.store import find_loss, make_database
from holdfast.app.worker import ServiceMaker
from holdfast.cli.failure import HOLDS, REFUSED, tell, tell_warning
from holdfast.core.routes import API
from holdfast.engine.log import Log, route_libraries, wants_colour
from holdfast.find import load_backend
from holdfast.http.serve import Address, run
from holdfast.http.supervisor import StartFailed
from holdfast.model.catalog import Catalog
from holdfast.settings import Settings
from holdfast.world.clock import SystemClock

SUPERVISOR = -1
"""The number of the process that watches the workers, in its log lines."""


def run_server(settings: Settings, *, development: bool) -> int:
    """Serve until told to stop; the result is the exit status.

    The declaration is read here first, so that a mistake in it is told once, before any worker starts.
    """
    catalog = load_backend(settings.app).catalog
    _tell_warnings([*catalog.warnings, *find_open_door(settings), *find_loss(settings)], settings, development=development)
    has_replacements = settings.workers > 1
    if has_replacements:
        asyncio.run(make_database(settings, catalog))
    log = _open_supervisor_log(settings) if has_replacements else None
    try:
        run(
            ServiceMaker(settings, development=development, create=not has_replacements),
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            on_ready=lambda addresses: _announce(catalog, settings, addresses),
        )
    except StartFailed:
        tell(settings.app, "No worker could start.", "The lines above say why.")
        return REFUSED
    finally:
        if log is not None:
            log.close()
    return HOLDS


def find_open_door(settings: Settings) -> Sequence[str]:
    """The warning that others can read what is sent, where that is so: plain HTTP beyond this machine, and no proxy that brings TLS."""
    try:
        is_loopback = settings.host == "localhost" or ipaddress.ip_address(settings.host.strip("[]")).is_loopback
    except ValueError:
        is_loopback = False
    if is_loopback or settings.trusted_proxies:
        return ()
    danger = f"Plain HTTP on {settings.host}:{settings.port}: passwords and tokens can be read on their way."
    return [f"{danger} Put a proxy with TLS before it, and name it in trusted_proxies."]


def _tell_warnings(warnings: Sequence[str], settings: Settings, *, development: bool) -> None:
    """Once, before any worker starts, and in the form of the lines that will follow: whoever reads the log reads JSON alone."""
    if development or settings.log == "text":
        for warning in warnings:
            tell_warning(warning)
        return
    log = Log(folder=None, slot=SUPERVISOR, now=SystemClock().now)
    for warning in warnings:
        log.say("warning", warning)
    log.close()


def _open_supervisor_log(settings: Settings) -> Log:
    log = Log(folder=None, slot=SUPERVISOR, now=SystemClock().now, text=settings.log == "text", colour=wants_colour())
    route_libraries(log)
    return log


def _announce(catalog: Catalog, settings: Settings, addresses: Sequence[Address]) -> None:
    host, port = addresses[0]
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    paths = [path for path, resource in catalog.resources.items() if resource is not catalog.users]
    others = f"  and {', '.join(paths[1:])}" if paths[1:] else ""
    click.echo(f"{click.style(catalog.title, bold=True)} is served at {base}")
    click.echo(f"  API   {base}{API}/{paths[0] if paths else ''}{others}")
    if settings.docs != "off":
        click.echo(f"  docs  {base}/docs")
    click.echo(f"  data  {'the database of --database' if settings.database else settings.data / 'holdfast.db'}")
    click.echo("  stop  Ctrl-C")
