"""The checks of `holdfast doctor`: each says what it found, or raises Misconfigured with what is wrong; none changes anything."""

import asyncio
import http.client
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holdfast.app.accounts import check_accounts
from holdfast.app.store import check_engine, open_store
from holdfast.base.errors import HoldfastError, Misconfigured
from holdfast.core.forwarding import Proxies
from holdfast.engine.forwarded import FILE as FORWARDED_FILE
from holdfast.engine.forwarded import read_mark
from holdfast.find import load_backend
from holdfast.http.server import bind_sockets
from holdfast.settings import FILE, Settings, show_settings

PYTHON_MIN = (3, 11)
DISK_FREE_BYTES_MIN = 512 * 1024 * 1024
CLOCK_AHEAD_S_MAX = 300.0
FORWARDED_WITHIN_S = 24 * 3_600.0
_BUILT_IN_YEAR = 2025
_ANSWER_WITHIN_S = 2.0

Finding = Callable[[], str]


def run_checks(read: Callable[[], Settings]) -> list[dict[str, Any]]:
    """Run every check; where the settings cannot be read the others look at the defaults."""
    settings = Settings()
    try:
        settings = read()
        first = _hold("settings", _describe_settings(settings))
    except Misconfigured as wrong:
        first = _fail("settings", wrong)
    checks: dict[str, Finding] = {
        "app": lambda: _check_app(settings),
        "sqlite": check_engine,
        "data": lambda: _check_data(settings.data),
        "disk": lambda: _check_disk(settings.data),
        "database": lambda: _check_database(settings),
        "clock": lambda: _check_clock(settings.data),
        "port": lambda: _check_port(settings),
        "proxies": lambda: _check_proxies(settings),
    }
    return [_run("python", _check_python), first, *(_run(name, check) for name, check in checks.items())]


def _run(name: str, check: Finding) -> dict[str, Any]:
    try:
        return _hold(name, check())
    except (HoldfastError, OSError) as wrong:
        return _fail(name, wrong)


def _hold(name: str, found: str) -> dict[str, Any]:
    return {"check": name, "holds": True, "found": found, "mend": None}


def _fail(name: str, wrong: Exception) -> dict[str, Any]:
    if isinstance(wrong, Misconfigured):
        return {"check": name, "holds": False, "found": f"{wrong.place}: {wrong.problem}", "mend": wrong.mend}
    return {"check": name, "holds": False, "found": str(wrong), "mend": None}


def _check_python() -> str:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON_MIN:
        raise Misconfigured(f"Python {found}", "It is too old.", "Use Python 3.11 or newer.")
    return f"{found} in {sys.prefix}"


def _describe_settings(settings: Settings) -> str:
    given = {name: value for name, value in show_settings(settings).items() if value != show_settings(Settings())[name]}
    source = FILE if Path(FILE).is_file() else f"no {FILE}"
    return f"{source}; {', '.join(f'{name}={value}' for name, value in given.items()) or 'all defaults'}"


def _check_app(settings: Settings) -> str:
    catalog = load_backend(settings.app).catalog
    check_accounts(settings, catalog)
    warned = "".join(f"\n       {'warning':<9} {each}" for each in catalog.warnings)
    return f"{settings.app}: {catalog.title}, {len(catalog.resources)} resources{warned}"


def _check_data(folder: Path) -> str:
    place = _existing(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        raise Misconfigured(str(place), "This user may not write there.", "Let it, or choose another folder with --data.")
    return f"{folder.resolve()}" if place == folder else f"{folder.resolve()}, which the first start makes"


def _check_disk(folder: Path) -> str:
    usage = shutil.disk_usage(_existing(folder))
    free = f"{usage.free / 2**30:.1f} GiB free of {usage.total / 2**30:.1f}"
    if usage.free < DISK_FREE_BYTES_MIN:
        raise Misconfigured(str(folder), f"The disk is nearly full: {free}.", "Free at least 512 MiB.")
    return free


def _check_database(settings: Settings) -> str:
    path = settings.data / "holdfast.db"
    if settings.database is None and not path.exists():
        return f"{path}: none yet; the first start makes it"
    try:
        catalog = load_backend(settings.app).catalog
    except Misconfigured:
        raise Misconfigured(str(path), "It cannot be compared without the app.", "Mend the app first.") from None

    async def look() -> str:
        async with open_store(settings, catalog, create=False) as store:
            health = store.health()
            if not (health.readable and health.writable):
                raise Misconfigured(str(path), f"It cannot be used: {health.reason}.", "Mend that, then look again.")
        return "opens, and its schema is that of the app"

    return asyncio.run(look())


def _check_clock(folder: Path) -> str:
    now = datetime.now(UTC)
    newest_s = max((each.stat().st_mtime for each in folder.glob("*") if each.is_file()), default=0.0)
    if now.year < _BUILT_IN_YEAR or newest_s > time.time() + CLOCK_AHEAD_S_MAX:
        raise Misconfigured("clock", f"It says {now:%Y-%m-%d %H:%M} UTC, which is before data was written.", "Set the clock; use NTP.")
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


def _check_port(settings: Settings) -> str:
    try:
        for each in bind_sockets(settings.host, settings.port):
            each.close()
    except Misconfigured:
        if not _is_served(settings.host, settings.port):
            raise
        return f"{settings.host}:{settings.port} is served by Holdfast now"
    return f"{settings.host}:{settings.port} is free"


def _check_proxies(settings: Settings) -> str:
    """What the workers have seen of forwarding headers from elsewhere than trusted_proxies."""
    mark = read_mark(settings.data / FORWARDED_FILE)
    if mark is None or time.time() - mark.at_s > FORWARDED_WITHIN_S:
        return "no forwarding headers lately from elsewhere than trusted_proxies"
    if Proxies(settings.trusted_proxies).trust(mark.peer):
        return f"{mark.peer}, which sent forwarding headers when it was not listed, is listed now"
    at = datetime.fromtimestamp(mark.at_s, UTC)
    raise Misconfigured(
        "trusted_proxies",
        f"Forwarding headers came from {mark.peer} at {at:%Y-%m-%d %H:%M} UTC, which is not listed: they do not count.",
        f"List {mark.peer} if it is your proxy. Else keep it away, and delete {settings.data / FORWARDED_FILE}.",
    )


def _is_served(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_WITHIN_S)
    try:
        connection.request("GET", "/healthz")
        answer = json.loads(connection.getresponse().read(4096))
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and answer.get("success") is True


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.resolve().parents) if each.exists())
