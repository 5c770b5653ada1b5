"""Puts the handlers to the routes: one table from which the engine answers."""

from collections.abc import Mapping

from holdfast.core.routes import Action, Route
from holdfast.engine.history import History
from holdfast.engine.records import Records
from holdfast.engine.request import Handler
from holdfast.model.catalog import Catalog


def assign_handlers(
    catalog: Catalog,
    routes: tuple[Route, ...],
    records: Mapping[str, Records],
    histories: Mapping[str, History],
    pages: Mapping[Action, Handler],
) -> dict[Route, Handler]:
    """Give every route its handler: `records` and `histories` by resource path, `pages` by action for the routes of no resource."""
    return {route: _assign(catalog, route, records, histories, pages) for route in routes}


def _assign(
    catalog: Catalog, route: Route, records: Mapping[str, Records], histories: Mapping[str, History], pages: Mapping[Action, Handler]
) -> Handler:
    if route.resource is None:
        return pages[route.action]
    mine = records[route.resource.path]
    if route.reverse is not None:
        parent = catalog.target(route.resource.by_member[route.reverse.member])
        return mine.referring(records[parent.path], route.reverse)
    handlers: dict[Action, Handler] = {
        Action.LIST: mine.list,
        Action.QUERY: mine.query,
        Action.CREATE: mine.create,
        Action.BULK_CREATE: mine.create_many,
        Action.READ: mine.read,
        Action.REPLACE: mine.replace,
        Action.PATCH: mine.patch,
        Action.DELETE: mine.delete,
        Action.HISTORY: histories[route.resource.path].read,
        Action.UNDELETE: histories[route.resource.path].undelete,
    }
    return handlers[route.action]
