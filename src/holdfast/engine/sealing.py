"""Sealing: the secret values of a record are hashed or encrypted before anything else sees them."""

from collections.abc import Callable, Mapping

from holdfast.core.condition import Stored
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
