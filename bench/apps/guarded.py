"""The resource of the benchmark under rules: of its rows for each role by another kind of condition, and of one field."""

from datetime import date
from decimal import Decimal
from typing import Literal

from holdfast import Access, Backend, Ref, Resource, User, field, owner, role, signed_in, this, user


class Shop(Resource):
    """Where things are sold."""

    name: str = field(max_length=120)
    open: bool = True

    access = Access(read=signed_in)


class Member(User):
    """Who works with things: in one category."""

    category: str | None = None

    access = Access(read=owner)


class Item(Resource):
    """A thing in a shop; each role is granted it by a rule of another kind."""

    name: str = field(min_length=1, max_length=120)
    sku: str = field(max_length=40)
    category: str = field(max_length=40, index=True)
    price: Decimal = field(ge=0, digits=12, places=2)
    quantity: int = field(ge=0)
    rating: float = field(ge=0, le=5)
    active: bool = True
    status: Literal["draft", "published", "archived"] = "draft"
    released_on: date | None = None
    notes: str = field(default="", max_length=2_000, readable_by=role("clerk", "buyer", "maker"))
    shop: Ref[Shop] | None = None

    access = Access(
        read=(role("clerk") & (this.category == user.category)) | (role("buyer") & this.shop.open) | (role("maker") & owner),
        create=role("maker"),
    )


backend = Backend(Shop, Member, Item)
