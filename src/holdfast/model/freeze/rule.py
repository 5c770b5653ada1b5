"""How a rule as written becomes one that fits its resource: names checked, constants brought into stored form.

In a frozen rule every This names Python field names from the row on (system fields included; `created_by` for the maker), a This in a
Compare is on its left, and every Constant beside a This holds the stored form of that field's type. A Membership holds Constants alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.base.errors import Misconfigured
from holdfast.base.hint import suggest
from holdfast.base.limits import PATH_STEPS_MAX
from holdfast.model.catalog import FieldSpec
from holdfast.model.rule import (
    AllOf,
    AnyOf,
    Compare,
    CompareOperator,
    Constant,
    Membership,
    Negation,
    Now,
    NullTest,
    OfUser,
    Operand,
    Rule,
    This,
    holds,
    path_of,
)
from holdfast.model.stored import encode
from holdfast.model.types import Boolean, Choice, Date, Document, FieldType, Number, Reference, Timestamp, Uuid
from holdfast.model.user import PATH as USERS

Fields = Mapping[str, FieldSpec]
"""The fields of a resource by their Python names."""

_UNORDERED = (Boolean, Choice, Reference, Uuid)


@dataclass(frozen=True, slots=True)
class RuleReader:
    """Reads the rules of one resource. `fields` are its own; `others` those of every resource by path, for what lies behind a Ref."""

    place: str
    fields: Fields
    others: Mapping[str, Fields]

    def read(self, rule: object) -> Rule:
        """The rule, checked and settled; the first mistake in it is raised as Misconfigured."""
        if isinstance(rule, This):
            rule = holds(rule)
        if not isinstance(rule, Rule):
            raise self._mistake(f"{rule!r} is no rule.", 'Write a rule: anyone, owner, role("editor"), this.status == "open"...')
        match rule:
            case AllOf(parts):
                return AllOf(tuple(self.read(part) for part in parts))
            case AnyOf(parts):
                return AnyOf(tuple(self.read(part) for part in parts))
            case Negation(part):
                return Negation(self.read(part))
            case Compare():
                return self._compare(rule)
            case NullTest(operand):
                return NullTest(self._operand(operand))
            case Membership(operand, values):
                return self._membership(operand, values)
            case _:
                return rule

    def _compare(self, rule: Compare) -> Rule:
        left, operator, right = rule.left, rule.operator, rule.right
        if isinstance(right, This) and not isinstance(left, This):
            left, operator, right = right, _MIRRORED[operator], left
        if not isinstance(left, This):
            return self._compare_without_row(rule)
        here, spec = self._find(left)
        if isinstance(right, Constant) and right.value is True and not isinstance(spec.type, Boolean):
            raise self._mistake(f"{left!r} is no bool, so it is no condition by itself.", f"Compare it: {left!r} == ...")
        self._check_comparable(here, spec, operator)
        return Compare(here, operator, self._other_side(here, spec, operator, right))

    def _compare_without_row(self, rule: Compare) -> Rule:
        left, operator, right = rule.left, rule.operator, rule.right
        if isinstance(right, OfUser) and not isinstance(left, OfUser):
            left, operator, right = right, _MIRRORED[operator], left
        if not isinstance(left, OfUser):
            raise self._mistake("A comparison knows neither the row nor the user.", "Compare this.<field> or user.<field> with something.")
        spec = self._find_of_user(left)
        self._check_comparable(left, spec, operator)
        return Compare(left, operator, self._other_side(left, spec, operator, right))

    def _membership(self, operand: Operand, values: tuple[Operand, ...]) -> Rule:
        if not values:
            raise self._mistake(f"is_in({operand!r}) names no values.", "Give at least one: is_in(this.status, ...).")
        if not isinstance(operand, This):
            raise self._mistake("is_in() begins with a field.", 'Write is_in(this.status, "draft", "published").')
        here, spec = self._find(operand)
        self._check_comparable(here, spec, "eq")
        others = tuple(self._other_side(here, spec, "eq", value) for value in values)
        if all(isinstance(each, Constant) for each in others):
            return Membership(here, others)
        return AnyOf(tuple(Compare(here, "eq", each) for each in others))

    def _operand(self, operand: Operand) -> Operand:
        if isinstance(operand, This):
            return self._find(operand)[0]
        if not isinstance(operand, OfUser):
            raise self._mistake("is_null() asks for a field.", "Write is_null(this.<field>).")
        self._find_of_user(operand)
        return operand

    def _check_comparable(self, here: This | OfUser, spec: FieldSpec, operator: CompareOperator) -> None:
        if isinstance(spec.type, Document):
            raise self._mistake(
                f"{here!r} is a list, dict or nested object, which is not compared.", f"Ask is_null({here!r}), or keep a field for it."
            )
        if operator not in ("eq", "ne") and isinstance(spec.type, _UNORDERED):
            raise self._mistake(f"{here!r} has no order.", "Use == or !=, or is_in(...).")

    def _other_side(self, here: This | OfUser, spec: FieldSpec, operator: CompareOperator, other: Operand) -> Operand:
        match other:
            case This():
                return self._field_side(here, spec, other)
            case OfUser():
                return self._user_side(here, spec, other)
            case Now():
                if not isinstance(spec.type, Timestamp | Date):
                    raise self._mistake(f"{here!r} is no point in time.", "Compare now with a datetime or date field.")
                return other
            case Constant(value):
                return self._constant(here, spec, operator, value)
            case _:
                raise self._mistake(f"{other!r} cannot be compared.", "Compare with a value, this.<field>, user.<field> or now.")

    def _user_side(self, here: This | OfUser, spec: FieldSpec, other: OfUser) -> OfUser:
        if not path_of(other) and not isinstance(spec.type, Uuid | Reference):
            raise self._mistake(
                f"{here!r} is no id, so it is never the user.", "Compare it with user.<field>, or this.created_by with user."
            )
        if not _are_alike(spec.type, self._find_of_user(other).type):
            raise self._mistake(f"{here!r} and {other!r} are of different types.", "Compare fields of one type.")
        return other

    def _find_of_user(self, operand: OfUser) -> FieldSpec:
        """The field of the caller that `user.<field>` names; of `user` alone, the id."""
        users = self.others[USERS]
        names = path_of(operand) or ("id",)
        spec = users.get("created_by" if names[0] == "created_by_id" else names[0])
        if spec is None:
            raise self._mistake(f"{operand!r} names no field of a user.", suggest(names[0], users))
        if len(names) > 1:
            raise self._mistake(f"{operand!r} looks behind a field of the user.", "Compare with the field itself: user.<field>.")
        if spec.secret is not None:
            raise self._mistake(f"{operand!r} is a secret, which no rule may look at.", "Rule by another field.")
        return spec

    def _field_side(self, here: This | OfUser, spec: FieldSpec, other: This) -> This:
        there, second = self._find(other)
        if not _are_alike(spec.type, second.type):
            raise self._mistake(f"{here!r} and {there!r} are of different types.", "Compare fields of one type.")
        return there

    def _constant(self, here: This | OfUser, spec: FieldSpec, operator: CompareOperator, value: Any) -> Constant:
        if value is None and operator not in ("eq", "ne"):
            raise self._mistake(f"{here!r} is put in order with None.", f"Write is_null({here!r}).")
        try:
            return Constant(encode(spec.type, value))
        except ValueError as error:
            raise self._mistake(
                f"{here!r} is compared with what it can never be: {error}.", "Compare it with a value of its type."
            ) from None

    def _find(self, this: This) -> tuple[This, FieldSpec]:
        """The field that a path names, and the path in its settled form."""
        names = path_of(this)
        if not names:
            raise self._mistake("`this` alone names no field.", "Write this.<field>.")
        if names == ("created_by",) and self.fields is self.others.get(USERS):
            names = ("id",)  # on users `owner` means oneself
        spec = self._field(self.fields, names[0], this)
        settled: tuple[str, ...] = (spec.name,)
        for position, name in enumerate(names[1:], start=2):
            if name == "id" and position == len(names) and spec.reference:
                break  # the id of a target is what the Ref itself holds
            spec = self._field(self._follow(spec, settled), name, this)
            settled = (*settled, spec.name)
        return This(settled), spec

    def _field(self, fields: Fields, name: str, this: This) -> FieldSpec:
        spec = fields.get("created_by" if name == "created_by_id" else name)
        if spec is None:
            if name.endswith("_id") and name[:-3] in fields:
                raise self._mistake(f"{this!r} names a JSON member.", f"In Python it is {name[:-3]}.")
            raise self._mistake(f"{this!r} names no field.", suggest(name, fields))
        if spec.secret is not None:
            raise self._mistake(f"{this!r} is a secret, which no rule may look at.", "Rule by another field.")
        return spec

    def _follow(self, spec: FieldSpec, settled: tuple[str, ...]) -> Fields:
        if not isinstance(spec.type, Reference):
            raise self._mistake(f"{This(settled)!r} is no Ref, so nothing lies behind it.", "End the path there, or make the field a Ref.")
        if len(settled) > PATH_STEPS_MAX:
            raise self._mistake(f"The path follows more than {PATH_STEPS_MAX} references.", "Keep a nearer field for it.")
        return self.others[spec.type.target]

    def _mistake(self, problem: str, mend: str) -> Misconfigured:
        return Misconfigured(self.place, problem, mend)


_MIRRORED: dict[CompareOperator, CompareOperator] = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _are_alike(one: FieldType, other: FieldType) -> bool:
    """Whether two fields hold stored values that can be compared."""
    ids = (Uuid, Reference)
    if isinstance(one, Reference) and isinstance(other, Reference):
        return one.target == other.target
    if isinstance(one, Number) and isinstance(other, Number):
        return one.places == other.places
    return type(one) is type(other) or (isinstance(one, ids) and isinstance(other, ids))
