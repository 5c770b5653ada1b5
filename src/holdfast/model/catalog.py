"""The catalog: the developer's classes, frozen into plain descriptions that every floor above reads.

Nothing here knows how a class was written, how SQL is rendered or what HTTP is. A catalog never changes after start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from holdfast.model.access import ADMIN
from holdfast.model.rule import Rule
from holdfast.model.types import FieldType, Reference

SYSTEM_MEMBERS = ("id", "version", "created_at", "updated_at", "created_by_id")
"""The members that every record has, in the order in which they are shown: id and version first, the others last."""


class OnDelete(Enum):
    """What happens to a record when the one it refers to is deleted."""

    RESTRICT = "restrict"
    CASCADE = "cascade"
    SET_NULL = "set_null"


class Secret(Enum):
    """How a write-only field is kept: as an Argon2id hash, or encrypted under the master key."""

    HASHED = "hashed"
    ENCRYPTED = "encrypted"


@dataclass(frozen=True, slots=True, eq=False)
class FieldSpec:
    """One field of a resource.

    name      as Python says it ("author"); rules use it
    member    as JSON and the database say it ("author_id"); filters and sorts use it too
    type      one of model.types
    nullable  null is accepted
    required  has no default, so must be sent at creation
    default   the default value (Python form); `factory` wins over it
    system    made by Holdfast: id, version, created_at, updated_at, created_by_id
    """

    name: str
    member: str
    type: FieldType
    nullable: bool = False
    required: bool = True
    default: Any = None
    factory: Callable[[], Any] | None = None
    unique: bool = False
    index: bool = False
    search: bool = False
    secret: Secret | None = None
    readonly: bool = False
    immutable: bool = False
    readable_by: Rule | None = None
    writable_by: Rule | None = None
    was: str | None = None
    on_delete: OnDelete = OnDelete.RESTRICT
    reverse: str | None = None
    description: str = ""
    examples: tuple[Any, ...] = ()
    deprecated: bool = False
    system: bool = False

    @property
    def reference(self) -> Reference | None:
        """The reference type of a Ref field, else None."""
        return self.type if isinstance(self.type, Reference) else None


@dataclass(frozen=True, slots=True)
class AccessSpec:
    """The rule of each verb, all defaults resolved: what was not granted is Nobody."""

    list: Rule
    read: Rule
    create: Rule
    update: Rule
    update_to: Rule
    delete: Rule


@dataclass(frozen=True, slots=True, eq=False)
class CheckSpec:
    """A condition between the fields of one row, kept by the database. `name` is stable and is the constraint's name."""

    name: str
    rule: Rule
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReverseSpec:
    """A route to what refers here: GET /authors/{id}/<name> lists `source` records whose `member` is the id."""

    name: str
    source: str
    member: str


@dataclass(frozen=True, slots=True, eq=False)
class ResourceSpec:
    """One resource.

    name    the class name ("Book")
    path    the route segment and key in the catalog ("books")
    table   the table name ("books"; kebab-case becomes snake_case)
    fields  in the order shown: id, version, the declared ones as declared, created_at, updated_at, created_by_id
    unique  tuples of members, single-field ones included
    index   tuples of members, single-field ones included
    """

    name: str
    path: str
    table: str
    description: str
    fields: tuple[FieldSpec, ...]
    access: AccessSpec
    unique: tuple[tuple[str, ...], ...] = ()
    index: tuple[tuple[str, ...], ...] = ()
    checks: tuple[CheckSpec, ...] = ()
    reverses: tuple[ReverseSpec, ...] = ()
    was: str | None = None
    require_version: bool = True
    cache: str = "no-store"
    python: type[Any] | None = None
    by_member: Mapping[str, FieldSpec] = field(init=False, repr=False)
    by_name: Mapping[str, FieldSpec] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_member", {each.member: each for each in self.fields})
        object.__setattr__(self, "by_name", {each.name: each for each in self.fields})

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule: of its verbs, then of its fields."""
        access = self.access
        of_fields = (rule for each in self.fields for rule in (each.readable_by, each.writable_by) if rule is not None)
        return (access.list, access.read, access.create, access.update, access.update_to, access.delete, *of_fields)

    @property
    def shown_fields(self) -> tuple[FieldSpec, ...]:
        """The fields that can be read, and so asked about: all but secret ones."""
        return tuple(each for each in self.fields if each.secret is None)

    @property
    def search_fields(self) -> tuple[FieldSpec, ...]:
        """The fields that `q` looks into."""
        return tuple(each for each in self.fields if each.search)


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Every resource by its path, in the order declared.

    registration  anyone may make an account for themselves
    warnings      what the developer should know although it stops nothing; told once at start
    users         the resource of those who can sign in; every Backend has it
    roles         every role that a rule names, and admin
    """

    resources: Mapping[str, ResourceSpec]
    title: str = "Holdfast"
    version: str = "1"
    description: str = ""
    registration: bool = False
    warnings: tuple[str, ...] = ()
    users: ResourceSpec | None = None
    roles: tuple[str, ...] = (ADMIN,)

    def target(self, spec: FieldSpec) -> ResourceSpec:
        """The resource that a Ref field refers to."""
        assert isinstance(spec.type, Reference)
        return self.resources[spec.type.target]

    def referring(self, path: str) -> tuple[tuple[ResourceSpec, FieldSpec], ...]:
        """Every (resource, field) that refers to the resource at `path`."""
        return tuple(
            (resource, each)
            for resource in self.resources.values()
            for each in resource.fields
            if isinstance(each.type, Reference) and each.type.target == path
        )
