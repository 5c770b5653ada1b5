"""What the pages show in Python is sound in the eyes of the type checker that they recommend."""

import subprocess
import sys
from pathlib import Path

from docs_pages import PAGES, ROOT, read_blocks


def test_python_of_the_pages_passes_mypy_strict(tmp_path: Path) -> None:
    """Every Python block of every page passes mypy --strict with truthy-bool, in one run."""
    files = []
    for page in PAGES:
        for block in read_blocks(page):
            if block.language == "python":
                files.append(tmp_path / f"{page.stem.lower().replace('-', '_')}_{block.line}.py")
                files[-1].write_text(block.text, "utf-8")
    options = ["--strict", "--enable-error-code=truthy-bool", "--config-file=", f"--cache-dir={ROOT / '.mypy_cache' / 'docs'}"]
    command = [sys.executable, "-m", "mypy", *options, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)

    assert files
    assert done.returncode == 0, done.stdout + done.stderr
