"""POST .../batch: many operations in one transaction, all or none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from holdfast.base.errors import Detail, Refused
from holdfast.base.limits import DETAILS_MAX
from holdfast.core.ask.query import check_no_parameters
from holdfast.core.batch import BatchReader, count_operations, join_body
from holdfast.core.document import parse_json
from holdfast.core.entity_tag import refuse_preconditions
from holdfast.core.exchange import Reply
from holdfast.core.idempotency import read_key
from holdfast.core.negotiate import check_content_type, prefers_minimal
from holdfast.core.plan import Create, Delete, Row, Undelete, WriteStep
from holdfast.core.reply import Replies
from holdfast.engine.commit import Committer
from holdfast.engine.records import Records
from holdfast.engine.request import Request
from holdfast.engine.sealing import sealing_for
from holdfast.model.catalog import Catalog

STEP_PREFIX = "operations[{}]"

_SPLIT = re.compile(r"(operations\[[0-9]+\])\.(.+)").fullmatch
_OF_THE_BODY = frozenset({"validation_failed", "unique_conflict"})
"""Refusals whose details name members of a body; others speak of the operation, or of records that refer to its own."""
_VERSION_HINT = "Say the version that you have read as `version` of the operation."


class Batch:
    """The handler of batches on one catalog."""

    def __init__(self, catalog: Catalog, records: Mapping[str, Records], *, commits: Committer, replies: Replies) -> None:
        self._records, self._commits, self._replies = records, commits, replies
        self._reader = BatchReader(catalog, lambda resource: records[resource.path].make_id())

    async def run(self, request: Request, body: bytes) -> Reply:
        """Run the operations in order; `data` has the status and the data of each."""
        request.require_json_answer()
        check_content_type(request.head.header("content-type"))
        check_no_parameters(request.query)
        refuse_preconditions(request.head.headers, _VERSION_HINT)
        key = read_key(request.head)
        value = parse_json(body)
        request.charge_more(count_operations(value) - 1)
        steps = await self._seal(self._reader.read(value, request.grants), request)

        def answer(rows: tuple[Row | None, ...]) -> Reply:
            if prefers_minimal(request.head.header("prefer")):
                return self._replies.minimal(request.request_id)
            return self._replies.data(f"[{','.join(map(_show, steps, rows))}]", request.request_id)

        try:
            return await self._commits.commit(steps, answer, request, key=key, body=value, step_prefix=STEP_PREFIX)
        except Refused as refused:
            raise _of_batch(refused) from refused

    async def _seal(self, steps: Sequence[WriteStep], request: Request) -> tuple[WriteStep, ...]:
        """The steps with their secrets hashed or encrypted. Raises Refused with every one that will not do, and its operation."""
        sealed: list[WriteStep] = []
        details: list[Detail] = []
        async with sealing_for(request, sum(map(self._count_hashes, steps)), counted_as=len(steps)):
            for index, step in enumerate(steps):
                try:
                    sealed.append(await self._seal_values(step))
                except Refused as refused:
                    details += (replace(each, field=f"{STEP_PREFIX.format(index)}.body.{each.field}") for each in refused.details)
        if details:
            raise Refused("validation_failed", details=details[:DETAILS_MAX])
        return tuple(sealed)

    def _count_hashes(self, step: WriteStep) -> int:
        if isinstance(step, Delete | Undelete):
            return 0
        return self._records[step.resource.path].sealing.count_hashes([step.values if isinstance(step, Create) else step.assign])

    async def _seal_values(self, step: WriteStep) -> WriteStep:
        if isinstance(step, Delete | Undelete):
            return step
        seal = self._records[step.resource.path].sealing.seal
        if isinstance(step, Create):
            return replace(step, values=await seal(step.values))
        return replace(step, assign=await seal(step.assign))


def _show(step: WriteStep, row: Row | None) -> str:
    status = 201 if isinstance(step, Create) else 200
    return f'{{"status":{status},"data":{"null" if row is None else row.text}}}'


def _of_batch(refused: Refused) -> Refused:
    """The refusal of one operation as that of its batch, without what belongs to one record alone, such as its ETag."""
    details = refused.details
    if refused.code in _OF_THE_BODY:
        details = tuple(map(_move_to_body, details))
    hint = _VERSION_HINT if refused.code == "precondition_required" else refused.hint
    return Refused(refused.code, refused.message, details=details, hint=hint, status=refused.status)


def _move_to_body(detail: Detail) -> Detail:
    found = _SPLIT(detail.field)
    return detail if found is None else replace(detail, field=join_body(found[1], found[2]))
