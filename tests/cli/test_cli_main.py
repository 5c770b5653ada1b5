"""The command line itself: help, names, failures, exit status."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_harness import call

from holdfast.cli.main import COMMANDS, group

TWO_BACKENDS = """
from holdfast import Backend, Resource

class A(Resource):
    x: int

class B(Resource):
    x: int

one = Backend(A)
also = one
two = Backend(B)
"""
HEAVY = ("apsw", "sqlalchemy", "uvicorn", "rich", "prometheus_client", "msgspec", "starlette", "asyncio")


def test_help_imports_nothing_heavy() -> None:
    """`holdfast --help` lists every command and loads no library but click."""
    script = (
        "import sys; from holdfast.cli.main import run; status = run(['--help']);"
        f"print([each for each in {HEAVY!r} if each in sys.modules]); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0
    assert done.stdout.endswith("[]\n")
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(folder: Path, name: str) -> None:
    """Each command has its help, and needs neither an app nor data for it."""
    result = call(name, "--help")

    assert (result.status, result.err) == (0, "")
    assert f"Usage: holdfast {name}" in result.out
    assert list(folder.iterdir()) == []


def _leaves(name: str, found: click.Command | None) -> Iterator[tuple[str, click.Command]]:
    assert found is not None
    if not isinstance(found, click.Group):
        yield name, found
        return
    for each in found.list_commands(click.Context(found)):
        yield from _leaves(f"{name} {each}".strip(), found.get_command(click.Context(found), each))


def test_every_command_takes_the_shared_options() -> None:
    """--app, --data and --database mean the same everywhere; `serve` and `dev` take the app as their argument, `new` makes one."""
    taken = {name: {option for each in found.params for option in each.opts} for name, found in _leaves("", group)}

    assert {name for name, options in taken.items() if not {"--data", "--database"} <= options} == {"new"}
    assert {name for name, options in taken.items() if "--app" not in options} == {"new", "serve", "dev"}


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("command", [["dump", "books"], ["openapi"]])
def test_a_file_in_no_folder_is_wrong_use(command: list[str]) -> None:
    """Where the folder of --output is not there, it is named with what to do."""
    result = call(*command, "--output", "nowhere/out.json")

    assert result.status == 2
    assert "There is no folder nowhere. Make it, or name a file elsewhere." in result.err


def test_it_runs_as_a_module() -> None:
    """`python -m holdfast` is the same command."""
    done = subprocess.run([sys.executable, "-m", "holdfast", "--version"], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout.startswith("holdfast ")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["laod"], "Did you mean `load`?"),
        (["xyzzy"], "There is no command `xyzzy`."),
        (["--bogus"], "No such option"),
        (["load", "x.jsonl", "--into", "books"], "'x.jsonl' does not exist"),
        (["dump"], "RESOURCE"),
        (["serve", "--prot", "1"], "--port"),
        ([], "Usage: holdfast"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_wrong_use_is_status_2(arguments: list[str], said: str) -> None:
    """Wrong use is told on standard error with the way out, and ends with status 2."""
    result = call(*arguments)

    assert (result.status, result.out) == (2, "")
    assert said in result.err


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (None, ["routes"], ["app.py", "There is no such file.", "has no .py file"]),
        ("backend = 1\n", ["routes"], ["It declares no Backend.", "backend = Backend("]),
        ("x = (\n", ["routes"], ["app.py:1", "SyntaxError", "Correct this line."]),
        (
            "import nowhere_to_be_found\n",
            ["routes"],
            ["No module named 'nowhere_to_be_found'", "Install the package", "line 1, in <module>"],
        ),
        ("def f():\n    return 1 / 0\nf()\n", ["routes"], ["ZeroDivisionError", "line 3, in <module>", "line 2, in f", "return 1 / 0"]),
        (
            "from holdfast import Access, anyone, signed_in\n\n\nclass Shelf:\n    access = Access(read=anyone and signed_in)\n",
            ["routes"],
            ["error  ", "app.py:5\n", "A rule has no truth value", " mend  Combine rules with `|`, `&` and `~`", "line 5, in Shelf"],
        ),
        (
            'from holdfast import owner, this\n\nrule = this.status == "published" | owner\n',
            ["routes"],
            ["app.py:3\n", "combined with rules only, not with 'published'.", " mend  Put each comparison in brackets"],
        ),
        (
            "from holdfast import role\nrole()\n",
            ["routes"],
            ["app.py:2\n", "role() takes one or more role names.", ' mend  Write role("editor").'],
        ),
        ("raise SystemExit(3)\n", ["routes"], ["SystemExit: 3", "importable without doing anything else"]),
        ("", ["routes", "--app", "ap.py"], ["There is no such file.", "Did you mean app.py?"]),
        ("", ["routes", "--app", "no_such_module"], ["There is no such module.", "Name a file"]),
        ("", ["routes", "--app", "app.py:thing"], ["`thing` is not a Backend."]),
        (
            TWO_BACKENDS,
            ["routes"],
            ["several Backends: one, two", "app.py:one"],
        ),
        ("from holdfast import Resource\nclass Book(Resource):\n    x: set[int]\n", ["routes"], ["Book"]),
    ],
)
def test_a_wrong_app_says_where_and_what_to_do(folder: Path, text: str | None, arguments: list[str], said: list[str]) -> None:
    """Whatever is wrong with the app, place, problem and mend are told; of a traceback only the developer's own frames."""
    if text is not None:
        (folder / "app.py").write_text(text)

    result = call(*arguments)

    assert (result.status, result.out) == (2, "")
    assert [each for each in said if each not in result.err] == []
    assert "src/holdfast" not in result.err


@pytest.mark.usefixtures("library")
def test_an_app_is_named_in_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, a file's attribute, a module, a module's attribute, and HOLDFAST_APP all find the same Backend."""
    default = call("routes").out
    monkeypatch.setenv("HOLDFAST_APP", "app:backend")

    assert "/api/v1/authors" in default
    assert [default] * 4 == [call("routes", "--app", each).out for each in ("app.py", "app.py:backend", "app", "app:backend")]
    assert call("routes").out == default


@pytest.mark.usefixtures("library")
def test_a_wrong_setting_is_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown setting in the environment stops a command, with the nearest name."""
    monkeypatch.setenv("HOLDFAST_PROT", "1")

    result = call("routes")

    assert result.status == 2
    assert "`HOLDFAST_PORT`" in result.err


def test_a_closed_pipe_is_quiet(library: Path) -> None:
    """A reader who has seen enough (`| head`) is no reason for a traceback."""
    (library / "app.py").write_text(
        "from holdfast import Backend, Resource\n"
        + "".join(f"class A{number}(Resource):\n    x: int\n" for number in range(200))
        + f"backend = Backend({', '.join(f'A{number}' for number in range(200))})\n"
    )
    command = f"{sys.executable} -m holdfast openapi | head -c 1"
    done = subprocess.run(command, shell=True, cwd=library, capture_output=True, text=True, timeout=60, check=False)  # noqa: S602 - a pipe

    assert (done.stdout, done.stderr) == ("{", "")
