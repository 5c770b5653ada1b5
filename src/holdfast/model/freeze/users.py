"""What only the whole catalog can say of users: which roles there are, and that an e-mail address is theirs alone: whatever its case, and
never that of a key; and what a class derived from User may not say."""

import dataclasses
from collections.abc import Mapping
from inspect import get_annotations

from holdfast.model.access import ADMIN
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.freeze.mistakes import Mistakes
from holdfast.model.rule import Role, Rule, walk
from holdfast.model.types import Choice, Items, Text
from holdfast.model.user import ACCOUNT_FIELDS, KEY_DOMAIN, User


def find_roles(resources: Mapping[str, ResourceSpec]) -> tuple[str, ...]:
    """Every role that a rule names, and admin; in alphabetical order."""
    named = {name for resource in resources.values() for rule in resource.rules for each in walk(rule) for name in _names(each)}
    return tuple(sorted(named | {ADMIN}))


def settle_users(users: ResourceSpec, roles: tuple[str, ...]) -> ResourceSpec:
    """The resource of users, whose roles are those that there are."""

    def settle(spec: FieldSpec) -> FieldSpec:
        match spec.name:
            case "roles":
                return dataclasses.replace(spec, type=Items(Choice(roles), max_length=len(roles)))
            case "email":
                assert isinstance(spec.type, Text)
                return dataclasses.replace(spec, type=dataclasses.replace(spec.type, lower=True, not_at=KEY_DOMAIN))
            case _:
                return spec

    return dataclasses.replace(users, fields=tuple(map(settle, users.fields)))


def check_account_fields(cls: type[User], mistakes: Mistakes) -> None:
    """Refuse whatever would take the place of a field of User in a class derived from it: the guards of that field would be lost.

    That is an annotation, a value or a method of that name, in the class itself or in any other that it derives from.
    """
    for each in cls.__mro__:
        if not issubclass(User, each):
            for name in sorted(ACCOUNT_FIELDS & (vars(each).keys() | get_annotations(each).keys())):
                problem = f"Every user has {name}, which belongs to Holdfast."
                mend = "Leave it out, and say in `access` who may change it; for a value of your own choose another name."
                mistakes.note(f"{each.__name__}.{name}", problem, mend)


def check_registration(users: ResourceSpec, mistakes: Mistakes) -> None:
    """Refuse a field that must be given and that nobody who registers may write."""
    for spec in users.fields:
        if spec.required and spec.writable_by is not None and spec.name not in ACCOUNT_FIELDS:
            problem = "It is required, and not for everyone to write, so nobody could register."
            mistakes.note(f"{users.name}.{spec.name}", problem, "Give it a default, or leave out registration=True.")


def _names(rule: Rule) -> tuple[str, ...]:
    return rule.names if isinstance(rule, Role) else ()
