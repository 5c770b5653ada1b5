"""TypeScript types, generated from the document by openapi-typescript, and a script that calls every operation through them."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

_SOURCES = Path(__file__).with_name("typescript")
_TIMEOUT_S = 180


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The TypeScript project with what it needs installed; the test is skipped where that cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed")
    folder = tmp_path / "typescript"
    shutil.copytree(_SOURCES, folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefer-offline"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode != 0:
        pytest.skip(f"npm could not install the packages: {done.stderr.strip()[-300:]}")
    return folder


def test_the_generated_types_call_every_operation(served: Callable[[str], str], admin_key: Callable[[str], str], project: Path) -> None:
    """The types compile strictly, refuse what the service would refuse, and every operation answers as they say."""
    with urllib.request.urlopen(f"{served('library')}/openapi.json", timeout=_TIMEOUT_S) as answer:  # noqa: S310 - our own server
        document = json.load(answer)
    (project / "openapi.json").write_text(json.dumps(document))
    _run(project, "npx", "--no-install", "openapi-typescript", "openapi.json", "--output", "schema.ts")
    _run(project, "npx", "--no-install", "tsc")
    called = json.loads(_run(project, "node", "built/client.js", served("library"), admin_key("library")))
    assert called == sorted(each["operationId"] for item in document["paths"].values() for each in item.values())
