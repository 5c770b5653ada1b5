"""The rows of the benchmark, loaded as a user would load them: `holdfast load`, through validation and journal."""

import json
import random
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from holdfast.base.ids import build_uuid7

APP = "bench/apps/items.py"
CATEGORIES = 500
JWT_KEY = "what the usual stack signs its tokens with"  # of a server that is thrown away
_EPOCH_MS = 1_700_000_000_000
_STATUSES = ("draft", "published", "archived")


def item_id(number: int) -> str:
    """The id of the row with this number."""
    return build_uuid7(_EPOCH_MS + number, number * 2_654_435_761 % 2**62)


def make_item(number: int, *, categories: int = CATEGORIES) -> dict[str, Any]:
    """One row without its id; the same number gives the same row."""
    dice = random.Random(number)
    return {
        "name": f"Item {number} {dice.choice(('lamp', 'chair', 'kettle', 'bicycle'))}",
        "sku": f"SKU-{number:08d}",
        "category": f"category-{number % categories}",
        "price": f"{dice.randrange(1, 100_000) / 100:.2f}",
        "quantity": dice.randrange(1_000),
        "rating": dice.randrange(50) / 10,
        "active": dice.random() < 0.9,
        "status": dice.choice(_STATUSES),
        "released_on": f"20{dice.randrange(10, 26)}-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d}",
        "notes": "What a customer would want to know before buying it. " * dice.randrange(1, 4),
    }


def load(data: Path, rows: int, *, categories: int = CATEGORIES) -> None:
    """Fill the database of a data folder with this many rows."""
    load_lines(data, "items", ({"id": item_id(number), **make_item(number, categories=categories)} for number in range(rows)))


def load_lines(data: Path, into: str, bodies: Iterable[Mapping[str, Any]], *, app: str = APP) -> None:
    """Load records into a resource of an app."""
    file = data.with_suffix(".jsonl")
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as lines:
        lines.writelines(f"{json.dumps(each)}\n" for each in bodies)
    command = [sys.executable, "-m", "holdfast", "load", str(file), "--into", into, "--app", app, "--data", str(data)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    file.unlink()
