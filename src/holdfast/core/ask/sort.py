"""Sorts: `-published_on,title` becomes a total order; `id` breaks ties."""

from collections.abc import Sequence

from holdfast.base.errors import Refused
from holdfast.base.hint import quote
from holdfast.base.limits import SORT_KEYS_MAX
from holdfast.core.ask.operators import is_ordered
from holdfast.core.ask.path import read_path
from holdfast.core.ask.visible import Visible
from holdfast.core.condition import Path
from holdfast.core.plan import Order
from holdfast.model.catalog import Catalog, ResourceSpec


class SortReader:
    """Reads the sorts of one resource. `by_id` is the order of a list without a sort."""

    def __init__(self, catalog: Catalog, resource: ResourceSpec) -> None:
        self._catalog, self._resource = catalog, resource
        self._id = Order(Path(resource.by_member["id"]))
        self.by_id = (self._id,)

    def read(self, keys: Sequence[str], visible: Visible) -> tuple[Order, ...]:
        """The order that the keys make, `id` last; refuses invalid_sort."""
        if len(keys) > SORT_KEYS_MAX:
            raise Refused("invalid_sort", f"A sort has at most {SORT_KEYS_MAX} keys, not {len(keys)}.")
        order: list[Order] = []
        for key in keys:
            order.append(self._read_key(key, order, visible))
        return self._end_with_id(order)

    def _read_key(self, key: str, before: list[Order], visible: Visible) -> Order:
        name = key.removeprefix("-")
        path = read_path(self._catalog, self._resource, name, visible, code="invalid_sort")
        if not is_ordered(path.field.type):
            raise Refused("invalid_sort", f"`{path}` holds a list or an object, which has no order.", hint="Sort by a plain field.")
        if any(each.path == path for each in before):
            raise Refused("invalid_sort", f"{quote(name)} stands twice in the sort.", hint="Name each field once.")
        return Order(path, descending=key.startswith("-"))

    def _end_with_id(self, order: list[Order]) -> tuple[Order, ...]:
        """Keys after `id` would change nothing, because no two rows share one."""
        for position, each in enumerate(order):
            if each.path == self._id.path:
                return tuple(order[: position + 1])
        return (*order, self._id)
