"""The resource of the benchmark under rules: of its rows for each role by another kind of condition, and of one field."""

from bench.apps.items import Item as OpenItem
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


class Item(OpenItem):
    """A thing in a shop; each role is granted it by a rule of another kind."""

    notes: str = field(default="", max_length=2_000, readable_by=role("clerk", "buyer", "maker"))
    shop: Ref[Shop] | None = None

    access = Access(
        read=(role("clerk") & (this.category == user.category)) | (role("buyer") & this.shop.open) | (role("maker") & owner),
        create=role("maker"),
    )


backend = Backend(Shop, Member, Item)
