"""Sight: whether a plan still belongs to who asked, and whether a record may still be told to them.

A plan that names no caller is everybody's, and costs nothing here.
"""

from collections.abc import Callable
from typing import Any

from holdfast.core.actor import Caller
from holdfast.core.condition import ALWAYS, Condition
from holdfast.core.plan import CallerChanged
from holdfast.model.catalog import ResourceSpec
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.statement import Statement

Fetch = Callable[[Statement], list[tuple[Any, ...]]]
"""Runs a statement and fetches its rows to the end."""


def check_epoch(fetch: Fetch, renderer: Renderer, caller: Caller | None) -> None:
    """Refuse what was read for a caller whose identity may have changed since the plan was made.

    The epoch only moves up: where it is what it was, it was so at every moment before. Raises CallerChanged.
    """
    if caller is not None and fetch(renderer.epoch()) != [(caller.epoch,)]:
        raise CallerChanged("the identity epoch has moved")


def check_identity(fetch: Fetch, renderer: Renderer, caller: Caller | None) -> None:
    """Refuse a write whose caller is no longer who they were; another user's change moves the epoch and does no harm.

    Raises CallerChanged.
    """
    if caller is None or fetch(renderer.epoch()) == [(caller.epoch,)]:
        return
    found = fetch(renderer.identity(caller.token_hash))
    if [each[:2] for each in found] != [(caller.user_id, caller.user_version)]:
        raise CallerChanged("the identity of the caller has changed")


def is_seen(fetch: Fetch, renderer: Renderer, resource: ResourceSpec, record_id: str, where: Condition) -> bool:
    """Whether a record may be seen as it is, or, where it is deleted, as it last was.

    A hidden record runs the statements of a missing one, so that no clock tells them apart.
    """
    if fetch(renderer.exists(resource, record_id, where)):
        return True
    lives = fetch(renderer.exists(resource, record_id))
    found = fetch(renderer.last_image(resource, record_id, where))
    if lives or not found:
        return False
    return bool(found[0][3]) or where == ALWAYS  # what was erased is judged by nothing else
