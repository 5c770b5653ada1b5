"""How `check=[...]` becomes conditions that the database keeps, each under a name that stays the same from start to start."""

import hashlib

from holdfast.base.errors import Misconfigured
from holdfast.model.catalog import CheckSpec
from holdfast.model.freeze.rule import RuleReader
from holdfast.model.rule import AllOf, AnyOf, Compare, Membership, Negation, Now, NullTest, OfUser, Rule, This, operands, path_of, walk
from holdfast.model.rule_text import describe

_NAME_LENGTH = 48
_ROW_CONDITIONS = (AllOf, AnyOf, Negation, Compare, NullTest, Membership)


def freeze_check(table: str, rule: object, reader: RuleReader) -> CheckSpec:
    """Read one check: a condition on nothing but the fields of its own row."""
    settled = reader.read(rule)
    _check_row_alone(reader.place, settled)
    names = dict.fromkeys(path_of(each)[0] for each in operands(settled) if isinstance(each, This))
    members = tuple(reader.fields[name].member for name in names)
    return CheckSpec(_name(table, members, settled), settled, members)


def _check_row_alone(place: str, rule: Rule) -> None:
    if not all(isinstance(each, _ROW_CONDITIONS) for each in walk(rule)):
        raise Misconfigured(place, "A check cannot ask who the caller is.", "Move roles to access; check the fields alone.")
    for each in operands(rule):
        if isinstance(each, OfUser | Now):
            raise Misconfigured(
                place, f"A check cannot know {each!r}.", "It must hold at any time for anyone: compare fields and values alone."
            )
        if isinstance(each, This) and len(path_of(each)) > 1:
            raise Misconfigured(place, f"A check cannot look into another record, as {each!r} does.", "Compare fields of the same record.")


def _name(table: str, members: tuple[str, ...], rule: Rule) -> str:
    digest = hashlib.sha256(describe(rule).encode()).hexdigest()[:8]
    return f"{'_'.join((table, *members))[:_NAME_LENGTH]}_{digest}"
