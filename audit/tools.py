"""The tools, each in an environment of its own with its version pinned, made on first use below `.audit/`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".audit"

PYTHON = {"sqlmap": "sqlmap==1.10.10", "wapiti": "wapiti3==3.2.3", "bandit": "bandit==1.9.4", "pip-audit": "pip-audit==2.10.1"}
NODE = {"spectral": ("@stoplight/spectral-cli@6.16.3", "@stoplight/spectral-owasp-ruleset@2.0.1")}
_INSTALL_S = 900


class Missing(Exception):
    """A tool could not be installed, or cannot do its work here."""


def find_tool(name: str) -> Path:
    """The command of a tool, installed if it is not there yet. Raises Missing."""
    command = HOME / name / ("node_modules/.bin" if name in NODE else "bin") / name
    if not command.exists():
        (_install_node if name in NODE else _install_python)(name)
    if not command.exists():
        raise Missing(f"{name} was installed without its command")
    return command


def _install_python(name: str) -> None:
    folder = HOME / name
    _run(sys.executable, "-m", "venv", str(folder))
    _run(str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYTHON[name])


def _install_node(name: str) -> None:
    folder = HOME / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    _run("npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", *NODE[name])


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise Missing((done.stderr or done.stdout).strip()[-300:])
