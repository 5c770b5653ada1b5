"""`holdfast access`: why a rule grants or refuses, term by term; and who may do what, as a table.

What depends on a row is asked of the database, by the very conditions that the rules are bound to when they are enforced.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.core.actor import NOBODY, Actor
from holdfast.core.condition import ALWAYS, NEVER, Condition
from holdfast.core.permit import Permit
from holdfast.core.plan import ReadOne
from holdfast.core.view import View, view_of_id
from holdfast.engine.auth.roster import key_address
from holdfast.engine.identity import read_actor
from holdfast.engine.reads import read_one
from holdfast.model.access import ADMIN, VERBS
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.model.rule import AllOf, Always, AnyOf, Negation, Nobody, Rule
from holdfast.model.rule_text import describe
from holdfast.model.settle import settle
from holdfast.ports.accounts import Sessions
from holdfast.ports.store import Store
from holdfast.ports.world import Clock

NOBODY_NAME = "nobody"
"""How the command line calls a caller who is not signed in."""

_NEEDED = {
    "list": ("list",),
    "read": ("read",),
    "create": ("create",),
    "update": ("read", "update", "update_to"),
    "update_to": ("read", "update_to"),
    "delete": ("read", "delete"),
}
"""The rules that must all hold for a verb: what cannot be read cannot be changed."""


@dataclass(frozen=True, slots=True)
class Term:
    """A rule or a part of one: whether it holds; None: that depends on the row."""

    text: str
    holds: bool | None
    parts: "tuple[Term, ...]" = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """The rule of one verb, and the term that it is."""

    verb: str
    term: Term


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a caller may do something or not.

    granted  None: on some rows
    because  the verdict in one sentence
    rules    those that must all hold
    """

    user: str
    roles: tuple[str, ...]
    verb: str
    resource: str
    id: str | None
    granted: bool | None
    because: str
    rules: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains the rules of one catalog, on one database."""

    catalog: Catalog
    store: Store
    sessions: Sessions
    clock: Clock

    async def explain(self, who: str, verb: str, resource: ResourceSpec, record_id: RecordId | None) -> Explanation:
        """Why a caller (an e-mail address, the name of a key, or nobody) may do something, with one record or with any.

        Raises Refused not_found where there is no such user, or no such record.
        """
        actor, active = self._find(who)
        asked: list[Asked] = []
        view = view_of_id(resource)
        if record_id is not None and not await self._holds(record_id, view, ALWAYS):
            raise Refused("not_found", f"There is no record {record_id} in {resource.path}.", hint="It may be deleted: see its history.")
        for each in _NEEDED[verb]:
            term = await self._term(getattr(resource.access, each), resource, actor, record_id, view)
            asked.append(Asked(each, term))
        granted = _all([each.term.holds for each in asked]) if active else False
        because = _say(granted, asked, actor, active=active, verb=verb)
        return Explanation(who, tuple(sorted(actor.roles)), verb, resource.path, record_id, granted, because, tuple(asked))

    def _find(self, who: str) -> tuple[Actor, bool]:
        if who == NOBODY_NAME:
            return NOBODY, True
        found = self.sessions.find_by_email(who.lower() if "@" in who else key_address(who))
        if found is None:
            raise Refused("not_found", f"There is no user and no key {who}.", hint="See `holdfast user list` and `holdfast key list`.")
        return read_actor(found.user_id, found.image), found.active

    async def _term(self, rule: Rule, resource: ResourceSpec, actor: Actor, record_id: RecordId | None, view: View) -> Term:
        bound = Permit(self.catalog).bind(rule, resource, actor, self.clock.now())
        holds = await self._judge(bound, record_id, view)
        if actor.is_admin:
            return Term(describe(rule), holds)
        match rule:
            case AllOf(inner) | AnyOf(inner):
                parts = tuple([await self._term(each, resource, actor, record_id, view) for each in inner])
            case Negation(part):
                parts = (await self._term(part, resource, actor, record_id, view),)
            case _:
                parts = ()
        return Term(describe(rule), holds, parts)

    async def _judge(self, bound: Condition, record_id: RecordId | None, view: View) -> bool | None:
        if bound in (ALWAYS, NEVER):
            return bound == ALWAYS
        return None if record_id is None else await self._holds(record_id, view, bound)

    async def _holds(self, record_id: RecordId, view: View, where: Condition) -> bool:
        return await read_one(self.store, ReadOne(record_id, view, where)) is not None


def _say(granted: bool | None, asked: Iterable[Asked], actor: Actor, *, active: bool, verb: str) -> str:  # noqa: FBT001  # a verdict
    if not active:
        return "The user is revoked, so nothing is granted."
    if actor.is_admin:
        return f"The role {ADMIN} is granted everything."
    if granted is False:
        refusing = next(each for each in asked if each.term.holds is False)
        return f"Refused by the rule of {refusing.verb}: {_deciding(refusing.term, holds=False)}."
    if granted is None:
        return f"Granted on some rows: it depends on {' and '.join(each.verb for each in asked if each.term.holds is None)}."
    deciding = next(each for each in asked if each.verb == verb)
    return f"Granted by the rule of {deciding.verb}: {_deciding(deciding.term, holds=True)}."


def _deciding(term: Term, *, holds: bool) -> str:
    """The smallest part that decides: of an `and` one that does not hold, of an `or` one that does."""
    same = [each for each in term.parts if each.holds is holds]
    return _deciding(same[0], holds=holds) if len(same) == 1 and len(term.parts) > 1 else term.text


def _all(truths: list[bool | None]) -> bool | None:
    if False in truths:
        return False
    return None if None in truths else True


# The table


@dataclass(frozen=True, slots=True)
class Line:
    """What one kind of caller may do with one thing: verb (or rule of a field) -> "yes", "no", or the rule that the row must meet."""

    resource: str
    field: str | None
    caller: str
    rules: dict[str, str]


def build_table(catalog: Catalog) -> list[Line]:
    """Who may do what: for who is not signed in, for who is without a role, and for each role by itself."""
    kinds: dict[str, frozenset[str] | None] = {NOBODY_NAME: None, "signed in": frozenset()}
    kinds |= {role: frozenset((role,)) for role in catalog.roles if role != ADMIN}
    lines: list[Line] = []
    for resource in catalog.resources.values():
        verbs = {verb: getattr(resource.access, verb) for verb in VERBS}
        lines += [Line(resource.path, None, name, _settle(verbs, roles)) for name, roles in kinds.items()]
        lines.append(Line(resource.path, None, ADMIN, dict.fromkeys(VERBS, "yes")))
        for field in resource.fields:
            given = {name: getattr(field, name) for name in ("readable_by", "writable_by")}
            of_field: dict[str, Rule] = {name: rule for name, rule in given.items() if rule is not None}
            if of_field:
                lines += [Line(resource.path, field.member, name, _settle(of_field, roles)) for name, roles in kinds.items()]
    return lines


def _settle(rules: dict[str, Rule], roles: frozenset[str] | None) -> dict[str, str]:
    return {name: _show(settle(rule, roles)) for name, rule in rules.items()}


def _show(rule: Rule) -> str:
    match rule:
        case Always():
            return "yes"
        case Nobody():
            return "no"
        case _:
            return describe(rule)
