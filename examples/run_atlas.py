"""`make run`: load the atlas once, then serve it."""

import argparse
import subprocess
import sys
from pathlib import Path

from examples.atlas_data import write_files

APP = str(Path(__file__).with_name("atlas.py"))


def main() -> int:
    """Load what is not loaded yet and serve until stopped; the exit status is that of `holdfast serve`."""
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
    return _holdfast("serve", APP, "--data", str(options.data), *port)


def _holdfast(*arguments: str) -> int:
    try:
        return subprocess.call([sys.executable, "-m", "holdfast", *arguments])  # noqa: S603 - our own command
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
