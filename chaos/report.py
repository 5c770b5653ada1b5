"""What a run prints, so that it can be run again."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def commit() -> str:
    """The commit of the code that runs, with a mark where files differ from it."""
    try:
        told = subprocess.run(
            ("git", "describe", "--always", "--dirty", "--abbrev=12"), cwd=ROOT, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return told.stdout.strip()


def describe(campaign: str, seed: int, more: str = "--count 1") -> str:
    """How to run one run again."""
    return f"{campaign}: seed {seed} at commit {commit()}; again: python -m chaos --only {campaign} --seed {seed} {more}"
