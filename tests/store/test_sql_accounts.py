"""The statements of accounts: every one is sound SQL on the real schema."""

import apsw
import pytest

from holdfast import Backend, User
from holdfast.store.sql.accounts import AccountStatements
from holdfast.store.sql.schema import render_schema
from holdfast.store.sql.sqlite import FOLD_FUNCTION, Sqlite
from holdfast.store.sql.statement import Prepared
from holdfast.store.sql.tables import Tables

CATALOG = Backend(User).catalog
DIALECT = Sqlite()
STATEMENTS = AccountStatements(CATALOG.users, Tables(CATALOG, DIALECT), DIALECT)
NAMES = sorted(name for name in dir(AccountStatements) if not name.startswith("_"))


@pytest.fixture(scope="module")
def database() -> apsw.Connection:
    """An empty database with the schema."""
    connection = apsw.Connection(":memory:")
    connection.create_scalar_function(FOLD_FUNCTION, lambda *texts: texts[0], 1)
    for text in render_schema(CATALOG, DIALECT):
        connection.execute(text)
    return connection


@pytest.mark.parametrize("name", NAMES)
def test_statement_is_sound(database: apsw.Connection, name: str) -> None:
    """The database takes every statement with as many values as its text has parameters."""
    found = getattr(STATEMENTS, name)
    for prepared in found if isinstance(found, tuple) else (found,):
        assert isinstance(prepared, Prepared)
        assert database.execute(f"EXPLAIN {prepared.text}", prepared.bind((b"", *range(9))).values).fetchall()
