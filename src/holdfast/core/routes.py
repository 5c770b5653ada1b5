"""The routes of a catalog: one table, read by the router, the OpenAPI document and `holdfast routes`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from holdfast.model.catalog import Catalog, ResourceSpec, ReverseSpec

API = "/api/v1"


class Action(Enum):
    """What a route does."""

    LIST = "list"
    CREATE = "create"
    BULK_CREATE = "bulk_create"
    QUERY = "query"
    READ = "read"
    REPLACE = "replace"
    PATCH = "patch"
    DELETE = "delete"
    LIST_REFERRING = "list_referring"
    BATCH = "batch"
    HISTORY = "history"
    UNDELETE = "undelete"
    CHANGES = "changes"
    LOGIN = "login"
    REFRESH = "refresh"
    LOGOUT = "logout"
    ME = "me"
    PASSWORD = "password"  # noqa: S105  # the name of a route
    SESSIONS = "sessions"
    REVOKE_SESSION = "revoke_session"
    REGISTER = "register"
    VERIFY_EMAIL = "verify_email"
    RESET = "reset"
    CONFIRM_RESET = "confirm_reset"
    ENROL_TOTP = "enrol_totp"
    CONFIRM_TOTP = "confirm_totp"
    DISABLE_TOTP = "disable_totp"
    OIDC_START = "oidc_start"
    OIDC_CALLBACK = "oidc_callback"
    HEALTH = "health"
    READY = "ready"
    METRICS = "metrics"
    OPENAPI = "openapi"
    DOCS = "docs"
    DOCS_ASSET = "docs_asset"


_UNIDENTIFIED = frozenset(
    {
        *(Action.HEALTH, Action.READY, Action.METRICS),
        *(Action.LOGIN, Action.REFRESH, Action.REGISTER, Action.RESET, Action.CONFIRM_RESET),
        *(Action.OIDC_START, Action.OIDC_CALLBACK),
    }
)

_VERBS = {
    Action.LIST: "list",
    Action.QUERY: "list",
    Action.LIST_REFERRING: "list",
    Action.READ: "read",
    Action.HISTORY: "read",
    Action.CREATE: "create",
    Action.BULK_CREATE: "create",
    Action.REPLACE: "update",
    Action.PATCH: "update",
    Action.DELETE: "delete",
    Action.UNDELETE: "delete",
}


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One method on one path template ("/api/v1/authors/{id}/books").

    reverse     set for LIST_REFERRING alone; `resource` is then the one listed
    verb        what must be granted on the resource (model.access.VERBS); None where it is not one resource's alone
    identifies  the Authorization header says who asks: not where the service itself is asked, or credentials are in the body
    """

    method: str
    template: str
    action: Action
    resource: ResourceSpec | None = None
    reverse: ReverseSpec | None = None
    verb: str | None = field(init=False)
    identifies: bool = field(init=False)

    def __post_init__(self) -> None:  # once, not for each request
        object.__setattr__(self, "verb", _VERBS.get(self.action))
        object.__setattr__(self, "identifies", self.action not in _UNIDENTIFIED)

    @property
    def writes(self) -> bool:
        """Whether the route changes records."""
        return self.action in _WRITES


_WRITES = frozenset(
    {Action.CREATE, Action.BULK_CREATE, Action.REPLACE, Action.PATCH, Action.DELETE, Action.UNDELETE, Action.BATCH},
)


@dataclass(frozen=True, slots=True, eq=False)
class PathItem:
    """All routes of one path template by method. HEAD stands beside every GET; OPTIONS is answered from `allow`."""

    template: str
    routes: Mapping[str, Route]
    allow: str

    @staticmethod
    def of(template: str, routes: list[Route]) -> "PathItem":
        """Group the routes of one template; `allow` lists the methods in a fixed order."""
        by_method = {route.method: route for route in routes}
        if "GET" in by_method:
            by_method["HEAD"] = by_method["GET"]
        order = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY", "OPTIONS")
        return PathItem(template, by_method, ", ".join(each for each in order if each in by_method or each == "OPTIONS"))


def build_routes(catalog: Catalog, *, query_method: bool = False, oidc: bool = False) -> tuple[Route, ...]:
    """Every route of a catalog, resources in the order declared, then those of accounts, then the service's own."""
    routes = [route for resource in catalog.resources.values() for route in _resource_routes(catalog, resource, query_method=query_method)]
    more = (*((_REGISTRATION,) if catalog.registration else ()), *(_OIDC_ROUTES if oidc else ()))
    return (*routes, *_ACCOUNT_ROUTES, *more, *_SERVICE_ROUTES)


def _resource_routes(catalog: Catalog, resource: ResourceSpec, *, query_method: bool) -> list[Route]:
    many, one = f"{API}/{resource.path}", f"{API}/{resource.path}/{{id}}"
    routes = [
        Route("GET", many, Action.LIST, resource),
        Route("POST", many, Action.CREATE, resource),
        Route("POST", f"{many}/bulk", Action.BULK_CREATE, resource),
        Route("POST", f"{many}/query", Action.QUERY, resource),
        Route("GET", one, Action.READ, resource),
        Route("PUT", one, Action.REPLACE, resource),
        Route("PATCH", one, Action.PATCH, resource),
        Route("DELETE", one, Action.DELETE, resource),
        Route("GET", f"{one}/history", Action.HISTORY, resource),
        Route("POST", f"{one}/undelete", Action.UNDELETE, resource),
    ]
    if query_method:
        routes.append(Route("QUERY", many, Action.QUERY, resource))
    routes.extend(
        Route("GET", f"{one}/{reverse.name}", Action.LIST_REFERRING, catalog.resources[reverse.source], reverse)
        for reverse in resource.reverses
    )
    return routes


_AUTH = f"{API}/auth"

_ACCOUNT_ROUTES = (
    Route("POST", f"{_AUTH}/login", Action.LOGIN),
    Route("POST", f"{_AUTH}/refresh", Action.REFRESH),
    Route("POST", f"{_AUTH}/logout", Action.LOGOUT),
    Route("GET", f"{_AUTH}/me", Action.ME),
    Route("POST", f"{_AUTH}/password", Action.PASSWORD),
    Route("GET", f"{_AUTH}/sessions", Action.SESSIONS),
    Route("DELETE", f"{_AUTH}/sessions/{{id}}", Action.REVOKE_SESSION),
    Route("POST", f"{_AUTH}/verify-email", Action.VERIFY_EMAIL),
    Route("POST", f"{_AUTH}/reset", Action.RESET),
    Route("POST", f"{_AUTH}/reset/confirm", Action.CONFIRM_RESET),
    Route("POST", f"{_AUTH}/totp/enrol", Action.ENROL_TOTP),
    Route("POST", f"{_AUTH}/totp/confirm", Action.CONFIRM_TOTP),
    Route("POST", f"{_AUTH}/totp/disable", Action.DISABLE_TOTP),
)
_REGISTRATION = Route("POST", f"{_AUTH}/register", Action.REGISTER)
_OIDC_ROUTES = (
    Route("GET", f"{_AUTH}/oidc/{{provider}}/start", Action.OIDC_START),
    Route("GET", f"{_AUTH}/oidc/{{provider}}/callback", Action.OIDC_CALLBACK),
)

_SERVICE_ROUTES = (
    Route("POST", f"{API}/batch", Action.BATCH),
    Route("GET", f"{API}/changes", Action.CHANGES),
    Route("GET", "/healthz", Action.HEALTH),
    Route("GET", "/readyz", Action.READY),
    Route("GET", "/metrics", Action.METRICS),
    Route("GET", "/openapi.json", Action.OPENAPI),
    Route("GET", "/docs", Action.DOCS),
    Route("GET", "/docs/{asset}", Action.DOCS_ASSET),
)


class Router:
    """Finds the item of a path in at most three dictionary look-ups; a template has at most one parameter."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        grouped: dict[str, list[Route]] = {}
        for route in routes:
            grouped.setdefault(route.template, []).append(route)
        items = {template: PathItem.of(template, group) for template, group in grouped.items()}
        self._fixed = {template: item for template, item in items.items() if "{" not in template}
        self._with_parameter = {_shape(template): item for template, item in items.items() if "{" in template}

    def find(self, path: str) -> tuple[PathItem, str] | None:
        """The item of a decoded path and the text of its parameter ("" if it has none); None if there is no such path."""
        item = self._fixed.get(path)
        if item is not None:
            return item, ""
        head, _, last = path.rpartition("/")
        if not last:
            return None  # a slash at the end is an empty step, and no template has one
        item = self._with_parameter.get((head, ""))
        if item is not None:
            return item, last
        head, _, parameter = head.rpartition("/")
        item = self._with_parameter.get((head, last))
        return (item, parameter) if item is not None and parameter else None

    @property
    def paths(self) -> tuple[str, ...]:
        """Every fixed path, for nearest-name hints."""
        return tuple(self._fixed)


def _shape(template: str) -> tuple[str, str]:
    """("/api/v1/books", "") for /api/v1/books/{id}; ("/api/v1/authors", "books") for /api/v1/authors/{id}/books."""
    head, _, tail = template.partition("/{")
    return head, tail.partition("/")[2]
