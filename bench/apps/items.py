"""The resource of the benchmark: 10 declared fields of many types."""

from datetime import date
from decimal import Decimal
from typing import Literal

from holdfast import Access, Backend, Resource, anyone, field


class Item(Resource):
    """A thing in a shop."""

    name: str = field(min_length=1, max_length=120)
    sku: str = field(max_length=40)
    category: str = field(max_length=40, index=True)
    price: Decimal = field(ge=0, digits=12, places=2)
    quantity: int = field(ge=0)
    rating: float = field(ge=0, le=5)
    active: bool = True
    status: Literal["draft", "published", "archived"] = "draft"
    released_on: date | None = None
    notes: str = field(default="", max_length=2_000)

    access = Access(read=anyone, write=anyone)


backend = Backend(Item)
