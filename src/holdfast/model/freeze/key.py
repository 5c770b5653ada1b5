"""How `unique` and `index`, of fields and of classes, become tuples of members."""

from collections.abc import Mapping

from holdfast.base.errors import Misconfigured
from holdfast.base.hint import suggest
from holdfast.model.catalog import FieldSpec
from holdfast.model.types import Document

Keys = tuple[tuple[str, ...], ...]
"""Tuples of JSON members."""


def freeze_keys(place: str, keyword: str, given: object, fields: Mapping[str, FieldSpec]) -> Keys:
    """The keys that a class keyword gives."""
    if not isinstance(given, list | tuple):
        raise Misconfigured(place, f"{keyword} is {given!r}.", f'Write {keyword}=["slug", ("author", "title")].')
    return tuple(_freeze_key(place, keyword, names, fields) for names in given)


def _freeze_key(place: str, keyword: str, names: object, fields: Mapping[str, FieldSpec]) -> tuple[str, ...]:
    group = (names,) if isinstance(names, str) else names
    if not isinstance(group, list | tuple) or not group or len(set(group)) < len(group):
        raise Misconfigured(place, f"{keyword} holds {names!r}.", f'Write {keyword}=[("author", "title")]: each field once.')
    return tuple(_member(place, keyword, name, fields) for name in group)


def _member(place: str, keyword: str, name: object, fields: Mapping[str, FieldSpec]) -> str:
    spec = fields.get(name) if isinstance(name, str) else None
    if spec is None:
        raise Misconfigured(place, f"{keyword} names {name!r}, which is no field.", suggest(str(name), fields))
    if isinstance(spec.type, Document):
        raise Misconfigured(place, f"{keyword} names {name}, a list, dict or nested object, which is one document.", f"Leave {name} out.")
    if spec.secret is not None:
        raise Misconfigured(place, f"{keyword} names {name}, a secret, which is never looked at.", f"Leave {name} out.")
    return spec.member
