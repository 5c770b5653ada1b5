"""A backend with every type and every option, so that the judges meet all of the document."""

from dataclasses import dataclass
from dataclasses import field as member
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from holdfast import Access, Backend, Email, Ref, Resource, Url, anyone, field, role, this

everyone = Access(read=anyone, write=anyone)


@dataclass
class Address:
    """Where something is."""

    city: str
    zip_code: str | None = None
    storeys: int = 1
    lines: list[str] = member(default_factory=list[str])


class Shelf(Resource, path="book-shelves", require_version=False):
    """A shelf, whose changes need no version."""

    label: str = field(max_length=20, pattern="^[A-Z][0-9]*$", examples=["A1"])
    above: Ref["Shelf"] | None = field(default=None, on_delete="set_null", reverse="below")

    access = everyone


class Thing(Resource, check=[this.first <= this.last], unique=[("code", "kind")], cache="private, no-cache"):
    """One field of every type."""

    code: str = field(min_length=2, max_length=12, immutable=True)
    note: str | None = field(default=None, description="Free text.", search=True)
    mail: Email | None = None
    home: Url | None = None
    count: int = field(default=0, ge=-5, le=5_000_000_000)
    step: int = field(default=0, multiple_of=5, deprecated=True)
    ratio: float = field(default=0.5, gt=0, lt=1_000)
    rough: float | None = None
    active: bool = True
    price: Decimal = field(default=Decimal("1.50"), gt=0, digits=8, places=2)
    share: Decimal | None = field(default=None, ge=Decimal("-1.5"), le=Decimal("2.25"), digits=6, places=4)
    whole: Decimal | None = field(default=None, digits=12, places=0)
    first: date = date(2020, 1, 1)
    last: date = date(2099, 12, 31)
    at: datetime | None = None
    opens: time | None = time(9, 30)
    lasts: timedelta | None = timedelta(hours=1)
    key: UUID | None = None
    kind: Literal["plain", "with, comma", "dot.ted"] = "plain"
    tags: list[str] = field(default_factory=list[str], max_length=5)
    sizes: list[Decimal | None] = field(default_factory=list[Decimal | None], places=1, digits=4)
    marks: dict[str, int] = field(default_factory=dict[str, int], max_length=4)
    address: Address | None = None
    shelf: Ref[Shelf] | None = field(default=None, on_delete="cascade", reverse="things")
    limit: int = field(default=1, description="A field named like a parameter.")
    password: str | None = field(default=None, secret="hashed", max_length=100)  # noqa: S106 - how it is kept
    made_by: str = field(default="hand", readonly=True)
    hidden: str | None = field(default=None, readable_by=role("editor"))

    access = everyone


backend = Backend(Shelf, Thing, title="Everything", version="7", description="All that can be declared.")
