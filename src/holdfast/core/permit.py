"""Permits: what the rules of a catalog grant to one caller, as conditions on rows.

A rule is bound to its caller here and nowhere else: what it says of roles and of the user is settled, what it says of the row stays and
becomes part of the statement. The one who is granted everything is bound to ALWAYS, what nobody is granted to NEVER.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from holdfast.base.errors import Refused
from holdfast.base.instant import Instant, format_instant
from holdfast.core.actor import Actor
from holdfast.core.ask.visible import EVERYTHING, Sight, Visible
from holdfast.core.condition import (
    ALWAYS,
    NEVER,
    OPERATORS,
    Condition,
    IsNull,
    OneOf,
    Path,
    Step,
    Stored,
    Test,
    compare,
    conjoin,
    disjoin,
    negate,
    stored_constant,
)
from holdfast.core.slots import FREE, Bodies
from holdfast.model.access import VERBS
from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
from holdfast.model.rule import (
    AllOf,
    Always,
    AnyOf,
    Compare,
    Constant,
    Membership,
    Negation,
    Now,
    NullTest,
    OfUser,
    Operand,
    Role,
    Rule,
    SignedIn,
    This,
    operands,
    path_of,
)
from holdfast.model.types import Date, Reference

_CHANGING = ("update", "delete")
_SHOWING = frozenset({"list", "read"})
_WRITING = frozenset({"create", "update"})
_DATE_LENGTH = 10  # of a stored timestamp, its date comes first


@dataclass(frozen=True, slots=True, eq=False)
class Grant(Sight):
    """What one caller may see of one resource, and do with its records.

    verbs            those for which there can be a row. What may not be read may not be changed either
    list ... delete  must hold for the row; see model.access
    locked           member -> what must hold for the row before the member may be written; those that may always be are left out
    bodies           what that means for what is sent
    """

    verbs: frozenset[str] = frozenset(VERBS)
    list: Condition = ALWAYS
    read: Condition = ALWAYS
    create: Condition = ALWAYS
    update: Condition = ALWAYS
    update_to: Condition = ALWAYS
    delete: Condition = ALWAYS
    locked: Mapping[str, Condition] = field(default_factory=dict)
    bodies: Bodies = FREE

    def may(self, verb: str) -> bool:
        """Whether there can be a row for which the verb is granted."""
        return verb in self.verbs

    def seeing(self, members: Iterable[str]) -> dict[str, Condition]:
        """Member -> what must hold for a row that shows it; those that every row shows are left out."""
        if not self.masks and not self.hidden:
            return {}
        return {each: self.masks.get(each, NEVER) for each in members if each in self.masks or each in self.hidden}

    def locks(self, members: Iterable[str]) -> dict[str, Condition]:
        """Member -> what must hold for a row before it may be written; those that may always be are left out."""
        return {each: self.locked[each] for each in members if each in self.locked} if self.locked else {}


class Grants:
    """Everything that one caller is granted: a Grant for each resource, bound when it is first asked for, and what may be seen."""

    __slots__ = ("_grants", "_targets", "actor", "visible")

    def __init__(self, actor: Actor, grants: Mapping[str, Grant], visible: Visible) -> None:
        self.actor = actor
        self.visible = visible
        self._grants = grants
        self._targets: dict[str, dict[str, Condition]] = {}

    def on(self, resource: ResourceSpec) -> Grant:
        """What is granted on one resource."""
        return self._grants[resource.path]

    def require(self, verb: str, resource: ResourceSpec) -> Grant:
        """What is granted on one resource. Raises Refused where the verb is granted on no row: unauthenticated, or forbidden."""
        grant = self._grants[resource.path]
        if verb not in grant.verbs:
            raise self.refusal()
        return grant

    def refusal(self) -> Refused:
        """The refusal of what is granted on no row: who is not signed in may be granted it once they are."""
        return Refused("unauthenticated" if self.actor.id is None else "forbidden")

    def shows(self, resource: ResourceSpec, member: str) -> bool:
        """Whether there can be a record that shows the caller this member."""
        grant = self._grants[resource.path]
        return bool(grant.verbs & _SHOWING) and member not in grant.hidden and resource.by_member[member].secret is None

    def names(self, resource: ResourceSpec, member: str) -> bool:
        """Whether the caller may know this member by name: there can be a record in which they may read or write it."""
        grant = self._grants[resource.path]
        refused = grant.bodies.unknown | grant.bodies.fixed
        return (bool(grant.verbs & _WRITING) and member not in refused) or self.shows(resource, member)

    def targets(self, resource: ResourceSpec, members: Iterable[str]) -> dict[str, Condition]:
        """Member of a reference -> what must hold for the record that it names; those that may name any are left out."""
        guarded = self._targets.get(resource.path)
        if guarded is None:
            guarded = self._targets[resource.path] = self._find_targets(resource)
        return {member: guarded[member] for member in members if member in guarded} if guarded else {}

    def _find_targets(self, resource: ResourceSpec) -> dict[str, Condition]:
        if self.visible is EVERYTHING:
            return {}
        targets = ((each.member, self._grants[each.type.target]) for each in resource.fields if isinstance(each.type, Reference))
        return {member: grant.read for member, grant in targets if grant.guard is not None}


class Permit:
    """The rules of one catalog.

    timely  a rule asks what time it is, so that what is granted holds for a moment alone
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.timely = any(isinstance(each, Now) for spec in catalog.resources.values() for rule in spec.rules for each in operands(rule))

    def grant(self, actor: Actor, now: Instant) -> Grants:
        """What the rules grant to a caller; those of a resource are bound when it is first asked for."""
        if actor.is_admin:
            return Grants(actor, dict.fromkeys(self._catalog.resources, Grant()), EVERYTHING)
        bound = _Bound(_Binder(self._catalog, actor, format_instant(now)))
        return Grants(actor, bound, Visible(bound))

    def bind(self, rule: Rule, resource: ResourceSpec, actor: Actor, now: Instant) -> Condition:
        """One rule of a resource, bound to a caller as those of `grant` are."""
        return ALWAYS if actor.is_admin else _Binder(self._catalog, actor, format_instant(now)).bind(rule, resource)


class _Bound(dict[str, Grant]):
    """Resource path -> what one caller is granted on it: a request pays for the rules that it touches."""

    __slots__ = ("_binder",)

    def __init__(self, binder: "_Binder") -> None:
        super().__init__()
        self._binder = binder

    def __missing__(self, path: str) -> Grant:
        grant = self[path] = self._binder.grant(path)
        return grant


class _Binder:
    """Binds the rules of a catalog to one caller at one time."""

    def __init__(self, catalog: Catalog, actor: Actor, now: str) -> None:
        self._catalog, self._actor, self._now = catalog, actor, now

    def grant(self, path: str) -> Grant:
        resource = self._catalog.resources[path]
        readable, locked = self.fields(resource, "readable_by"), self.fields(resource, "writable_by", "readable_by")
        hidden, fixed = _never(readable), _never(locked)
        unknown = frozenset(member for member in fixed if member in hidden or resource.by_member[member].secret is not None)
        kept = frozenset((*locked, *readable)) - fixed
        where = {verb: self.bind(getattr(resource.access, verb), resource) for verb in VERBS}
        refused = {verb for verb in VERBS if where[verb] == NEVER or (verb in _CHANGING and where["read"] == NEVER)}
        return Grant(
            verbs=frozenset(VERBS) - refused,
            hidden=hidden,
            guard=None if where["read"] == ALWAYS else where["read"],
            masks={member: where for member, where in readable.items() if where != NEVER},
            locked=locked,
            bodies=Bodies(unknown, fixed - unknown, kept) if fixed or kept else FREE,
            **where,
        )

    def fields(self, resource: ResourceSpec, *rules: str) -> dict[str, Condition]:
        """Member -> the condition of the first of these rules that it has; those that hold always are left out."""
        bound: dict[str, Condition] = {}
        for spec in resource.fields:
            rule = next((found for each in rules if (found := getattr(spec, each)) is not None), None)
            where = ALWAYS if rule is None else self.bind(rule, resource)
            if where != ALWAYS:
                bound[spec.member] = where
        return bound

    def bind(self, rule: Rule, resource: ResourceSpec) -> Condition:
        match rule:
            case Always():
                return ALWAYS
            case SignedIn():
                return _settled(self._actor.id is not None)
            case Role(names):
                return _settled(not self._actor.roles.isdisjoint(names))
            case AllOf(parts):
                return conjoin(*(self.bind(part, resource) for part in parts))
            case AnyOf(parts):
                return disjoin(*(self.bind(part, resource) for part in parts))
            case Negation(part):
                return negate(self.bind(part, resource))
            case NullTest(This() as field):
                return IsNull(self._path(field, resource))
            case NullTest(OfUser() as field):
                return _settled(self._actor.id is not None and self._value(field) is None)
            case Membership(This() as field, values):
                return OneOf(self._path(field, resource), tuple(stored_constant(each) for each in values))
            case Compare():
                return self._compare(rule, resource)
            case _:  # Nobody, and what no frozen rule is
                return NEVER

    def _compare(self, rule: Compare, resource: ResourceSpec) -> Condition:
        if self._actor.id is None and (isinstance(rule.left, OfUser) or isinstance(rule.right, OfUser)):
            return NEVER
        if not isinstance(rule.left, This):
            return _settled(compare(self._value(rule.left), OPERATORS[rule.operator], self._value(rule.right)))
        path = self._path(rule.left, resource)
        if isinstance(rule.right, This):
            return Test(path, OPERATORS[rule.operator], self._path(rule.right, resource))
        return Test(path, OPERATORS[rule.operator], self._value(rule.right, path.field))

    def _value(self, operand: Operand, beside: FieldSpec | None = None) -> Stored:
        match operand:
            case Constant():
                return stored_constant(operand)
            case Now():
                return self._now[:_DATE_LENGTH] if beside is not None and isinstance(beside.type, Date) else self._now
            case OfUser():
                return self._of_user(path_of(operand))
            case _:
                raise TypeError(f"{operand!r} has no value of its own")

    def _of_user(self, names: tuple[str, ...]) -> Stored:
        if not names:
            return self._actor.id
        assert self._catalog.users is not None
        return self._actor.values.get(self._catalog.users.by_name[names[0]].member)

    def _path(self, field: This, resource: ResourceSpec) -> Path:
        """A rule looks through references at any record, whatever its caller may see."""
        *through, last = path_of(field)
        steps: list[Step] = []
        for name in through:
            spec = resource.by_name[name]
            resource = self._catalog.target(spec)
            steps.append(Step(spec, resource))
        return Path(resource.by_name[last], tuple(steps))


def _never(bound: Mapping[str, Condition]) -> frozenset[str]:
    return frozenset(member for member, where in bound.items() if where == NEVER)


def _settled(truth: bool) -> Condition:  # noqa: FBT001  # a truth is what it is about
    return ALWAYS if truth else NEVER
