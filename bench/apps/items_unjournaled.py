"""The resource of the benchmark without its journal: what a create would cost then. Never served to anyone.

There is no setting for it, on purpose: totals, history, verify and the answers to repeats are readings of the journal.
"""

from typing import Any

from bench.apps.items import backend
from holdfast.store.sql.statement import constant
from holdfast.store.sql.view import Views
from holdfast.store.sqlite.transaction import Transaction

__all__ = ["backend"]


def _leave_no_entry(_transaction: Transaction, *_entry: Any) -> None:
    """Instead of Transaction.note."""


def _make_no_image(_views: Views, *_record: Any) -> Any:
    """Instead of Views.image: nobody needs one where there is no entry."""
    return constant("")


Transaction.note = _leave_no_entry  # type: ignore[method-assign, assignment]
Views.image = _make_no_image  # type: ignore[method-assign, assignment]
