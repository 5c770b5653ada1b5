"""Rules as text, the way a developer writes them: for messages, documentation and stable names."""

from holdfast.model.rule import (
    AllOf,
    Always,
    AnyOf,
    Compare,
    Constant,
    Membership,
    Negation,
    Nobody,
    NullTest,
    Operand,
    Role,
    Rule,
    SignedIn,
)

_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def describe(rule: Rule) -> str:
    """Write a rule as Python: `(this.status == 'published') | role('editor')`."""
    match rule:
        case AllOf(parts):
            return " & ".join(map(_bracketed, parts))
        case AnyOf(parts):
            return " | ".join(map(_bracketed, parts))
        case Negation(part):
            return f"~{_bracketed(part)}"
        case _:
            return _describe_leaf(rule)


def _describe_leaf(rule: Rule) -> str:
    match rule:
        case Compare(left, operator, right):
            return f"{_operand(left)} {_SIGNS[operator]} {_operand(right)}"
        case NullTest(operand):
            return f"is_null({_operand(operand)})"
        case Membership(operand, values):
            return f"is_in({', '.join(map(_operand, (operand, *values)))})"
        case Role(names):
            return f"role({', '.join(map(repr, names))})"
        case _:
            return _NAMES.get(type(rule), repr(rule))


_NAMES: dict[type[Rule], str] = {Always: "anyone", Nobody: "nobody", SignedIn: "signed_in"}


def _operand(operand: Operand) -> str:
    return repr(operand.value) if isinstance(operand, Constant) else repr(operand)


def _bracketed(rule: Rule) -> str:
    text = describe(rule)
    return f"({text})" if isinstance(rule, AllOf | AnyOf | Compare) else text
