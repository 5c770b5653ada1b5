"""The schema: made once in an empty database, recorded there, compared with the declared classes at every start, and extended by `dev`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import msgspec

from holdfast.base.errors import Misconfigured
from holdfast.base.instant import format_instant
from holdfast.core.search import fold_stored
from holdfast.model.catalog import Catalog, ResourceSpec
from holdfast.ports.world import Clock
from holdfast.store.sql.difference import Comparison, Description, Difference, Mend, describe
from holdfast.store.sql.render import Renderer
from holdfast.store.sql.sqlite import Sqlite
from holdfast.store.sqlite.connection import build_refusal, check_engine, check_file, check_folder, create_file, engine_version, open_writer
from holdfast.store.sqlite.execute import change
from holdfast.store.sqlite.group import begin
from holdfast.store.sqlite.turn import Turn

DATABASE_NAME = "holdfast.db"
FORMAT = "6"
"""The format of the house's own tables and entries; a database of another is refused."""

_GO_BACK = (
    "Go back to the classes that made it, or choose a new folder with --data: `holdfast dump` with the old, `holdfast load` with the new."
)
_MOVE = (
    "Use the version of Holdfast that wrote it. To move on, choose a new folder with --data: `holdfast dump` with that version, "
    "`holdfast load` with this one."
)
_EXTEND = (
    "Nothing would be lost: start `holdfast dev` on this folder, which makes the database fit. Or go back to the classes that made it."
)


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
    with _transaction(data_dir, path) as connection:
        if _is_empty(connection):
            _create_schema(connection, catalog, renderer, clock)
        check_schema(connection, path, catalog)
    return path


def extend(data_dir: Path, catalog: Catalog) -> tuple[str, ...]:
    """Make a database fit the classes, if nothing is lost by it; what was done, in words.

    All of it in one transaction. Nothing where there is no database yet, or where a difference has no mend: `prepare` says which.
    Raises Misconfigured as `prepare` does, and where records that are there do not keep what would be added.
    """
    path = data_dir / DATABASE_NAME
    if not path.exists():
        return ()
    check_file(path, create=False)
    with _transaction(data_dir, path) as connection:
        if _is_empty(connection):
            return ()
        mends = [each.mend for each in _find_differences(connection, path, catalog)]
        done = [each for each in mends if each is not None]
        if len(done) < len(mends) or not done:
            return ()
        renderer = Renderer(catalog)
        for each in done:
            _apply(connection, path, renderer, each)
        change(connection, renderer.meta.update("schema", _encode_schema(catalog)))
    return tuple(each.done for each in done)


def _make_folder(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(str(data_dir), f"This folder cannot be made: {error.strerror}.", "Name another with --data.") from error


@contextmanager
def _transaction(data_dir: Path, path: Path) -> Iterator[apsw.Connection]:
    """A transaction on the file, which is made where there is none, while no other process writes. Undone where anything is raised."""
    turn = Turn(data_dir)
    try:
        with turn:
            connection = _open_file(path)
            try:
                begin(connection)
                yield connection
                connection.execute("COMMIT")
            finally:
                connection.close(force=True)
    except apsw.Error as error:
        raise build_refusal(path, error) from error
    finally:
        turn.close()


def _open_file(path: Path) -> apsw.Connection:
    is_new = not path.exists()
    create_file(path)
    if is_new:
        path.chmod(0o600)
    return open_writer(path)


def _is_empty(connection: apsw.Connection) -> bool:
    return not connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()


def _create_schema(connection: apsw.Connection, catalog: Catalog, renderer: Renderer, clock: Clock) -> None:
    for text in renderer.schema():
        connection.execute(text)
    for key, value in (("format", FORMAT), ("created_at", format_instant(clock.now())), ("schema", _encode_schema(catalog))):
        change(connection, renderer.meta.insert(key, value))
    change(connection, renderer.epoch_insert())


def _encode_schema(catalog: Catalog) -> str:
    return msgspec.json.encode(describe(catalog)).decode()


def _apply(connection: apsw.Connection, path: Path, renderer: Renderer, mend: Mend) -> None:
    try:
        for text in mend.statements:
            connection.execute(text)
    except (apsw.ConstraintError, apsw.SQLError) as error:
        problem = f"The records that are there do not keep what the classes now ask for ({mend.done}: {error}). Nothing was changed."
        raise Misconfigured(str(path), problem, "Change these records with the classes as they were, then change the classes.") from error
    if mend.refills is not None:
        _fill_search(connection, renderer, mend.refills)


def _fill_search(connection: apsw.Connection, renderer: Renderer, resource: ResourceSpec) -> None:
    members = [each.member for each in resource.search_fields]
    for row, *values in connection.execute(renderer.searched(resource).text):
        text = fold_stored(dict(zip(members, values, strict=True)), members)
        change(connection, renderer.search_insert(resource, row, text))


def check_schema(connection: apsw.Connection, path: Path, catalog: Catalog) -> None:
    """Refuse a database that is not ours or does not fit the classes. Raises Misconfigured with every difference."""
    differences = _find_differences(connection, path, catalog)
    if differences:
        problem = f"The database does not fit the classes: {'; '.join(each.says for each in differences)}."
        can_extend = all(each.mend is not None for each in differences)
        raise Misconfigured(str(path), problem, _EXTEND if can_extend else _GO_BACK)


def _find_differences(connection: apsw.Connection, path: Path, catalog: Catalog) -> list[Difference]:
    """What a database of ours has otherwise than the classes. Raises Misconfigured where it is not ours, or of another format."""
    facts = _read_facts(connection, path)
    if facts.get("format") != FORMAT:
        problem = f"This database has format {facts.get('format')}; this version of Holdfast reads {FORMAT}."
        raise Misconfigured(str(path), problem, _MOVE)
    recorded: Description = msgspec.json.decode(facts["schema"])
    drift = [Difference(each) for each in _find_drift(connection, recorded)]
    if recorded == describe(catalog):
        return drift
    return [*Comparison(catalog, Sqlite()).compare(recorded), *drift]


def _read_facts(connection: apsw.Connection, path: Path) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in connection.execute("SELECT key, value FROM hf_meta").fetchall()}
    except apsw.SQLError as error:
        problem = "This SQLite database was not made by Holdfast."
        raise Misconfigured(str(path), problem, "Name another folder with --data.") from error


def _find_drift(connection: apsw.Connection, recorded: Description) -> Iterator[str]:
    """What the database lacks of what it was recorded to have: somebody changed it by hand."""
    query = "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    real = set(connection.execute(query).fetchall())
    for table, description in recorded.items():
        missing = [name for name in description["columns"] if (table, name) not in real]
        yield from (f"its column {table}.{name} was removed by hand" for name in missing)
