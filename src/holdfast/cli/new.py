"""`holdfast new`: a small working project."""

from importlib import resources
from pathlib import Path
from shlex import quote

import click

FILES = {
    "app.py": "app.py.txt",
    "holdfast.toml": "holdfast.toml.txt",
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    ".gitignore": "gitignore.txt",
    "tests/test_app.py": "test_app.py.txt",
}
"""Each file of a new project, and the template beside this module that it is made from."""


@click.command("new")
@click.argument("folder_name", metavar="DIR", type=click.Path())
def command(folder_name: str) -> None:
    """Make a small working project in DIR: an app, its tests, its settings. Never overwrites anything."""
    from holdfast.base.errors import Misconfigured  # noqa: PLC0415 - heavy for `--help`

    if folder_name == "":
        raise Misconfigured("DIR", "It is empty.", "Name a folder, or `.` for this one; nothing was written.")
    folder = Path(folder_name)
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise Misconfigured(str(folder), f"It has {', '.join(there)} already.", "Choose a new folder; nothing was written.")
    if folder.exists() and not folder.is_dir():
        raise Misconfigured(str(folder), "It is a file.", "Choose a new folder; nothing was written.")
    _write_files(folder)
    click.echo(f"Made {folder}: {', '.join(FILES)}.\n")
    click.echo(f"  cd {quote(str(folder))}")
    click.echo("  holdfast dev        serve it, with reload")
    click.echo("  pytest              run its tests")


def _write_files(folder: Path) -> None:
    templates = resources.files("holdfast.cli") / "project"
    name = folder.resolve().name
    for path, template in FILES.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (templates / template).read_text("utf-8").replace("{{name}}", _package_name(name)).replace("{{title}}", name)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)


def _package_name(name: str) -> str:
    """A name that a Python project may have."""
    kept = "".join(each if each.isascii() and each.isalnum() else "-" for each in name.lower()).strip("-")
    return kept or "app"
