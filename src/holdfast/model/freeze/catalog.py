"""How the developer's classes become the resources of the Catalog. Mistakes are gathered, so that they are told together.

Three passes: names (which class is at which path), fields (what each class holds), rules and routes (what goes through references).
A pass begins only when the one before found nothing, because its mistakes would follow from theirs.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from inspect import get_annotations
from typing import Any

from holdfast.model.catalog import FieldSpec, ResourceSpec
from holdfast.model.freeze.field import add_system_fields, freeze_field
from holdfast.model.freeze.mistakes import Mistakes
from holdfast.model.freeze.resource import ResourceBuilder
from holdfast.model.freeze.reverse import freeze_reverses
from holdfast.model.freeze.rule import Fields, RuleReader
from holdfast.model.freeze.served import Served, lineage, place_classes
from holdfast.model.freeze.type import TypeReader
from holdfast.model.freeze.users import check_registration, find_roles, settle_users
from holdfast.model.names import is_member
from holdfast.model.resource import Resource
from holdfast.model.user import PATH as USERS

Frozen = Mapping[str, tuple[FieldSpec, ...]]
"""The fields of each resource by its path."""


def freeze(classes: tuple[Any, ...], *, require_version: bool, registration: bool) -> tuple[dict[str, ResourceSpec], tuple[str, ...]]:
    """Every resource by its path, and every role; raises one Misconfigured that tells all mistakes found."""
    mistakes = Mistakes()
    served = place_classes(classes, mistakes)
    mistakes.settle()
    fields = _freeze_fields(served, mistakes)
    mistakes.settle()
    fields = _freeze_field_rules(served, fields, mistakes)
    reverses = freeze_reverses(fields, {path: cls.__name__ for cls, path in served.items()}, mistakes)
    builder = ResourceBuilder(_by_name(fields), mistakes, require_version=require_version)
    resources = {path: builder.build(cls, path, fields[path], reverses[path]) for cls, path in served.items()}
    if registration:
        check_registration(resources[USERS], mistakes)
    mistakes.settle()
    roles = find_roles(resources)
    resources[USERS] = settle_users(resources[USERS], roles)
    return resources, roles


def _freeze_fields(served: Served, mistakes: Mistakes) -> Frozen:
    beside = {cls.__name__: cls for cls in served}
    reader = TypeReader(served, beside)
    frozen: dict[str, tuple[FieldSpec, ...]] = {}
    for cls, path in served.items():
        own: list[FieldSpec] = []
        for declared in _declared_fields(cls):
            with mistakes.gather():
                own.append(freeze_field(cls, declared, reader, beside))
        frozen[path] = add_system_fields(tuple(own))
        _check_names_apart(cls.__name__, frozen[path], mistakes)
        _check_renames(cls.__name__, own, mistakes)
    return frozen


def _declared_fields(cls: type[Resource]) -> Iterator["dataclasses.Field[Any]"]:
    """The fields of the class and its mixins, in the order written; a system field only if it was written again."""
    written = {name for each in lineage(cls) for name in get_annotations(each)}
    return (each for each in dataclasses.fields(cls) if each.name in written)


def _check_names_apart(owner: str, fields: tuple[FieldSpec, ...], mistakes: Mistakes) -> None:
    """A Ref `author` takes the names author and author_id; databases do not tell upper from lower case."""
    taken: dict[str, FieldSpec] = {}
    for spec in fields:
        for name in dict.fromkeys((spec.name.lower(), spec.member.lower())):
            other = taken.setdefault(name, spec)
            if other is not spec:
                mistakes.note(f"{owner}.{spec.name}", f"Its name {name} is taken by {other.name}.", "Rename one of the two.")


def _check_renames(owner: str, fields: list[FieldSpec], mistakes: Mistakes) -> None:
    names = {each.name for each in fields}
    seen: set[str] = set()
    for spec in fields:
        if spec.was is not None and (not is_member(spec.was) or spec.was in names | seen):
            mistakes.note(
                f"{owner}.{spec.name}", f"was names {spec.was!r}, which is no old name.", "Name the field as it was called before."
            )
        seen.add(spec.was or "")


def _by_name(fields: Frozen) -> dict[str, Fields]:
    return {path: {each.name: each for each in group} for path, group in fields.items()}


def _freeze_field_rules(served: Served, fields: Frozen, mistakes: Mistakes) -> Frozen:
    others = _by_name(fields)
    frozen: dict[str, tuple[FieldSpec, ...]] = {}
    for cls, path in served.items():
        settled: list[FieldSpec] = []
        for each in fields[path]:
            spec = each
            with mistakes.gather():
                spec = _freeze_rules_of(each, RuleReader(f"{cls.__name__}.{each.name}", others[path], others))
            settled.append(spec)
        frozen[path] = tuple(settled)
    return frozen


def _freeze_rules_of(spec: FieldSpec, reader: RuleReader) -> FieldSpec:
    if spec.readable_by is None and spec.writable_by is None:
        return spec
    readable = None if spec.readable_by is None else reader.read(spec.readable_by)
    writable = None if spec.writable_by is None else reader.read(spec.writable_by)
    return dataclasses.replace(spec, readable_by=readable, writable_by=writable)
