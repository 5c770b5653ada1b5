"""The OpenAPI 3.1 document of a catalog: every route, parameter, body, status, header and error code."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from holdfast.base.limits import BODY_BYTES_MAX, URL_BYTES_MAX
from holdfast.core.openapi import operation, question
from holdfast.core.openapi.accounts import build_account_operation
from holdfast.core.openapi.batch import build_batch_components, build_batch_operation
from holdfast.core.openapi.bounds import bound_document
from holdfast.core.openapi.changes import build_changes_operation, build_changes_parameters
from holdfast.core.openapi.headers import carry_headers
from holdfast.core.openapi.record import HISTORY_META, META, build_answer, build_record_components
from holdfast.core.openapi.response import build_error_responses, build_error_schemas
from holdfast.core.openapi.schema import Schema
from holdfast.core.openapi.security import COOKIE_PARAMETERS, Guard, build_schemes
from holdfast.core.openapi.service import build_service_operation
from holdfast.core.routes import Action, Route
from holdfast.model.catalog import Catalog

_UNTOLD_METHODS = frozenset({"QUERY"})  # OpenAPI 3.1 has no word for it; POST .../query says the same
_UNTOLD_ACTIONS = frozenset({Action.DOCS_ASSET})  # the parts of a page are no interface


def build_openapi(catalog: Catalog, *, routes: Sequence[Route], cookies: bool = False, cors: bool = False) -> dict[str, Any]:
    """Build the document of a catalog and its routes, ready to be encoded as JSON; the same input gives the same document.

    cookies  browsers may sign in by a session cookie
    cors     pages of some other origin may ask
    """
    document = carry_headers(
        {
            "openapi": "3.1.0",
            "info": {
                "title": catalog.title,
                "version": catalog.version,
                "description": "\n\n".join(filter(None, (catalog.description, _CONVENTIONS))),
            },
            "tags": _build_tags(catalog),
            "paths": _build_paths(catalog, routes, cookies=cookies),
            "components": {
                "schemas": _build_schemas(catalog),
                "parameters": _build_parameters(catalog) | (COOKIE_PARAMETERS if cookies else {}),
                "responses": _build_responses(catalog, cookies=cookies),
                "securitySchemes": build_schemes(cookies=cookies),
            },
        },
        cookies=cookies,
        cors=cors,
    )
    return bound_document(document)


_CONVENTIONS = f"""\
Every JSON body is an envelope: `success`, then `data` or `error`; lists add `meta`. Error codes are stable, messages are for people.
`Accept: application/problem+json` gets errors as RFC 9457.

HEAD answers as GET does, without the body; OPTIONS answers with the exact `Allow`.

Any write can carry an `Idempotency-Key`: sent again with the same key within 24 hours it is not made again, and gets its first answer.

Changes need the version that was read: as `If-Match`, or as `version` in the query or the body.

Filters are `member=value` or `member[operator]=value`, and all of them hold. They go through references as `author.name[contains]=le`,
as do `sort` and `include`. What does not fit a URL ({URL_BYTES_MAX // 1024} KiB) goes to `POST .../query` as JSON.
Bodies have at most {BODY_BYTES_MAX // 1024} KiB."""


def _build_tags(catalog: Catalog) -> list[Schema]:
    tags = [{"name": each.name, **({"description": each.description} if each.description else {})} for each in catalog.resources.values()]
    batch = {"name": "Batch", "description": "Many writes in one transaction."}
    accounts = {"name": "Accounts", "description": "Signing in, and one's own account."}
    return [*tags, batch, accounts, {"name": "Service", "description": "Health, metrics and documentation."}]


def _build_paths(catalog: Catalog, routes: Sequence[Route], *, cookies: bool) -> dict[str, Schema]:
    paths: dict[str, Schema] = {}
    guard = Guard(catalog, cookies=cookies)
    for route in routes:
        if route.method in _UNTOLD_METHODS or route.action in _UNTOLD_ACTIONS:
            continue
        paths.setdefault(route.template, {})[route.method.lower()] = guard.secure(route, _build_operation(catalog, route, cookies=cookies))
    return paths


def _build_operation(catalog: Catalog, route: Route, *, cookies: bool) -> Schema:
    account = build_account_operation(catalog, route, cookies=cookies)
    if account is not None:
        return account
    if route.action is Action.BATCH:
        return build_batch_operation()
    if route.action is Action.CHANGES:
        return build_changes_operation()
    return build_service_operation(route) if route.resource is None else operation.build_operation(route)


def _build_schemas(catalog: Catalog) -> dict[str, Schema]:
    schemas: dict[str, Schema] = {}
    for resource in catalog.resources.values():
        schemas.update(build_record_components(catalog, resource))
        schemas.update(question.build_query_components(catalog, resource))
    schemas.update(question.build_shared_components(catalog))
    schemas.update(build_batch_components(catalog))
    schemas |= {"list.meta": META, "history.meta": HISTORY_META, "empty.answer": build_answer({"type": "null"})}
    return {**schemas, **dict(build_error_schemas())}


def _build_responses(catalog: Catalog, *, cookies: bool) -> dict[str, Schema]:
    of_resources = (operation.build_responses(each) for each in catalog.resources.values())
    return {**operation.COMMON_RESPONSES, **dict(chain.from_iterable(of_resources)), **dict(build_error_responses(cookies=cookies))}


def _build_parameters(catalog: Catalog) -> dict[str, Schema]:
    parameters = {**operation.COMMON_PARAMETERS, **question.COMMON_PARAMETERS, **build_changes_parameters(catalog)}
    for resource in catalog.resources.values():
        parameters.update(question.build_parameters(catalog, resource))
    return parameters
