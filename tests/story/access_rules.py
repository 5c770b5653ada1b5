"""A backend that has every kind of rule at every place where a rule can stand, and the same without any, to fill it.

There is one resource for each kind of rule, all with the same fields. The kind of a resource rules its read; the other verbs and the
fields are ruled by other kinds, turned on by some places from resource to resource, so that each kind meets each place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import new_class
from typing import Any, Literal
from uuid import UUID

from holdfast import Access, Backend, Ref, Resource, User, anyone, field, is_in, is_null, now, owner, role, signed_in, this, user
from holdfast.model.rule import Nobody, Rule

CODE = UUID("01890a5d-ac96-774b-bcce-b302099a8051")
LONG_AGO, FAR_AHEAD = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2201, 2, 3, 4, 5, 6, tzinfo=UTC)

VERBS = ("list", "read", "create", "update", "update_to", "delete")
FIELDS = ("mask.readable_by", "lock.writable_by", "veil.readable_by", "veil.writable_by")

KINDS: Mapping[str, Rule] = {
    "anyone": anyone,
    "signed": signed_in,
    "owner": owner,
    "role": role("a"),
    "roles": role("a", "b"),
    "nobody": Nobody(),
    "text": this.text == "open",
    "unlike": this.text != "open",
    "number": (this.number >= 2) & (this.number < 7),
    "decimal": this.amount > Decimal("10.50"),
    "ratio": this.ratio <= 0.5,
    "flag": this.flag,
    "unflagged": ~this.flag,
    "choice": is_in(this.choice, "draft", "final"),
    "day": this.day < date(2101, 1, 1),
    "moment": this.moment >= datetime(2101, 1, 1, tzinfo=UTC),
    "hour": this.hour >= time(12),
    "span": this.span < timedelta(hours=2),
    "code": this.code == CODE,
    "empty": is_null(this.number),
    "filled": ~is_null(this.number),
    "pair": this.number <= this.limit,
    "void": this.text == None,  # noqa: E711  # a rule compares with None
    "team": this.team == user.team,
    "person": this.person == user,
    "one-step": this.team.name == user.unit,
    "one-step-const": this.team.open,
    "two-steps": this.team.region.name == "north",
    "two-steps-user": this.team.lead.email == user.email,
    "two-steps-null": is_null(this.team.region.name),
    "level": user.level >= 3,
    "level-row": this.number <= user.level,
    "not-owner": ~owner,
    "not-role": ~role("a") & signed_in,
    "not-less": ~(this.number < 5),
    "mixed": (this.text == "open") | owner | role("b"),
    "both": signed_in & this.flag & ~(this.choice == "draft"),
    "deep": ~((this.flag & owner) | (role("a") & is_null(this.number))) & ((this.number < 6) | (this.team.open & signed_in)),
}
"""Every kind of rule by its name."""

TURN: Mapping[str, int] = {
    "read": 0,
    "list": 7,
    "create": 3,
    "update": 11,
    "update_to": 17,
    "delete": 23,
    "mask.readable_by": 5,
    "lock.writable_by": 13,
    "veil.readable_by": 19,
    "veil.writable_by": 29,
}
"""By how many kinds the rule of a place is turned on from that of read."""

TAME: Mapping[str, Mapping[str, Rule]] = {
    "shared": {"read": anyone, "update": owner | role("a"), "update_to": this.text != "shut", "delete": owner, "create": signed_in},
    "own": {"read": owner | role("b"), "create": this.text == "open", "update": owner, "delete": owner | role("b"), "list": signed_in},
    "write-only": {"create": anyone},
    "read-only": {"read": this.flag | role("a")},
    "listed": {"list": this.text == "open", "read": role("a") | (this.text == "open"), "create": role("a")},
    "unlisted": {"list": role("b"), "read": anyone, "create": anyone, "update": anyone, "delete": anyone},
    "masked": {
        "read": anyone,
        "create": signed_in,
        "update": signed_in,
        "delete": role("a"),
        "mask.readable_by": owner | this.flag,
        "lock.writable_by": owner,
        "veil.readable_by": role("a"),
        "veil.writable_by": role("a", "b"),
    },
    "veiled": {
        "read": signed_in,
        "create": signed_in,
        "update": signed_in,
        "mask.readable_by": this.text == "open",
        "lock.writable_by": this.number >= 2,
        "veil.readable_by": role("b"),
        "veil.writable_by": signed_in & (this.flag | role("b")),
    },
}
"""Rules that go together as people write them, so that writes are not refused by the first of them."""


TIMELY: Mapping[str, Mapping[str, Rule]] = {
    "due": {"read": this.day <= now, "list": this.moment > now, "create": signed_in, "update": this.moment > now, "delete": owner},
    "later": {
        "read": signed_in,
        "create": ~(this.day <= now),
        "update": owner | (this.moment < now),
        "update_to": ~(this.moment < now),
        "mask.readable_by": this.moment <= now,
        "lock.writable_by": this.day >= now,
    },
}
"""Rules that ask what time it is. They are bound anew for each request, so they are in a backend of their own."""


class Region(Resource):
    """What rules look at and nobody but an admin may read."""

    name: str | None = None


class Team(Resource):
    """What rules look at and some may read."""

    name: str
    open: bool = False
    region: Ref[Region] | None = None
    lead: "Ref[Person] | None" = field(default=None, reverse="led-teams")

    access = Access(read=this.open | role("a"))


class Person(User):
    """Users, with fields for rules and access restated: of oneself, or for a role."""

    team: Ref[Team] | None = None
    unit: str | None = None
    level: int | None = None
    hint: str | None = field(default=None, readable_by=role("b"))

    access = Access(read=owner | role("a"), update=owner)


class Sheet(Resource, index=["created_by"]):
    """What every resource under test holds. A rule that asks for the owner brings an index; with it, tables do not depend on rules."""

    text: str | None = field(default=None, search=True)
    number: int | None = None
    limit: int | None = None
    amount: Decimal | None = field(default=None, places=2)
    ratio: float | None = None
    flag: bool = False
    choice: Literal["draft", "final", "other"] | None = None
    day: date | None = None
    moment: datetime | None = None
    hour: time | None = None
    span: timedelta | None = None
    code: UUID | None = None
    team: Ref[Team] | None = None
    person: Ref[Person] | None = None


@dataclass(frozen=True)
class Ruled:
    """One resource under test: its path, and the rule of every place, as declared."""

    path: str
    rules: Mapping[str, Rule]

    def rule(self, place: str) -> Rule:
        """The rule of a place, or what stands where none was written."""
        for each in _STANDS_FOR[place]:
            if each in self.rules:
                return self.rules[each]
        return anyone if "." in place else Nobody()


_STANDS_FOR = {
    "read": ("read",),
    "list": ("list", "read"),
    "create": ("create",),
    "update": ("update",),
    "update_to": ("update_to", "update"),
    "delete": ("delete",),
    "mask.readable_by": ("mask.readable_by",),
    "mask.writable_by": ("mask.readable_by",),
    "lock.readable_by": (),
    "lock.writable_by": ("lock.writable_by",),
    "veil.readable_by": ("veil.readable_by",),
    "veil.writable_by": ("veil.writable_by", "veil.readable_by"),
}


def turned() -> list[Ruled]:
    """One resource for each kind of rule."""
    names = list(KINDS)
    found = []
    for index, name in enumerate(names):
        rules = {place: KINDS[names[(index + turn) % len(names)]] for place, turn in TURN.items()}
        found.append(Ruled(f"{name}-sheets", {place: rule for place, rule in rules.items() if not isinstance(rule, Nobody)}))
    return found


def tame() -> list[Ruled]:
    """The resources whose rules go together."""
    return [Ruled(f"{name}-sheets", rules) for name, rules in TAME.items()]


def timely() -> list[Ruled]:
    """The resources whose rules ask what time it is."""
    return [Ruled(f"{name}-sheets", rules) for name, rules in TIMELY.items()]


def declare(ruled: list[Ruled], *, opened: bool = False) -> Backend:
    """The backend of some resources; `opened`: everyone may do anything with them, and the tables are the same."""
    return Backend(Region, Team, Person, *(_sheet(each, opened=opened) for each in ruled), require_version=False)


def _sheet(ruled: Ruled, *, opened: bool) -> type[Resource]:
    rules = {} if opened else ruled.rules

    def fill(names: dict[str, Any]) -> None:
        names["__annotations__"] = {"mask": str | None, "lock": str | None, "veil": str | None}
        names["__module__"] = __name__
        for name in ("mask", "lock", "veil"):
            of_field = {place.partition(".")[2]: rule for place, rule in rules.items() if place.startswith(f"{name}.")}
            names[name] = field(default=None, search=name == "mask", **of_field)  # type: ignore[call-overload]
        names["access"] = _access({verb: anyone if opened else rules[verb] for verb in VERBS if opened or verb in rules})

    name = "".join(part.title() for part in ruled.path.split("-"))
    made: type[Resource] = new_class(name, (Sheet,), {"path": ruled.path}, fill)
    return made


def _access(rules: Mapping[str, Any]) -> Access:
    return Access(**rules)
