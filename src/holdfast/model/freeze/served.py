"""Which classes are served, and at which path: the first pass over the declaration."""

from inspect import get_annotations
from typing import Any

from holdfast.base.errors import Misconfigured
from holdfast.base.hint import suggest
from holdfast.model.access import Access
from holdfast.model.catalog import SYSTEM_MEMBERS
from holdfast.model.declared import KEYWORD_NAMES, Declared
from holdfast.model.freeze.mistakes import Mistakes
from holdfast.model.freeze.users import check_account_fields
from holdfast.model.names import RESERVED_PATHS, is_path, to_path, to_table
from holdfast.model.resource import Resource
from holdfast.model.rule import Rule
from holdfast.model.user import ACCOUNT_FIELDS, User
from holdfast.model.user import PATH as USERS

Served = dict[type[Resource], str]
"""The path of each served class, in the order given."""

_RESERVED_TABLES = ("hf_", "sqlite_", "pg_")


def place_classes(classes: tuple[Any, ...], mistakes: Mistakes) -> Served:
    """Give each class its path; what is wrong with a class or its name is noted."""
    if not classes:
        mistakes.note("Backend", "It serves nothing.", "Give it the classes to serve: Backend(Author, Book).")
    served: Served = {}
    for cls in classes:
        with mistakes.gather():
            _check_class(cls)
            path = _choose_path(cls)
            _check_apart(cls, path, served)
            served[cls] = path
            if issubclass(cls, User):
                check_account_fields(cls, mistakes)
    if not any(issubclass(cls, User) for cls in served):
        served[User] = USERS
    _check_renames(served, mistakes)
    return served


def lineage(cls: type[Any]) -> tuple[type[Declared], ...]:
    """The class and its mixins, nearest first."""
    return tuple(each for each in cls.__mro__ if issubclass(each, Resource) and each is not Resource)


def _check_class(cls: Any) -> None:
    if not (isinstance(cls, type) and issubclass(cls, Resource)) or cls is Resource:
        raise Misconfigured("Backend", f"{cls!r} is no resource class.", "Give it classes that derive from Resource.")
    _check_bases(cls)
    told_elsewhere = ACCOUNT_FIELDS if issubclass(cls, User) else frozenset[str]()
    for each in lineage(cls):
        for name in each.__holdfast__.unknown:
            raise Misconfigured(each.__name__, f"The class keyword {name} is unknown.", suggest(name, sorted(KEYWORD_NAMES)))
        for name, value in vars(each).items():
            if name not in told_elsewhere and name not in get_annotations(each):
                _check_untyped(each, name, value)


def _check_untyped(cls: type[Declared], name: str, value: object) -> None:
    """Refuse a value without a type where a field, a class keyword or the access was meant: nobody would read it."""
    place = f"{cls.__name__}.{name}"
    if isinstance(value, Access):
        if name != "access":
            raise Misconfigured(place, "Nobody would read this Access.", "Call it access.")
    elif name.startswith("_") or name.isupper() or name == "access" or isinstance(value, type | Rule) or hasattr(value, "__get__"):
        return  # Python's own, a constant, what `access` is told for, a class in the class or a rule for its access, a method
    elif name in KEYWORD_NAMES:
        mend = f"Write it beside the bases: class {cls.__name__}(Resource, {name}=...)."
        raise Misconfigured(place, f"{name} is a class keyword: nobody would read it here.", mend)
    elif name in SYSTEM_MEMBERS:
        raise Misconfigured(place, f"Holdfast sets {name} itself.", "Leave it out.")
    else:
        mend = f"Write `{name}: {type(value).__name__} = ...`; the name of a constant is written in capitals."
        raise Misconfigured(place, "It has no type, so it is no field.", mend)


def _check_bases(cls: type[Any]) -> None:
    for base in cls.__mro__:
        fields = get_annotations(base)
        if fields and not issubclass(base, Declared):
            problem = f"Its class {base.__name__} is no Resource, so the field would be lost."
            raise Misconfigured(f"{cls.__name__}.{next(iter(fields))}", problem, f"Write class {base.__name__}(Resource).")


def _choose_path(cls: type[Resource]) -> str:
    path = cls.__holdfast__.path
    if issubclass(cls, User):
        return _choose_users_path(cls, path)
    path = to_path(cls.__name__) if path is None else path
    if not isinstance(path, str) or not is_path(path):
        raise Misconfigured(
            cls.__name__, f"The path {path!r} cannot be used.", 'Write path="blog-posts": at most 48 of a-z, 0-9 and single hyphens.'
        )
    if path in RESERVED_PATHS:
        raise Misconfigured(cls.__name__, f"The path {path} belongs to Holdfast.", 'Choose another: path="...".')
    if to_table(path).startswith(_RESERVED_TABLES):
        raise Misconfigured(
            cls.__name__, f"The table {to_table(path)} belongs to the house or the database.", 'Choose another: path="...".'
        )
    return path


def _choose_users_path(cls: type[User], path: str | None) -> str:
    if path not in (None, USERS):
        raise Misconfigured(cls.__name__, f"Users are served at {USERS}, not at {path}.", "Leave path out.")
    return USERS


def _check_renames(served: Served, mistakes: Mistakes) -> None:
    names = {cls.__name__ for cls in served}
    for cls in served:
        was = cls.__holdfast__.was
        if was is not None and (not isinstance(was, str) or not was.isidentifier() or was in names):
            mistakes.note(cls.__name__, f"was is {was!r}, which is no old name.", "Name the class as it was called before.")


def _check_apart(cls: type[Resource], path: str, served: Served) -> None:
    for other, taken in served.items():
        if cls is other:
            raise Misconfigured("Backend", f"{cls.__name__} is given twice.", "Give it once.")
        for below, above in ((cls, other), (other, cls)):
            if issubclass(below, above):
                raise Misconfigured(
                    below.__name__,
                    f"It derives from {above.__name__}, which is served.",
                    "Put what they share into a mixin that is not given to the Backend.",
                )
        if path == taken:
            raise Misconfigured(cls.__name__, f"Its path {path} is that of {other.__name__}.", 'Choose another: path="...".')
        if cls.__name__ == other.__name__:
            raise Misconfigured(cls.__name__, "Two classes have this name.", "Rename one of them.")
