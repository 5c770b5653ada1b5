"""Hints: annotations as types, with quoted names found in the class's module or among the classes served beside it."""

import sys
import types
from collections.abc import Mapping
from inspect import get_annotations
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from holdfast.base.errors import Misconfigured


def read_hint(cls: type[Any], name: str, beside: Mapping[str, type[Any]]) -> Any:
    """The annotation of one field, resolved, with what `Annotated` says kept."""
    base = next(each for each in cls.__mro__ if name in get_annotations(each))
    module = vars(sys.modules[base.__module__]) if base.__module__ in sys.modules else {}
    others = {key: value for key, value in beside.items() if key not in module}  # the module's own meaning of a name wins
    holder = types.SimpleNamespace(__annotations__={name: get_annotations(base)[name]})
    try:
        return get_type_hints(holder, module, others, include_extras=True)[name]
    except NameError as error:
        problem, mend = f"Its type names {error.name}, which is not known.", f"Import {error.name}, or give it to the Backend."
    except (AttributeError, SyntaxError, TypeError) as error:
        problem, mend = f"Its type cannot be read: {error}.", "Mend the annotation."
    raise Misconfigured(f"{cls.__name__}.{name}", problem, mend)


def split_optional(hint: Any) -> tuple[Any, bool]:
    """`X | None` as (X, True); anything else as it is, with False. Other unions stay unions."""
    if get_origin(hint) is Annotated:
        inner, nullable = split_optional(hint.__origin__)
        return (Annotated[(inner, *hint.__metadata__)] if nullable else hint), nullable
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    parts = tuple(each for each in get_args(hint) if each is not type(None))
    if len(parts) == len(get_args(hint)):
        return hint, False
    return Union[parts], True  # noqa: UP007  # built from a tuple


def split_annotated(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """`Annotated[X, a, b]` as (X, (a, b)); a NewType or type alias as what it stands for."""
    notes: tuple[Any, ...] = ()
    while True:
        if get_origin(hint) is Annotated:
            notes = (*hint.__metadata__, *notes)
            hint = get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":  # `type X = ...` of Python 3.12
            hint = hint.__value__
        else:
            return hint, notes


def show_hint(hint: Any) -> str:
    """A hint as a developer writes it."""
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
