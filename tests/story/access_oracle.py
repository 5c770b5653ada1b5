"""The oracle of the matrix: what docs/access.md grants, found by evaluating the rules as they were declared on plain Python values.

It shares nothing with core.permit but the words of the declaration. A rule is evaluated for a caller and a row; without a row it is
`None` where that would depend on it, which tells what is granted on no row (401, 403) from what is granted on some.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from access_rules import Person, Ruled, Team

from holdfast.model.rule import (
    AllOf,
    Always,
    AnyOf,
    Compare,
    Constant,
    Membership,
    Negation,
    Nobody,
    Now,
    NullTest,
    OfUser,
    Operand,
    Role,
    Rule,
    SignedIn,
    This,
    path_of,
)

Record = Mapping[str, Any]
"""A record by Python names; a reference is the id of what it names."""

SPECIAL = ("mask", "lock", "veil")
"""The members that have rules of their own."""

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}
_BEHIND = {"team": "teams", "region": "regions", "lead": "users", "person": "users"}


@dataclass(frozen=True)
class Caller:
    """Who asks: a token, and what the rules may know of them."""

    name: str
    token: str | None = None
    id: str | None = None
    roles: frozenset[str] = frozenset()
    values: Record = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """How they say who they are."""
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}

    @property
    def refusal(self) -> int:
        """The status of what they are granted on no row."""
        return 401 if self.id is None else 403


@dataclass(frozen=True)
class World:
    """The records that rules look at through references: table -> id -> record."""

    tables: Mapping[str, Mapping[Any, Record]]

    def holds(self, rule: Rule | This, caller: Caller, row: Record | None) -> bool | None:
        """Whether a rule holds; None where no row is given and it would depend on one."""
        if "admin" in caller.roles:
            return True
        return self._holds(rule, caller, row)

    def _holds(self, rule: Rule | This, caller: Caller, row: Record | None) -> bool | None:
        match rule:
            case Always():
                return True
            case Nobody():
                return False
            case SignedIn():
                return caller.id is not None
            case Role(names):
                return any(name in caller.roles for name in names)
            case AllOf(parts):
                return _all([self._holds(each, caller, row) for each in parts])
            case AnyOf(parts):
                inverse = _all([_not(self._holds(each, caller, row)) for each in parts])
                return _not(inverse)
            case Negation(part):
                return _not(self._holds(part, caller, row))
            case This():
                return None if row is None else self._read(rule, row) is True
            case NullTest(This() as asked):
                return None if row is None else self._read(asked, row) is None
            case Membership(This() as asked, values):
                return None if row is None else self._read(asked, row) in [each.value for each in values if isinstance(each, Constant)]
            case Compare():
                return self._compare(rule, caller, row)
        raise AssertionError(f"the oracle knows no {rule!r}")

    def _compare(self, rule: Compare, caller: Caller, row: Record | None) -> bool | None:
        sides = (rule.left, rule.right)
        if caller.id is None and any(isinstance(each, OfUser) for each in sides):
            return False
        if row is None and any(isinstance(each, This) for each in sides):
            return None
        is_date = any(isinstance(each, This) and path_of(each)[-1] == "day" for each in sides)
        left, right = (self._value(each, caller, row, is_date=is_date) for each in sides)
        if rule.operator in ("eq", "ne"):
            return (left == right) is (rule.operator == "eq")
        return left is not None and right is not None and _ORDER[rule.operator](left, right)

    def _value(self, operand: Operand, caller: Caller, row: Record | None, *, is_date: bool) -> Any:
        match operand:
            case Constant(value):
                return value
            case This():
                assert row is not None
                return self._read(operand, row)
            case OfUser():
                names = path_of(operand)
                return caller.id if not names else caller.values.get(names[0])
            case Now():
                return datetime.now(UTC).date() if is_date else datetime.now(UTC)
        raise AssertionError(f"the oracle knows no {operand!r}")

    def _read(self, asked: This, row: Record) -> Any:
        """The value at the end of a path; null where a reference names nothing."""
        *through, last = path_of(asked)
        found = row
        for name in through:
            behind = self.tables[_BEHIND[name]].get(found.get(name))
            if behind is None:
                return None
            found = behind
        return found.get(last)

    def may_see(self, table: str, key: str | None, caller: Caller) -> bool:
        """Whether a caller may read the record that a reference names."""
        found = None if key is None else self.tables[table].get(key)
        if found is None:
            return False
        rule = {"teams": Team.access.given, "users": Person.access.given}.get(table, {}).get("read", Nobody())
        assert isinstance(rule, Rule)
        return bool(self.holds(rule, caller, found))


@dataclass(frozen=True)
class Wanted:
    """What a write comes to: its status and code, the fields that are told, and what is shown of the row (None: nothing of the kind)."""

    status: int
    code: str | None = None
    fields: frozenset[tuple[str, str]] = frozenset()
    shown: frozenset[str] | None = None


@dataclass(frozen=True)
class Oracle:
    """What one declaration grants on one resource."""

    world: World
    ruled: Ruled

    def on(self, place: str, caller: Caller, row: Record) -> bool:
        """Whether the rule of a place holds for a row."""
        return bool(self.world.holds(self.ruled.rule(place), caller, row))

    def ever(self, place: str, caller: Caller) -> bool:
        """Whether there can be a row for which it holds."""
        return self.world.holds(self.ruled.rule(place), caller, None) is not False

    def always(self, place: str, caller: Caller) -> bool:
        """Whether it holds whatever the row."""
        return self.world.holds(self.ruled.rule(place), caller, None) is True

    def may(self, verb: str, caller: Caller) -> bool:
        """Whether the verb is granted on any row; what cannot be read cannot be changed."""
        return self.ever(verb, caller) and (verb not in ("update", "delete") or self.ever("read", caller))

    def history(self, caller: Caller, images: Sequence[Record | None]) -> list[tuple[Record | None, Record | None]]:
        """What the entries show of a record that was each of the images in turn (None: was not there), newest first: before, after."""
        seen = [each if each is not None and self.on("read", caller, each) else None for each in images]
        return [pair for pair in pairwise(seen) if pair != (None, None)][::-1]

    def names(self, caller: Caller) -> frozenset[str]:
        """The special members that the caller may know of."""
        return frozenset(each for each in SPECIAL if self.ever(f"{each}.readable_by", caller))

    def shown(self, caller: Caller, row: Record) -> frozenset[str]:
        """The special members that a row shows the caller."""
        return frozenset(each for each in SPECIAL if self.on(f"{each}.readable_by", caller, row))

    def _shown_after(self, caller: Caller, row: Record) -> frozenset[str] | None:
        return self.shown(caller, row) if self.on("read", caller, row) else None

    def create(self, caller: Caller, sent: Record, new: Record) -> Wanted:
        """Making a record of what was sent; `new` is the row as it would be."""
        if not self.may("create", caller):
            return self._refused(caller)
        faults = {*self._faults(caller, sent, fixed=True), *self._missing(caller, sent, {})}
        if faults:
            return Wanted(422, "validation_failed", frozenset(faults))
        locks = [each for each in sent if each in SPECIAL and not self.on(f"{each}.writable_by", caller, new)]
        if locks:
            return Wanted(422, "validation_failed", frozenset((each, "read_only") for each in locks))
        if not self.on("create", caller, new):
            return Wanted(403, "forbidden")
        return Wanted(201, None, shown=self._shown_after(caller, new))

    def update(self, caller: Caller, sent: Record, old: Record, new: Record) -> Wanted:
        """Changing a record; `new` is the row as it would be, if all that was sent might be changed."""
        if not self.may("update", caller):
            return self._refused(caller)
        sees = self.on("read", caller, old)
        missing = self._missing(caller, sent, old if sees else {})
        faults = {*self._faults(caller, sent, fixed=False), *missing}
        shown = self.shown(caller, old)
        changes = [each for each in sent if each in SPECIAL and (sent[each] != old.get(each) or each not in shown)]
        locks = {(each, "read_only") for each in changes if not self.on(f"{each}.writable_by", caller, old)}
        if faults:  # all at once: with what is not theirs in this row, where they may know it
            return Wanted(422, "validation_failed", frozenset(faults))
        if not sees:
            return Wanted(404, "not_found")
        if not self.on("update", caller, old):
            return Wanted(403, "forbidden")
        if locks:
            return Wanted(422, "validation_failed", frozenset(locks))
        if not self.on("update_to", caller, new):
            return Wanted(403, "forbidden")
        return Wanted(200, None, shown=self._shown_after(caller, new))

    def replaced(self, caller: Caller, sent: Record, old: Record, defaults: Record) -> dict[str, Any]:
        """The row after a full update: what the caller may not read and write in every row stays."""
        kept = {each for each in SPECIAL if not (self.always(f"{each}.readable_by", caller) and self.always(f"{each}.writable_by", caller))}
        return {**old, **{name: value for name, value in defaults.items() if name not in kept}, **sent}

    def delete(self, caller: Caller, row: Record, *, done: int = 200) -> Wanted:
        """Deleting a record, or making a deleted one again, judged by how it last was."""
        if not self.may("delete", caller):
            return self._refused(caller)
        if not self.on("read", caller, row):
            return Wanted(404, "not_found")
        return Wanted(done) if self.on("delete", caller, row) else Wanted(403, "forbidden")

    def _refused(self, caller: Caller) -> Wanted:
        return Wanted(caller.refusal, "unauthenticated" if caller.id is None else "forbidden")

    def _faults(self, caller: Caller, sent: Record, *, fixed: bool) -> set[tuple[str, str]]:
        """What is not a member for this caller, or (`fixed`) one that is not theirs to set in any row."""
        faults = set()
        for name in sent:
            if name not in SPECIAL or self.ever(f"{name}.writable_by", caller):
                continue
            if not self.ever(f"{name}.readable_by", caller):
                faults.add((name, "unknown_member"))
            elif fixed:
                faults.add((name, "read_only"))
        return faults

    def _missing(self, caller: Caller, sent: Record, old: Record) -> set[tuple[str, str]]:
        """The references to what the caller may not know of; one that stood there before may stay."""
        return {
            (f"{name}_id", "reference_missing")
            for name in ("team", "person")
            if (value := sent.get(name)) is not None and value != old.get(name) and not self.world.may_see(_BEHIND[name], value, caller)
        }


def _not(truth: bool | None) -> bool | None:  # noqa: FBT001  # a truth is what it is about
    return None if truth is None else not truth


def _all(truths: Sequence[bool | None]) -> bool | None:
    if False in truths:
        return False
    return None if None in truths else True
