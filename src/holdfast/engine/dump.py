"""Export: every record of a resource, in the order of the ids, as JSON lines or CSV.

Pages are read one after another, each from its own snapshot: a record that is changed meanwhile appears once, old or new.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from holdfast.core.plan import Page
from holdfast.core.view import View
from holdfast.engine.cells import write_row
from holdfast.engine.reads import read_all
from holdfast.engine.rows import write_cell
from holdfast.model.catalog import ResourceSpec
from holdfast.ports.store import Store

PAGE_ROWS = 500


async def dump_lines(store: Store, resource: ResourceSpec) -> AsyncIterator[bytes]:
    """Yield the records as JSON lines, a page at a time."""
    async for page in _pages(store, resource):
        if page.rows:
            yield "\n".join((*page.rows, "")).encode()


async def dump_csv(store: Store, resource: ResourceSpec) -> AsyncIterator[bytes]:
    """Yield the records as CSV with a header, a page at a time; documents are JSON in their cell."""
    members = [each.member for each in resource.shown_fields]
    yield write_row(members).encode()
    async for page in _pages(store, resource):
        records: list[dict[str, Any]] = [msgspec.json.decode(text) for text in page.rows]
        yield "".join(write_row([write_cell(record[member]) for member in members]) for record in records).encode()


def _pages(store: Store, resource: ResourceSpec) -> AsyncIterator[Page]:
    return read_all(store, View(resource, resource.shown_fields), "id", PAGE_ROWS)
