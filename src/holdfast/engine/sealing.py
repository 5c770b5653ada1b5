"""Sealing: the secret values of a record are hashed or encrypted before anything else sees them."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext

from holdfast.core.condition import Stored
from holdfast.engine.request import Request
from holdfast.model.catalog import ResourceSpec
from holdfast.ports.world import Secrets

Judge = Callable[[Mapping[str, Stored]], None]
"""What secret values must be beyond their type."""


class Sealing:
    """Seals the values of one resource. Whatever makes or changes its records does so before it plans the write: a hash takes long.

    judge  looks at the values while they can still be read; raises Refused
    """

    def __init__(self, resource: ResourceSpec, secrets: Secrets, judge: Judge | None = None) -> None:
        self._secrets, self._judge = secrets, judge
        self._kinds = {each.member: each.secret.value for each in resource.fields if each.secret is not None}
        self._hashed = [member for member, kind in self._kinds.items() if kind == "hashed"]

    def count_hashes(self, records: Iterable[Mapping[str, Stored]]) -> int:
        """How many values of some records are to be hashed."""
        if not self._hashed:
            return 0
        return sum(isinstance(values.get(member), str) for values in records for member in self._hashed)

    async def seal(self, values: Mapping[str, Stored]) -> Mapping[str, Stored]:
        """The values as they are stored; the same mapping where none is secret."""
        if not self._kinds:
            return values
        if self._judge is not None:
            self._judge(values)
        sealed = dict(values)
        for member, kind in self._kinds.items():
            text = sealed.get(member)
            if isinstance(text, str):
                sealed[member] = await self._secrets.seal(kind, text)
        return sealed


def sealing_for(request: Request, hashes: int, *, counted_as: int = 1) -> AbstractAsyncContextManager[None]:
    """Where a request seals: so many hashes are charged before the first is made, and none is waited for beyond its deadline.

    counted_as  how many requests it was counted as; one hash for each of them costs nothing more

    Raises Refused (rate_limited); within it Unavailable (deadline_exceeded).
    """
    if hashes > counted_as:
        request.charge_more(hashes - counted_as)
    return request.within_deadline() if hashes else nullcontext()
