from datetime import date
from decimal import Decimal
from typing import Literal

from holdfast import Access, Backend, Email, Ref, Resource, anyone, field, owner, role, this


class Author(Resource):
    """People who write books."""

    name: str = field(min_length=1, max_length=120, search=True)
    email: Email = field(unique=True)

    access = Access(read=anyone, write=role("editor"))


class Book(Resource, unique=[("author", "title")]):
    title: str = field(min_length=1, max_length=200, search=True)
    author: Ref[Author] = field(on_delete="restrict")
    price: Decimal = field(ge=0, digits=10, places=2)
    status: Literal["draft", "published"] = "draft"
    published_on: date | None = None
    tags: list[str] = field(default_factory=list[str])
    cost: Decimal | None = field(default=None, places=2, readable_by=role("editor"))

    access = Access(
        read=(this.status == "published") | owner | role("editor"),
        create=role("editor"),
        update=role("editor") | owner,
        delete=role("admin"),
    )


backend = Backend(Author, Book)
