"""What a declaration may say and yet surprises; told once at start, and by `holdfast doctor`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations

from holdfast.model.access import ADMIN, VERBS
from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.names import RESERVED_PARAMETERS
from holdfast.model.rule import (
    AllOf,
    Always,
    AnyOf,
    Compare,
    Membership,
    Negation,
    Nobody,
    NullTest,
    OfUser,
    Role,
    Rule,
    This,
    path_of,
    walk,
)
from holdfast.model.rule_text import describe
from holdfast.model.settle import settle
from holdfast.model.types import Boolean, Choice
from holdfast.model.user import PATH as USERS

Resources = Mapping[str, ResourceSpec]
Callers = tuple[frozenset[str] | None, ...]

_ROLES_MAX = 8  # of one rule: with more, the sets of roles are too many to try
_TYPED_MIN = 4  # letters of a word that is taken for another one mistyped: `team_a` and `team_b` are two teams
_ALWAYS_INDEXED = ("id", "created_by_id")  # of the maker there is an index where a rule asks for it


def find_warnings(resources: Resources) -> tuple[str, ...]:
    """Every warning, by resource in the order declared."""
    found: list[str] = []
    for resource in resources.values():
        for warn in (_shadowed, _never_granted, _never_creatable, _unsearchable):
            found.extend(warn(resource))
        found.extend(_scanning(resource, resources))
        found.extend(_meeting_nulls(resource, resources))
    found.extend(_mistyped_roles(resources))
    return tuple(found)


def _shadowed(resource: ResourceSpec) -> Iterator[str]:
    for each in resource.fields:
        if each.member in RESERVED_PARAMETERS and not each.system:
            yield f"{resource.name}.{each.name}: A query parameter has this name. Filter it as {each.member}[eq]=..., or rename it."


def _never_granted(resource: ResourceSpec) -> Iterator[str]:
    """Rules that hold for no caller, whatever the row; what was not granted at all is meant."""
    told: set[str] = set()
    for verb in VERBS:
        rule: Rule = getattr(resource.access, verb)
        text = describe(rule)
        if not isinstance(rule, Nobody) and text not in told and _holds_never(rule):
            told.add(text)
            yield f"{resource.name}.access: {verb} can hold for nobody but an admin: {text}. Mend the rule, or leave it out."
    for field, name in ((field, name) for field in resource.fields for name in ("readable_by", "writable_by")):
        of_field: Rule | None = getattr(field, name)
        if of_field is not None and not isinstance(of_field, Nobody) and _holds_never(of_field):
            yield f"{resource.name}.{field.name}: {name} can hold for nobody but an admin: {describe(of_field)}. Mend the rule."


def _holds_never(rule: Rule) -> bool:
    callers = _callers(rule)
    return bool(callers) and all(isinstance(settle(rule, each), Nobody) for each in callers)


def _never_creatable(resource: ResourceSpec) -> Iterator[str]:
    """Members that must be sent by whoever creates, and that none of those who may create can write."""
    create = resource.access.create
    for field in resource.fields:
        rule = field.writable_by if field.writable_by is not None else field.readable_by
        if rule is None or not field.required or field.system or field.readonly:
            continue
        makers = [each for each in _callers(create, rule) if not isinstance(settle(create, each), Nobody)]
        if makers and all(isinstance(settle(rule, each), Nobody) for each in makers):
            yield (
                f"{resource.name}.{field.name}: It is required, and nobody who may create one may write it. "
                "Give it a default, or let writable_by hold for who creates."
            )


def _unsearchable(resource: ResourceSpec) -> Iterator[str]:
    for each in resource.search_fields:
        if each.readable_by is not None and not isinstance(each.readable_by, Always):
            yield (
                f"{resource.name}.{each.name}: `q` looks into it, so `q` is refused to whoever may not read it in every row. "
                "Leave search out, or readable_by."
            )


def _callers(*rules: Rule) -> Callers:
    """Everyone whom these rules could tell apart: who is not signed in, and every set of the roles that they name."""
    named = {name for rule in rules for each in walk(rule) if isinstance(each, Role) for name in each.names}
    if len(named) > _ROLES_MAX:
        return ()
    sets = chain.from_iterable(combinations(sorted(named), size) for size in range(len(named) + 1))
    return (None, *map(frozenset, sets))


# Where nothing equals nothing


def _meeting_nulls(resource: ResourceSpec, resources: Resources) -> Iterator[str]:
    """Rules that hold for a caller without a value and every row without one: null is a value, and few think of it."""
    rules = [getattr(resource.access, verb) for verb in VERBS]
    rules += [rule for each in resource.fields for rule in (each.readable_by, each.writable_by) if rule is not None]
    told = dict.fromkeys(describe(each) for rule in rules for each in _open_to_nulls(rule, frozenset(), resource, resources))
    for text in told:
        yield f"{resource.name}.access: {text} holds too where both are null. Add & ~is_null(...) of one of them, or make one required."


def _open_to_nulls(rule: Rule, guarded: frozenset[str], resource: ResourceSpec, resources: Resources) -> Iterator[Compare]:
    """Each term `this.x == user.y` of a rule whose sides can both be null. `guarded` is what cannot be null where the rule is asked."""
    match rule:
        case AllOf(parts):
            guarded |= {repr(each.part.operand) for each in parts if isinstance(each, Negation) and isinstance(each.part, NullTest)}
            for each in parts:
                yield from _open_to_nulls(each, guarded, resource, resources)
        case AnyOf(parts):
            for each in parts:
                yield from _open_to_nulls(each, guarded, resource, resources)
        case Compare(This() as field, "eq", OfUser() as own) | Compare(OfUser() as own, "eq", This() as field):
            nullable = _may_be_null(path_of(field), resource, resources) and _may_be_null(path_of(own), resources[USERS], resources)
            if nullable and guarded.isdisjoint((repr(field), repr(own))):
                yield rule
        case _:
            pass


def _may_be_null(path: Sequence[str], resource: ResourceSpec, resources: Resources) -> bool:
    """Whether a path may lead to nothing; the empty path, a caller who is signed in, never does."""
    for name in path:
        field = resource.by_name[name]
        if field.nullable:
            return True
        if field.reference is not None:
            resource = resources[field.reference.target]
    return False


# What must look at every row


def _scanning(resource: ResourceSpec, resources: Resources) -> Iterator[str]:
    """Rules of lists for which no index can be asked, and the fields that would need one."""
    for rule in dict.fromkeys((resource.access.list, resource.access.read)):
        fields = sorted(_unserved(rule, resource, resources))
        if fields:
            yield (
                f"{resource.name}.access: Lists look at every row for {describe(rule)}: {', '.join(fields)} "
                f"{'has' if len(fields) == 1 else 'have'} no index. Write field(index=True)."
            )
            return


def _unserved(rule: Rule, resource: ResourceSpec, resources: Resources) -> set[str]:
    """The fields that would need an index for a rule; none where it has what it needs, or where an index would not help."""
    match rule:
        case AllOf(parts):
            asked = [each for each in parts if _asks_row(each)]
            needs = [_unserved(each, resource, resources) for each in asked]
            return set() if not all(needs) else set().union(*needs)
        case AnyOf(parts):
            return set().union(*(_unserved(each, resource, resources) for each in parts))
        case Compare(This() as field, "eq" | "lt" | "le" | "gt" | "ge") | Membership(This() as field):
            return _without_index(field, resource, resources)
        case _:  # what is negated, or asks for null, no index would find
            return set()


def _asks_row(rule: Rule) -> bool:
    return any(isinstance(each, Compare | Membership | NullTest | Negation) for each in walk(rule))


def _without_index(field: This, resource: ResourceSpec, resources: Resources) -> set[str]:
    *through, last = path_of(field)
    for name in through:
        spec = resource.by_name[name]
        assert spec.reference is not None
        resource = resources[spec.reference.target]
    found = resource.by_name[last]
    if isinstance(found.type, Boolean | Choice):
        return set()  # too few values for an index to tell rows apart
    return set() if _has_index(found, resource) else {f"{resource.name}.{last}"}


def _has_index(field: FieldSpec, resource: ResourceSpec) -> bool:
    if field.member in _ALWAYS_INDEXED or field.reference is not None:
        return True
    return any(each[0] == field.member for each in (*resource.index, *resource.unique))


# Roles that are one role, written in two ways


def _mistyped_roles(resources: Resources) -> Iterator[str]:
    """Roles that one place alone names, and that are nearly another role: whoever has that one is granted nothing there."""
    places = _places_of_roles(resources)
    told: set[str] = set()
    for name, (place, *others) in reversed(places.items()):  # of two that stand in one place each, the later is taken for the mistake
        near = next((each for each in (*places, ADMIN) if each not in told and _is_nearly(name, each)), None)
        if not others and near is not None and name != ADMIN:
            told.add(name)
            yield f"{place}: Nothing else names the role `{name}`, which is nearly `{near}`. If that is meant, write it so."


def _places_of_roles(resources: Resources) -> dict[str, list[str]]:
    """Every role that is named, in the order declared, with the places where it is."""
    places: dict[str, dict[str, None]] = {}
    for resource in resources.values():
        rules = [("access", getattr(resource.access, verb)) for verb in VERBS]
        rules += [(each.name, rule) for each in resource.fields for rule in (each.readable_by, each.writable_by) if rule is not None]
        for where, rule in rules:
            for name in (name for each in walk(rule) if isinstance(each, Role) for name in each.names):
                places.setdefault(name, {})[f"{resource.name}.{where}"] = None
    return {name: list(each) for name, each in places.items()}


def _is_nearly(name: str, other: str) -> bool:
    """Whether two names are one, mistyped: a letter more, less, swapped or another, or case and hyphens. Numbers tell roles apart."""
    words, others = (re.findall(r"[^\W\d_]+|\d+", each.casefold()) for each in (name, other))
    if words == others:
        return name != other
    differing = [(one, two) for one, two in zip(words, others, strict=False) if one != two]
    return len(words) == len(others) and len(differing) == 1 and _is_one_edit(*differing[0])


def _is_one_edit(one: str, two: str) -> bool:
    if min(len(one), len(two)) < _TYPED_MIN or one.isdigit() or two.isdigit() or one[0] != two[0]:
        return False  # a slip at the first letter is rare, and readers are no leaders
    start = next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    rest, other = one[start:], two[start:]
    changed, added, lost = rest[1:] == other[1:], rest == other[1:], rest[1:] == other
    return changed or added or lost or (rest[:2] == other[1::-1] and rest[2:] == other[2:])
