"""Reads of those who may wait: commands, and what a refusal takes. A handler takes what is there at once without a task."""

from collections.abc import AsyncIterator

from holdfast.core.condition import ALWAYS, Path
from holdfast.core.plan import Order, Page, ReadMany, ReadOne, Row
from holdfast.core.view import View
from holdfast.ports.store import Store


async def read_one(store: Store, plan: ReadOne) -> Row | None:
    """Read one record, now or later."""
    found = store.read_one(plan)
    return found if found is None or isinstance(found, Row) else await found


async def read_many(store: Store, plan: ReadMany) -> Page:
    """Read one page, now or later."""
    found = store.read_many(plan)
    return found if isinstance(found, Page) else await found


async def read_all(store: Store, view: View, by: str, rows_max: int) -> AsyncIterator[Page]:
    """Read every record in the order of a unique member, a page after another, each from its own snapshot."""
    order = (Order(Path(view.resource.by_member[by])),)
    after = None
    while True:
        page = await read_many(store, ReadMany(view, ALWAYS, order, rows_max, after=after, count=False))
        yield page
        if page.next is None:
            return
        after = page.next
