"""new: a project that works from its first minute."""

import subprocess
import sys
from pathlib import Path

from cli_harness import call, clean_environ

from holdfast.cli.new import FILES


def test_a_new_project_passes_its_own_tests(folder: Path) -> None:
    """The project of `new` passes its tests, its settings are read, and git would not see its data."""
    made = call("new", "My Garden")
    project = folder / "My Garden"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env=clean_environ() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # ours are not its
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (made.status, made.err) == (0, "")
    assert "  cd 'My Garden'\n" in made.out
    assert "4 passed" in done.stdout
    assert sorted(FILES) == sorted(
        str(each.relative_to(project)) for each in project.rglob("*") if each.is_file() and each.suffix != ".pyc"
    )
    assert "/data/" in (project / ".gitignore").read_text()
    assert 'name = "my-garden"' in (project / "pyproject.toml").read_text()


def test_nothing_is_overwritten(folder: Path) -> None:
    """A folder that holds one of the files is refused, and left as it was."""
    (folder / "app.py").write_text("mine")

    result = call("new", ".")

    assert result.status == 2
    assert "It has app.py already." in result.err
    assert [each.name for each in folder.iterdir()] == ["app.py"]
    assert (folder / "app.py").read_text() == "mine"


def test_a_file_is_no_folder(folder: Path) -> None:
    """Where a file stands no project is made."""
    (folder / "taken").write_text("")

    assert "It is a file." in call("new", "taken").err


def test_an_empty_name_is_refused(folder: Path) -> None:
    """`new ""`, as an unset variable of a shell makes it, does not fill the current folder."""
    result = call("new", "")

    assert (result.status, list(folder.iterdir())) == (2, [])
    assert "It is empty." in result.err


def test_the_working_directory_will_do(folder: Path) -> None:
    """`new .` fills an existing folder that has none of the files."""
    (folder / "notes.txt").write_text("mine")

    assert call("new", ".").status == 0
    assert call("routes").status == 0
