"""A process of its own that writes to a data folder: `python sqlite_child.py FOLDER endless|COUNT`. It prints what was acknowledged."""

import asyncio
import sys
from pathlib import Path

from sqlite_library import AUTHORS, CATALOG, CLOCK, create, update, write

from holdfast.store.sqlite.store import SqliteStore

WRITERS = 16


async def work(data_dir: Path, count: int | None) -> None:
    """Create records from many tasks at once, change each, and print the id after each answer."""
    store = SqliteStore(CATALOG, data_dir, CLOCK, create=True)
    print("ready", flush=True)  # noqa: T201  # the parent listens

    async def write_on() -> None:
        made = 0
        while count is None or made < count:
            step = create(AUTHORS, name="South" if made % 2 else "North")
            await store.write(write(step))
            print("created", step.id, flush=True)  # noqa: T201
            await store.write(write(update(step, version=1, name="South")))
            print("changed", step.id, flush=True)  # noqa: T201
            made += 1

    await asyncio.gather(*(write_on() for _ in range(WRITERS)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), None if sys.argv[2] == "endless" else int(sys.argv[2])))
