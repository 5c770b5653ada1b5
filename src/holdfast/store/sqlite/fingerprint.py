"""The fingerprint of the master key, kept in the database from its first start on.

Without it a lost key would be made anew in silence: cursors end, encrypted secrets are lost, and no seal can be proved any more.
"""

from collections.abc import Callable
from pathlib import Path

import apsw

from holdfast.base.errors import Misconfigured
from holdfast.core.journal import Sign, fingerprint_of, sign_unkeyed
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.connection import build_refusal, open_writer
from holdfast.store.sqlite.execute import change, fetch
from holdfast.store.sqlite.group import begin
from holdfast.store.sqlite.turn import Turn

FINGERPRINT = "key_fingerprint"
"""Its name among the house's own facts."""

Keys = Callable[[bool], Sign]
"""Gives what signs the seals; True: the key may be made, because nothing was sealed with another."""


def unkeyed(_make: bool) -> Sign:  # noqa: FBT001  # the form of Keys
    """No key: seals show accidents alone."""
    return sign_unkeyed


def bind_key(path: Path, renderer: Renderer, keys: Keys) -> Sign:
    """What signs, once its key is known to be that of the database; the first start decides which that is.

    Raises Misconfigured where the key is another, or missing although the database has one.
    """
    turn = Turn(path.parent)
    try:
        with turn:
            return _bind(path, renderer, keys)
    except apsw.Error as error:
        raise build_refusal(path, error) from error
    finally:
        turn.close()


def _bind(path: Path, renderer: Renderer, keys: Keys) -> Sign:
    connection = open_writer(path)
    try:
        begin(connection)
        known = fetch(connection, renderer.meta.find(FINGERPRINT))
        sign = keys(not known)
        fingerprint = fingerprint_of(sign)
        if not known:
            change(connection, renderer.meta.insert(FINGERPRINT, fingerprint))
        elif known[0][0] != fingerprint:
            problem = "The master key is not the one that this database was made with."
            mend = "Restore the key from its backup (<data>/key, or what `key` and `key_file` name), or name the folder it belongs to."
            raise Misconfigured(str(path), problem, mend)
        connection.execute("COMMIT")
        return sign
    finally:
        connection.close(force=True)
