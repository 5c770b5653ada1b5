"""How Access becomes an AccessSpec: every verb with its rule, what was not granted as Nobody."""

from collections.abc import Mapping

from holdfast.base.errors import Misconfigured
from holdfast.base.hint import suggest
from holdfast.model.access import VERBS, Access
from holdfast.model.catalog import AccessSpec
from holdfast.model.freeze.rule import RuleReader
from holdfast.model.rule import Nobody, Rule


def freeze_access(access: object, reader: RuleReader) -> AccessSpec:
    """Read the `access` of a class; a class without one grants nothing."""
    if access is None:
        return AccessSpec(*(Nobody() for _ in VERBS))
    if not isinstance(access, Access):
        raise Misconfigured(reader.place, f"access is {access!r}.", "Write access = Access(read=anyone, ...).")
    for verb in access.given:
        if verb not in (*VERBS, "write"):
            raise Misconfigured(reader.place, f"Access knows no {verb}.", suggest(verb, (*VERBS, "write")))
    rules = {verb: reader.read(rule) for verb, rule in access.given.items()}
    return AccessSpec(
        list=_first(rules, "list", "read"),
        read=_first(rules, "read"),
        create=_first(rules, "create", "write"),
        update=_first(rules, "update", "write"),
        update_to=_first(rules, "update_to", "update", "write"),
        delete=_first(rules, "delete", "write"),
    )


def _first(rules: Mapping[str, Rule], *verbs: str) -> Rule:
    return next((rules[verb] for verb in verbs if verb in rules), Nobody())
