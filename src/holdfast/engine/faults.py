"""Every fault at once: what the database finds wrong with the sound part of a body that is refused already.

A body is judged in two places: its form before the write, its references and what may only be equal within the transaction. A caller who
has faults of both kinds is told of all of them in one answer. That costs a few reads, and only where there is a fault.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import msgspec

from holdfast.base.errors import Detail, Refused, detail
from holdfast.base.ids import RecordId
from holdfast.base.limits import DETAILS_MAX
from holdfast.core.ask.view import ViewReader
from holdfast.core.check import find_broken
from holdfast.core.comparison import compare
from holdfast.core.condition import Condition, Stored
from holdfast.core.entity_tag import Precondition
from holdfast.core.permit import Grants
from holdfast.core.plan import ReadOne, Row
from holdfast.core.validate import Changed, Created
from holdfast.core.view import View, view_of_id
from holdfast.engine.reads import read_one
from holdfast.engine.sealing import Judge
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.ports.store import Store

_LOOKUPS_MAX = 200  # targets looked for beside one refusal; a bulk could name a thousand

_Body = tuple[str, Mapping[str, Stored]]
"""Where details of a record begin, and its values."""


class FaultFinder:
    """Completes the refusals of one resource.

    views  of the record, as each caller may see it
    judge  what secret values must be beyond their type
    """

    def __init__(self, catalog: Catalog, resource: ResourceSpec, store: Store, views: ViewReader, judge: Judge | None = None) -> None:
        self._resource, self._store, self._views, self._judge = resource, store, views, judge
        targets = {each.member: catalog.target(each) for each in resource.fields if each.reference is not None}
        self._targets = {member: view_of_id(target) for member, target in targets.items()}

    def judge_create(self, created: Sequence[Created], prefix: str) -> None:
        """Refuse secret values that will not do, those of every record at once."""
        details = self._find_unfit(_places(created, prefix))
        if details:
            raise Refused("validation_failed", details=details[:DETAILS_MAX])

    async def complete_create(self, refused: Refused, created: Sequence[Created], prefix: str, grants: Grants) -> Refused:
        """The refusal of a creation with every missing reference, every check that fails, and every secret that will not do.

        created  what was sound; ids that the caller chose are taken as there
        prefix   before the details of each, as in core.plan.Write
        """
        if refused.code != "validation_failed":
            return refused
        chosen = {(self._resource.path, each.id) for each in created}
        unfit = [*self._find_unfit(_places(created, prefix)), *self._find_broken(_places(created, prefix), grants)]
        return _add(refused, [*unfit, *await self._find_missing(_places(created, prefix), chosen, grants)])

    async def complete_change(
        self, refused: Refused, changed: Changed | None, record_id: RecordId, expected: Precondition, grants: Grants
    ) -> Refused:
        """The refusal of a change with every missing reference, every secret that will not do and, at the version expected, all that may
        not be changed.

        changed  what was sound, if anything was
        """
        if refused.code != "validation_failed" or changed is None:
            return refused
        more = [*self._find_unfit([("", changed.assign)]), *await self._find_missing([("", changed.assign)], set(), grants)]
        row = await self._read(record_id, self._views.whole(grants.visible), grants.on(self._resource).read)
        if row is not None and expected.version in (None, row.version):
            more.extend(compare(self._resource, changed, msgspec.json.decode(row.text)))
        return _add(refused, more)

    def _find_unfit(self, bodies: Iterable[_Body]) -> list[Detail]:
        details: list[Detail] = []
        if self._judge is None:
            return details
        for place, values in bodies:
            try:
                self._judge(values)
            except Refused as refused:
                details.extend(replace(each, field=_at(place, each.field)) for each in refused.details)
        return details

    def _find_broken(self, bodies: Iterable[_Body], grants: Grants) -> list[Detail]:
        found = ((place, each) for place, values in bodies for each in find_broken(self._resource, values, grants.names))
        return [replace(each, field=_at(place, each.field)) for place, each in found]

    async def _find_missing(self, bodies: Iterable[_Body], there: set[tuple[str, RecordId | None]], grants: Grants) -> list[Detail]:
        named = (
            (_at(place, member), view, RecordId(value))
            for place, values in bodies
            for member, view in self._targets.items()
            if isinstance(value := values.get(member), str)
        )
        details = []
        for field, view, target_id in islice(named, _LOOKUPS_MAX):
            where = grants.on(view.resource).read
            if (view.resource.path, target_id) not in there and await self._read(target_id, view, where) is None:
                details.append(detail(field, "reference_missing"))
        return details

    async def _read(self, record_id: RecordId, view: View, where: Condition) -> Row | None:
        return await read_one(self._store, ReadOne(record_id, view, where))


def _places(created: Sequence[Created], prefix: str) -> Iterable[_Body]:
    return ((prefix.format(index), each.values) for index, each in enumerate(created))


def _at(place: str, member: str) -> str:
    return f"{place}.{member}" if place else member


def _add(refused: Refused, more: Iterable[Detail]) -> Refused:
    known = {(each.field, each.code) for each in refused.details}
    new = [each for each in more if (each.field, each.code) not in known]
    return Refused(refused.code, refused.message, details=(*refused.details, *new)[:DETAILS_MAX], hint=refused.hint)
