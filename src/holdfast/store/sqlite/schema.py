"""The schema: made once in an empty database, recorded there, and compared with the declared classes at every start."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec

from holdfast.base.errors import Misconfigured
from holdfast.base.instant import format_instant
from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec
from holdfast.model.types import Number
from holdfast.ports.world import Clock
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite.connection import build_refusal, check_engine, check_file, check_folder, create_file, engine_version, open_writer
from holdfast.store.sqlite.execute import change
from holdfast.store.sqlite.group import begin
from holdfast.store.sqlite.turn import Turn

DATABASE_NAME = "holdfast.db"
FORMAT = "5"
"""The format of the house's own tables and entries; a database of another is refused."""

_MEND_SCHEMA = (
    "Go back to the classes that made it, or choose a new folder with --data: `holdfast dump` with the old, `holdfast load` with the new."
)

Description = dict[str, Any]
"""The recorded schema: for each table what the database must know of it. Plain JSON."""


def prepare(data_dir: Path, catalog: Catalog, renderer: Renderer, clock: Clock, *, create: bool) -> Path:
    """See that the database of a data folder is there and fits the classes; where it is the file of the database.

    create  make folder, file and schema where there are none; one of many starters does it, the others wait and find it done

    Raises Misconfigured, with what is wrong and what to do: no database, not a database, not ours, of another format, behind or ahead
    of the classes, not writable, on a network file system, locked, damaged.
    """
    check_engine(engine_version())
    if create:
        _make_folder(data_dir)
    check_folder(data_dir)
    path = data_dir / DATABASE_NAME
    check_file(path, create=create)
    turn = Turn(data_dir)
    try:
        with turn:
            _prepare_file(path, catalog, renderer, clock)
    except apsw.Error as error:
        raise build_refusal(path, error) from error
    finally:
        turn.close()
    return path


def _make_folder(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(str(data_dir), f"This folder cannot be made: {error.strerror}.", "Name another with --data.") from error


def _prepare_file(path: Path, catalog: Catalog, renderer: Renderer, clock: Clock) -> None:
    is_new = not path.exists()
    create_file(path)
    if is_new:
        path.chmod(0o600)
    connection = open_writer(path)
    try:
        begin(connection)
        if _is_empty(connection):
            _create_schema(connection, catalog, renderer, clock)
        check_schema(connection, path, catalog)
        connection.execute("COMMIT")
    finally:
        connection.close(force=True)


def _is_empty(connection: apsw.Connection) -> bool:
    return not connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()


def _create_schema(connection: apsw.Connection, catalog: Catalog, renderer: Renderer, clock: Clock) -> None:
    for text in renderer.schema():
        connection.execute(text)
    recorded = msgspec.json.encode(describe(catalog)).decode()
    for key, value in (("format", FORMAT), ("created_at", format_instant(clock.now())), ("schema", recorded)):
        change(connection, renderer.meta.insert(key, value))
    change(connection, renderer.epoch_insert())


def check_schema(connection: apsw.Connection, path: Path, catalog: Catalog) -> None:
    """Refuse a database that is not ours or does not fit the classes. Raises Misconfigured with every difference."""
    facts = _read_facts(connection, path)
    if facts.get("format") != FORMAT:
        problem = f"This database has format {facts.get('format')}; this version of Holdfast reads {FORMAT}."
        raise Misconfigured(str(path), problem, "Use the version of Holdfast that wrote it.")
    recorded: Description = msgspec.json.decode(facts["schema"])
    differences = [*_compare(recorded, describe(catalog)), *_find_drift(connection, recorded)]
    if differences:
        raise Misconfigured(str(path), f"The database does not fit the classes: {'; '.join(differences)}.", _MEND_SCHEMA)


def _read_facts(connection: apsw.Connection, path: Path) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in connection.execute("SELECT key, value FROM hf_meta").fetchall()}
    except apsw.SQLError as error:
        problem = "This SQLite database was not made by Holdfast."
        raise Misconfigured(str(path), problem, "Name another folder with --data.") from error


def describe(catalog: Catalog) -> Description:
    """What a database must know of each table: columns, references, keys, checks and the searched members."""
    return {each.table: _describe_table(catalog, each) for each in catalog.resources.values()}


def _describe_table(catalog: Catalog, resource: ResourceSpec) -> Description:
    return {
        "columns": {each.member: _describe_column(catalog, each) for each in resource.fields},
        "unique": sorted(", ".join(members) for members in resource.unique),
        "index": sorted(", ".join(members) for members in resource.index),
        "check": sorted(each.name for each in resource.checks),
        "search": sorted(each.member for each in resource.search_fields),
    }


def _describe_column(catalog: Catalog, spec: FieldSpec) -> str:
    """The type of a column in words, as far as it changes what is stored: "number(2)", "text or null", "reference to authors"."""
    kind = type(spec.type).__name__.lower()
    if isinstance(spec.type, Number):
        kind = f"number({spec.type.places})"
    elif spec.reference is not None:
        kind = f"reference to {catalog.target(spec).table}"
    secret = "" if spec.secret is None else f", {spec.secret.value}"
    return f"{kind}{secret}{' or null' if spec.nullable else ''}"


def _compare(recorded: Description, declared: Description) -> Iterator[str]:
    yield from (f"it lacks table {table}" for table in declared if table not in recorded)
    yield from (f"it has table {table}, which no class declares" for table in recorded if table not in declared)
    for table in declared:
        if table in recorded:
            yield from _compare_table(table, recorded[table], declared[table])


def _compare_table(table: str, recorded: Description, declared: Description) -> Iterator[str]:
    here, wanted = recorded["columns"], declared["columns"]
    yield from (f"it lacks column {table}.{name}" for name in wanted if name not in here)
    yield from (f"it has column {table}.{name}, which no field declares" for name in here if name not in wanted)
    for name in wanted:
        if name in here and here[name] != wanted[name]:
            yield f"column {table}.{name} is {here[name]}, declared as {wanted[name]}"
    for kind in ("unique", "index", "check", "search"):
        yield from (f"it lacks {kind} ({each}) of {table}" for each in declared[kind] if each not in recorded[kind])
        yield from (f"it has {kind} ({each}) of {table}, which nothing declares" for each in recorded[kind] if each not in declared[kind])


def _find_drift(connection: apsw.Connection, recorded: Description) -> Iterator[str]:
    """What the database lacks of what it was recorded to have: somebody changed it by hand."""
    query = "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    real = set(connection.execute(query).fetchall())
    for table, description in recorded.items():
        missing = [name for name in description["columns"] if (table, name) not in real]
        yield from (f"its column {table}.{name} was removed by hand" for name in missing)
