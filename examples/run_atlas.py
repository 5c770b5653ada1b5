"""`make run`: load the atlas once, then serve it."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from examples.atlas_data import write_files

APP = str(Path(__file__).with_name("atlas.py"))


def main() -> int:
    """Load what is not loaded yet, then become `holdfast serve`; the exit status is that of whichever fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--port")
    options = parser.parse_args()
    files = options.data / "import"
    if not (files / "borders.jsonl").exists():
        write_files(files)
    for name in ("continents", "countries", "cities", "borders"):
        loaded = _holdfast("load", str(files / f"{name}.jsonl"), "--into", name, "--app", APP, "--data", str(options.data))
        if loaded != 0:
            return loaded
    port = ("--port", options.port) if options.port else ()  # else that of the environment, as everywhere
    return _become("serve", APP, "--data", str(options.data), *port)


def _become(*arguments: str) -> NoReturn:
    """Go on as a command of ours, so that whoever stops us stops it."""
    os.execv(sys.executable, [sys.executable, "-m", "holdfast", *arguments])  # noqa: S606 - our own command


def _holdfast(*arguments: str) -> int:
    try:
        return subprocess.call([sys.executable, "-m", "holdfast", *arguments])  # noqa: S603 - our own command
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
