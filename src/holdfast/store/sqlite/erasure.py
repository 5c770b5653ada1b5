"""Erasure: taking a record's payloads out of the journal, which keeps their hashes, and saying so by an entry of its own.

Answers that are kept with idempotency keys go too where they mention the record. Words that only it had may stay in the full-text index,
without their record, until SQLite merges the part of the index where they stand: to merge all of it would keep every writer waiting.
"""

import apsw

from holdfast.base.instant import format_instant
from holdfast.core.plan import Erase
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.transaction import Transaction


def erase(connection: apsw.Connection, renderer: Renderer, plan: Erase) -> int:
    """Run an erasure inside the transaction of a group; how many entries lost their payloads.

    The freed space is overwritten with zeros, so that the file does not hold the data either; copies made before (backups, and the
    write-ahead log until it is emptied) still do.
    """
    tx = Transaction(connection, renderer, None, plan.request_id, format_instant(plan.at))
    connection.pragma("secure_delete", value=True)
    try:
        erased = tx.change(renderer.journal.erase(plan.resource, plan.id))
        tx.change(renderer.claims.delete_mentioning(plan.id))
    finally:
        connection.pragma("secure_delete", "fast")  # as open_writer has set it
    if erased:
        ((version,),) = tx.fetch(renderer.journal.last_version(plan.resource, plan.id))
        tx.note(plan.resource, plan.id, version, "erase", None, None)
    return erased
