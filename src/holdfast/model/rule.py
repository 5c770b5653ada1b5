"""Rules: who may do what, and which rows go together, as plain trees.

A rule is built by writing Python (`this.status == "published"`, `owner | role("editor")`) and is only ever data: it is bound to a
caller in `core.permit` and becomes part of the SQL statement. Nothing here evaluates one.

    Rule      = Always | Nobody | SignedIn | Role | Compare | NullTest | Membership | AllOf | AnyOf | Negation
    Operand   = This | OfUser | Now | Constant
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Never

from holdfast.base.errors import Misused

MYPY = False
"""True to mypy alone, which must not see `Rule.__bool__`: then its truthy-bool refuses a rule as a bool, where it would else call all code
after `if rule:` unreachable and look no further. pyright refuses by seeing it."""

CompareOperator = Literal["eq", "ne", "lt", "le", "gt", "ge"]


class Rule:
    """A condition on the caller and the row. Combine with `|`, `&` and `~`; never with `or`, `and`, `not`, `in`."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __or__(self, other: "Rule") -> "Rule":
        return AnyOf((*_parts(self, AnyOf), *_parts(_rule(other), AnyOf)))

    def __and__(self, other: "Rule") -> "Rule":
        return AllOf((*_parts(self, AllOf), *_parts(_rule(other), AllOf)))

    def __invert__(self) -> "Rule":
        return Negation(self)

    if not TYPE_CHECKING:  # pragma: no branch - a checker refuses a value beside a rule by itself

        def __ror__(self, other: object) -> Never:
            _rule(other)

        def __rand__(self, other: object) -> Never:
            _rule(other)

    if not MYPY:  # pragma: no branch

        def __eq__(self, other: object) -> Never:
            raise Misused("Rules are not compared, so they are in no list either.", "Combine them with `|`, `&` and `~`.")

        def __bool__(self) -> Never:
            raise Misused(
                "A rule has no truth value, which `and`, `or`, `not`, `in` and `if` ask for.",
                "Combine rules with `|`, `&` and `~`, test values with is_in(...) and is_null(...).",
            )


def _rule(value: object) -> Rule:
    if isinstance(value, This):
        return holds(value)
    if isinstance(value, Rule):
        return value
    raise Misused(
        f"A rule is combined with rules only, not with {value!r}.", 'Put each comparison in brackets: (this.status == "published") | owner.'
    )


def _parts(rule: Rule, kind: "type[AnyOf | AllOf]") -> tuple[Rule, ...]:
    return rule.parts if isinstance(rule, kind) else (rule,)


class Operand:
    """One side of a comparison."""

    __slots__ = ()

    def __eq__(self, other: object) -> Rule:  # type: ignore[override]  # a comparison builds a rule
        return Compare(self, "eq", operand(other))

    def __ne__(self, other: object) -> Rule:  # type: ignore[override]  # a comparison builds a rule
        return Compare(self, "ne", operand(other))

    def __lt__(self, other: object) -> Rule:
        return Compare(self, "lt", operand(other))

    def __le__(self, other: object) -> Rule:
        return Compare(self, "le", operand(other))

    def __gt__(self, other: object) -> Rule:
        return Compare(self, "gt", operand(other))

    def __ge__(self, other: object) -> Rule:
        return Compare(self, "ge", operand(other))

    __hash__ = object.__hash__


class This(Operand, Rule):
    """A field of the row: `this.status`, `this.author.email`. A bool field is a rule by itself."""

    __slots__ = ("_path",)  # private: every public name is a field of the row

    def __init__(self, path: tuple[str, ...] = ()) -> None:
        self._path = path

    def __getattr__(self, name: str) -> "This":
        if name.startswith("_"):
            raise AttributeError(name)
        return This((*self._path, name))

    def __or__(self, other: Rule) -> Rule:
        return holds(self) | other

    def __and__(self, other: Rule) -> Rule:
        return holds(self) & other

    def __invert__(self) -> Rule:
        return Negation(holds(self))

    def __repr__(self) -> str:
        return ".".join(("this", *self._path))


class OfUser(Operand):
    """The caller, or a field of the caller: `user`, `user.email`."""

    __slots__ = ("_path",)  # private: every public name is a field of the user

    def __init__(self, path: tuple[str, ...] = ()) -> None:
        self._path = path

    def __getattr__(self, name: str) -> "OfUser":
        if name.startswith("_"):
            raise AttributeError(name)
        return OfUser((*self._path, name))

    def __repr__(self) -> str:
        return ".".join(("user", *self._path))


def path_of(value: "This | OfUser") -> tuple[str, ...]:
    """The names after `this` or `user`: ("author", "email")."""
    return value._path  # noqa: SLF001  # a public attribute would hide a field of that name


def holds(value: This) -> Rule:
    """A bool field taken as a condition: it is true."""
    return Compare(value, "eq", Constant(value=True))


class Now(Operand):
    """The time at which the statement runs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "now"


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Operand):
    """A Python value; it is turned into the stored form of the field that it meets when the catalog is frozen."""

    value: Any


def operand(value: object) -> Operand:
    """Take an operand as it is, and any other value as a constant."""
    return value if isinstance(value, Operand) else Constant(value)


@dataclass(frozen=True, slots=True, eq=False)
class Always(Rule):
    """True for everyone (`anyone`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Nobody(Rule):
    """True for no one: what is not granted."""


@dataclass(frozen=True, slots=True, eq=False)
class SignedIn(Rule):
    """True for every caller who is signed in (`signed_in`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Role(Rule):
    """True for a caller who holds one of the roles."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Rule):
    """Two operands compared, two-valued: eq and ne treat null as a value, the others are false with null."""

    left: Operand
    operator: CompareOperator
    right: Operand


@dataclass(frozen=True, slots=True, eq=False)
class NullTest(Rule):
    """is_null(this.field)."""

    operand: Operand


@dataclass(frozen=True, slots=True, eq=False)
class Membership(Rule):
    """is_in(this.field, value, ...)."""

    operand: Operand
    values: tuple[Operand, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AllOf(Rule):
    """Every part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf(Rule):
    """At least one part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Negation(Rule):
    """The part does not hold."""

    part: Rule


anyone = Always()
signed_in = SignedIn()
this = This()
user = OfUser()
now = Now()
owner: Rule = this.created_by == user


def role(*names: str) -> Rule:
    """True for a caller who holds at least one of the named roles."""
    if not names or not all(isinstance(name, str) and name for name in names):
        raise Misused("role() takes one or more role names.", 'Write role("editor").')
    return Role(names)


def is_null(value: Operand) -> Rule:
    """True where the field has no value."""
    return NullTest(operand(value))


def is_in(value: Operand, *values: object) -> Rule:
    """True where the field equals one of the values."""
    return Membership(operand(value), tuple(operand(each) for each in values))


def walk(rule: Rule) -> Iterable[Rule]:
    """Every node of a rule, the rule itself first."""
    yield rule
    match rule:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from walk(part)
        case Negation(part):
            yield from walk(part)
        case _:
            return


def operands(rule: Rule) -> Iterable[Operand]:
    """Every operand of a rule, left before right."""
    for each in walk(rule):
        match each:
            case Compare(left, _, right):
                yield from (left, right)
            case NullTest(inner):
                yield inner
            case Membership(inner, values):
                yield from (inner, *values)
            case _:
                continue
