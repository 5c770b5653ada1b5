"""Settling a rule for a kind of caller: what it says of roles and of being signed in is decided, what it says of rows and values stays.

It serves what is told of rules (warnings, `holdfast access`). What is granted is decided in core.permit alone.
"""

from collections.abc import Iterable

from holdfast.model.rule import AllOf, Always, AnyOf, Compare, Negation, Nobody, NullTest, OfUser, Role, Rule, SignedIn


def settle(rule: Rule, roles: frozenset[str] | None) -> Rule:
    """The rule for a caller who is signed in with these roles (None: who is not): Always, Nobody, or what is left to ask."""
    match rule:
        case SignedIn():
            return _truth(roles is not None)
        case Role(names):
            return _truth(roles is not None and not roles.isdisjoint(names))
        case AllOf(parts):
            return _join(AllOf, (settle(each, roles) for each in parts), ends=Nobody, passes=Always)
        case AnyOf(parts):
            return _join(AnyOf, (settle(each, roles) for each in parts), ends=Always, passes=Nobody)
        case Negation(part):
            return _negate(settle(part, roles))
        case Compare(left, _, right) if roles is None and (isinstance(left, OfUser) or isinstance(right, OfUser)):
            return Nobody()
        case NullTest(OfUser()) if roles is None:
            return Nobody()
        case _:
            return rule


def _truth(holds: bool) -> Rule:  # noqa: FBT001  # a truth is what it is about
    return Always() if holds else Nobody()


def _join(kind: type[AllOf | AnyOf], parts: Iterable[Rule], *, ends: type[Rule], passes: type[Rule]) -> Rule:
    left = [each for each in parts if not isinstance(each, passes)]
    if any(isinstance(each, ends) for each in left):
        return ends()
    if len(left) == 1:
        return left[0]
    return kind(tuple(left)) if left else passes()


def _negate(rule: Rule) -> Rule:
    if isinstance(rule, Always | Nobody):
        return _truth(isinstance(rule, Nobody))
    return Negation(rule)
