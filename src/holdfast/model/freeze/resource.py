"""How one class, its fields settled, becomes a ResourceSpec: access, keys, checks and class keywords."""

from collections.abc import Mapping
from typing import Any

from holdfast.model.catalog import AccessSpec, CheckSpec, FieldSpec, ResourceSpec, ReverseSpec
from holdfast.model.declared import Declared
from holdfast.model.freeze.access import freeze_access
from holdfast.model.freeze.check import freeze_check
from holdfast.model.freeze.key import Keys, freeze_keys
from holdfast.model.freeze.mistakes import Mistakes
from holdfast.model.freeze.rule import Fields, RuleReader
from holdfast.model.freeze.served import lineage
from holdfast.model.names import to_table
from holdfast.model.resource import Resource
from holdfast.model.rule import This, operands, path_of

_CACHE_DEFAULT = "no-store"


class ResourceBuilder:
    """Builds the resources of one Backend. `fields` are those of every resource by path and Python name."""

    def __init__(self, fields: Mapping[str, Fields], mistakes: Mistakes, *, require_version: bool) -> None:
        self._fields = fields
        self._mistakes = mistakes
        self._require_version = require_version

    def build(self, cls: type[Resource], path: str, fields: tuple[FieldSpec, ...], reverses: tuple[ReverseSpec, ...]) -> ResourceSpec:
        """The resource; what is wrong with it is noted and left out."""
        name, mixins = cls.__name__, lineage(cls)
        access = self._access(cls, path)
        return ResourceSpec(
            name=name,
            path=path,
            table=to_table(path),
            description=cls.__holdfast__.description,
            fields=fields,
            access=access,
            unique=self._keys("unique", path, mixins, [each for each in fields if each.unique and not each.system]),
            index=self._index(path, mixins, fields, access),
            checks=self._checks(path, mixins),
            reverses=reverses,
            was=cls.__holdfast__.was,
            require_version=self._keyword(mixins, "require_version", bool, default=self._require_version),
            cache=self._keyword(mixins, "cache", str, default=_CACHE_DEFAULT),
            python=cls,
        )

    def _access(self, cls: type[Resource], path: str) -> AccessSpec:
        reader = self._reader(cls, path, "access")
        with self._mistakes.gather():
            return freeze_access(getattr(cls, "access", None), reader)
        return freeze_access(None, reader)

    def _keys(self, keyword: str, path: str, mixins: tuple[type[Declared], ...], own: list[FieldSpec]) -> Keys:
        keys: Keys = tuple((each.member,) for each in own)
        for mixin in mixins:
            with self._mistakes.gather():
                keys = (*keys, *freeze_keys(mixin.__name__, keyword, getattr(mixin.__holdfast__, keyword), self._fields[path]))
        return tuple(dict.fromkeys(keys))

    def _index(self, path: str, mixins: tuple[type[Declared], ...], fields: tuple[FieldSpec, ...], access: AccessSpec) -> Keys:
        keys = self._keys("index", path, mixins, [each for each in fields if each.index])
        makers = ("created_by_id",)  # a rule that asks who made a row is asked on every read
        return keys if makers in keys or not _asks_for_maker(access) else (*keys, makers)

    def _checks(self, path: str, mixins: tuple[type[Declared], ...]) -> tuple[CheckSpec, ...]:
        checks: dict[str, CheckSpec] = {}
        for mixin in mixins:
            given = mixin.__holdfast__.check
            if not isinstance(given, list | tuple):
                self._mistakes.note(mixin.__name__, f"check is {given!r}.", "Write check=[this.ends > this.starts].")
                continue
            for rule in given:
                with self._mistakes.gather():
                    check = freeze_check(to_table(path), rule, self._reader(mixin, path, "check"))
                    checks[check.name] = check
        return tuple(checks.values())

    def _keyword(self, mixins: tuple[type[Declared], ...], keyword: str, kind: type[Any], *, default: Any) -> Any:
        """The keyword as the nearest class gives it."""
        for mixin in mixins:
            value = getattr(mixin.__holdfast__, keyword)
            if value is None:
                continue
            if not isinstance(value, kind) or value == "" or (isinstance(value, str) and not value.isprintable()):
                self._mistakes.note(mixin.__name__, f"{keyword} is {value!r}.", f"Give it as a {kind.__name__}.")
            return value
        return default

    def _reader(self, cls: type[Any], path: str, what: str) -> RuleReader:
        return RuleReader(f"{cls.__name__}.{what}", self._fields[path], self._fields)


def _asks_for_maker(access: AccessSpec) -> bool:
    rules = (access.list, access.read, access.update, access.update_to, access.delete)
    return any(isinstance(each, This) and path_of(each) == ("created_by",) for rule in rules for each in operands(rule))
