"""`make audit-self`: outsiders' tools against the served library and the served backend of everything, and a crowd that signs in.

python -m audit [--only sqlmap wapiti logins schemathesis spectral bandit pip-audit]

Prints one table; exit status 1 if anything was found. A tool that cannot be had says so, and finds nothing.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from audit.injection import judge_injection
from audit.logins import measure_logins
from audit.scans import scan_contract, scan_dependencies, scan_document, scan_source, scan_surface
from audit.served import Served, fill, serving
from audit.tools import ROOT, Missing

APPS = {"library": ROOT / "examples/library.py", "everything": ROOT / "tests/judges/everything.py"}

Scan = Callable[[Served, Path], Iterator[str]]

SCANS: dict[str, tuple[tuple[str, Scan], ...]] = {
    "spectral": tuple((app, partial(scan_document, app=app)) for app in APPS),
    "bandit": (("library", scan_source),),
    "pip-audit": (("library", scan_dependencies),),
    "schemathesis": (
        ("library", partial(scan_contract, app="library", who="admin")),
        ("library", partial(scan_contract, app="library", who="editor")),
        ("everything", partial(scan_contract, app="everything", who="admin")),
    ),
    "logins": (("library", measure_logins),),
    "wapiti": (("library", scan_surface),),
    "sqlmap": (("library", judge_injection),),
}


class Row(NamedTuple):
    """What a tool came to."""

    tool: str
    app: str
    verdict: str
    seconds: float
    findings: tuple[str, ...] = ()


def main() -> int:
    """Run the tools; exit 1 if one found anything."""
    parser = argparse.ArgumentParser(prog="audit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=tuple(SCANS), default=tuple(SCANS))
    parser.add_argument("--keep", type=Path, help="a folder for what the tools wrote")
    options = parser.parse_args()
    with ExitStack() as left:
        folder = options.keep or Path(left.enter_context(tempfile.TemporaryDirectory()))
        rows = [
            _scan(tool, app, scan, folder / f"{tool}-{index}") for tool in options.only for index, (app, scan) in enumerate(SCANS[tool])
        ]
    _show(rows)
    return 1 if any(row.findings for row in rows) else 0


def _scan(tool: str, app: str, scan: Scan, folder: Path) -> Row:
    """Run one tool on a server of its own, so that what one leaves behind misleads no other."""
    folder.mkdir(parents=True)
    _say(f"{tool} on {app} ...")
    began = time.monotonic()
    with serving(APPS[app], folder) as served:
        if app == "library":
            fill(served)
        try:
            findings = tuple(scan(served, folder))
        except Missing as missing:
            return Row(tool, app, f"not run: {missing}", time.monotonic() - began)
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:  # the others run all the same
            findings = (f"it could not be judged: {error!r}",)
    return Row(tool, app, f"{len(findings)} findings" if findings else "nothing found", time.monotonic() - began, findings)


def _show(rows: list[Row]) -> None:
    for row in rows:
        for each in row.findings:
            _say(f"\n{row.tool} on {row.app}: {each}")
    _say("\n| tool | app | verdict | seconds |\n|---|---|---|---|")
    for row in rows:
        _say(f"| {row.tool} | {row.app} | {row.verdict} | {row.seconds:.0f} |")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
