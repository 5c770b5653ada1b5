"""Opening a data folder: making the schema once, and refusing what is not ours or does not fit."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import apsw
import pytest
from sqlite_library import ALL, CATALOG, CLOCK, Author

from holdfast import Backend, Resource, field, is_in, is_null, this
from holdfast.base.errors import Broken, Misconfigured
from holdfast.model.catalog import Catalog
from holdfast.store.sql.render import Renderer
from holdfast.store.sqlite import connection as connections
from holdfast.store.sqlite.schema import FORMAT, prepare


def open_folder(data_dir: Path, catalog: Catalog = CATALOG, *, create: bool = True) -> Path:
    """Prepare a data folder for a catalog."""
    return prepare(data_dir, catalog, Renderer(catalog), CLOCK, create=create)


def refuse(data_dir: Path, catalog: Catalog = CATALOG, *, create: bool = True) -> Misconfigured:
    """The error with which a data folder is refused."""
    with pytest.raises(Misconfigured) as refused:
        open_folder(data_dir, catalog, create=create)
    return refused.value


def execute(path: Path, *statements: str) -> None:
    """Change a database from outside."""
    connection = apsw.Connection(str(path))
    for each in statements:
        connection.execute(each)
    connection.close()


def test_an_empty_folder_gets_the_schema(tmp_path: Path) -> None:
    """Folder, file and schema are made, readable by the owner alone; a second start finds them and changes nothing."""
    path = open_folder(tmp_path / "a" / "b")
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    assert open_folder(tmp_path / "a" / "b", create=False) == path
    assert path.read_bytes() == before


def test_one_of_many_starters_makes_the_schema(tmp_path: Path) -> None:
    """Starters at the same moment all end with the same whole schema."""
    errors: list[BaseException] = []

    def start() -> None:
        try:
            open_folder(tmp_path)
        except BaseException as error:  # noqa: BLE001  # told to the test
            errors.append(error)

    threads = [Thread(target=start) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []


def test_the_connection_keeps_the_promises(tmp_path: Path) -> None:
    """WAL, FULL, foreign keys, no memory map, cell checks, an untrusted schema; a reader cannot write."""
    path = open_folder(tmp_path)
    writer, reader = connections.open_writer(path), connections.open_reader(path)
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "mmap_size": 0, "cell_size_check": 1, "trusted_schema": 0}
    assert {name: writer.pragma(name) for name in wanted} == wanted
    assert writer.pragma("wal_autocheckpoint") == connections.CHECKPOINT_PAGES
    assert reader.execute("SELECT hf_fold('ÄSS'), hf_fold(NULL)").fetchall() == [("äss", None)]
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("DELETE FROM authors")
    writer.close()
    reader.close()


def test_a_missing_database_is_refused_where_none_may_be_made(tmp_path: Path) -> None:
    """Without `create` neither a folder nor a file appears."""
    assert "no such folder" in str(refuse(tmp_path / "nowhere", create=False))
    assert "no database yet" in str(refuse(tmp_path, create=False))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, place: str) -> None:
    """A file stands where the folder should be, or above it."""
    (tmp_path / "file").touch()

    assert "cannot be made" in str(refuse(tmp_path / place, create=True))


def test_what_is_not_a_database_is_refused(tmp_path: Path) -> None:
    """A file with something else in it is named as what it is, and left as it was."""
    path = tmp_path / "holdfast.db"
    path.write_text("these are not the bytes of a database\n" * 100)
    assert "not a SQLite database" in str(refuse(tmp_path))
    assert path.read_text().startswith("these are not")


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    """A schema page full of noise is told as damage."""
    path = open_folder(tmp_path)
    content = bytearray(path.read_bytes())
    content[100:1500] = b"\xff" * 1400
    path.write_bytes(content)
    assert "damaged" in str(refuse(tmp_path))


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    """A SQLite database without our tables is not touched."""
    execute(tmp_path / "holdfast.db", "CREATE TABLE theirs (x)")
    assert "not made by Holdfast" in str(refuse(tmp_path))


@pytest.mark.parametrize("other", ["5", "99"])
def test_another_format_is_refused(tmp_path: Path, other: str) -> None:
    """A database of an earlier or later Holdfast is left alone."""
    execute(open_folder(tmp_path), f"UPDATE hf_meta SET value = '{other}' WHERE key = 'format'")  # noqa: S608  # a number
    refused = refuse(tmp_path)
    assert f"format {other}" in str(refused)
    assert "Use the version of Holdfast that wrote it." in str(refused)


def test_the_tables_of_the_house_are_those_of_the_format(tmp_path: Path) -> None:
    """Whoever changes one has to move FORMAT, so that a folder made before is refused at start rather than met by a statement."""
    connection = apsw.Connection(str(open_folder(tmp_path)))
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'hf_*' AND name NOT GLOB 'hf_search_*'"
    ).fetchall()
    made = {name: [each[1] for each in connection.execute(f"PRAGMA table_info({name})")] for (name,) in tables}
    connection.close()
    assert {"format": FORMAT, **{name: " ".join(columns) for name, columns in made.items()}} == {
        "format": "6",
        "hf_factor": "row user_id secret confirmed_at last_step",
        "hf_gone": "resource record_id version",
        "hf_idempotency": "row key_hash fingerprint created_at last_seq status headers body",
        "hf_journal": "seq resource record_id version operation actor_id request_id at before_hash after_hash before after",
        "hf_link": "row issuer subject user_id",
        "hf_mark": "key value",
        "hf_meta": "key value",
        "hf_seal": "last_seq first_seq entries seal folded",
        "hf_session": "row id user_id kind name created_at seen_at expires_at limit_at revoked_at agent address",
        "hf_ticket": "row ticket_hash kind owner payload expires_at",
        "hf_token": "row token_hash session_row kind expires_at used_at",
    }


def test_a_locked_database_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that holds the lock for longer than the busy timeout is told of."""
    path = open_folder(tmp_path)
    monkeypatch.setattr(connections, "BUSY_TIMEOUT_MS", 50)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    assert "locked" in str(refuse(tmp_path))
    other.execute("ROLLBACK")
    other.close()


def test_checks_of_every_kind_become_constraints(tmp_path: Path) -> None:
    """Each comparison, with a constant on either side or with another field, is kept by the database, null counted as a value."""

    class Span(
        Resource,
        check=[
            this.kind != "gone",
            this.kind == this.kind,
            this.start <= this.end,
            this.start != this.forbidden,
            (this.start > 0) & (this.end < 100) & (this.end >= 1),
            is_in(this.kind, "a", "b") | is_null(this.kind),
        ],
    ):
        kind: str | None = None
        start: int
        end: int
        forbidden: int | None = None

        access = ALL

    path = open_folder(tmp_path, Backend(Span).catalog)
    insert = (
        "INSERT INTO spans (id, version, kind, start, end, forbidden, created_at, updated_at) VALUES (hex(randomblob(16)), 1, {}, '', '')"
    )
    for values in ("'a', 1, 2, NULL", "NULL, 1, 99, 2"):
        execute(path, insert.format(values))
    for values in ("'gone', 1, 2, NULL", "'c', 1, 2, NULL", "'a', 3, 2, NULL", "'a', 1, 2, 1", "'a', 0, 2, NULL", "'a', 1, 100, NULL"):
        with pytest.raises(apsw.ConstraintError, match="CHECK"):
            execute(path, insert.format(values))


def test_every_difference_to_the_classes_is_told(tmp_path: Path) -> None:
    """Tables, columns, types, keys and searched members that differ are all named, with the next act."""
    declared = Backend(Author).catalog

    class Shelf(Resource):
        access = ALL

    class Changed(Resource, path="authors"):
        name: int
        email: str | None = field(default=None, search=True)
        born: int = 0
        labels: dict[str, str] = field(default_factory=dict[str, str])
        password: str | None = None

        access = ALL

    open_folder(tmp_path, declared)
    text = str(refuse(tmp_path, Backend(Changed, Shelf).catalog))
    for difference in (
        "it lacks table shelfs",
        "it lacks column authors.born",
        "it has column authors.address, which no field declares",
        "column authors.name is text, declared as integer",
        "column authors.password is text, hashed or null, declared as text or null",
        "it has unique (email) of authors",
        "authors is searched by name, declared as by email",
        "choose a new folder with --data",
    ):
        assert difference in text
    assert "it has table books, which no class declares" in str(refuse(_copy(tmp_path, CATALOG), declared))


def _copy(tmp_path: Path, catalog: Catalog) -> Path:
    other = tmp_path / "other"
    open_folder(other, catalog)
    return other


def test_a_column_removed_by_hand_is_told(tmp_path: Path) -> None:
    """What the database was recorded to have must be there."""
    execute(open_folder(tmp_path), "ALTER TABLE notes DROP COLUMN updated_at")
    assert "notes.updated_at was removed by hand" in str(refuse(tmp_path))


def test_an_affected_engine_is_refused() -> None:
    """Versions before 3.51.3 can corrupt a WAL database."""
    connections.check_engine(connections.engine_version())
    for version in ("3.51.2", "3.40.1", "3.9.0"):
        with pytest.raises(Misconfigured, match="can corrupt"):
            connections.check_engine(version)


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    """The longest mount point above the folder decides; an unknown table of mounts stops nobody."""
    mounts = tmp_path / "mounts"
    folder = tmp_path / "a b"
    folder.mkdir()
    mounts.write_text(
        f"disk / ext4 rw 0 0\nserver:/x {str(folder).replace(' ', chr(92) + '040')} nfs4 rw 0 0\nd {tmp_path}/a ext4 rw 0 0\n"
    )
    with pytest.raises(Misconfigured, match="nfs4"):
        connections.check_folder(folder, mounts)
    connections.check_folder(tmp_path, mounts)
    connections.check_folder(folder, tmp_path / "missing")


def _as_nobody(data_dir: Path) -> str:
    """What another user, without our rights, is told at start."""
    script = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path\n"
        "from test_sqlite_schema import open_folder\n"
        "from holdfast.base.errors import Misconfigured\n"
        "import os; os.setgid(65534); os.setuid(65534)\n"
        "try: open_folder(Path(sys.argv[1]))\n"
        "except Misconfigured as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(data_dir), *sys.path], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("protect", "told"),
    [
        (lambda path: path.chmod(0o444), "This file may not be written to."),
        (lambda path: path.parent.chmod(0o555), "This folder may not be written to."),
    ],
)
def test_a_file_or_folder_that_may_not_be_written_is_told(protect: Callable[[Path], None], told: str) -> None:
    """A user without the right to write is told which of the two it is."""
    data_dir = Path("/tmp") / f"holdfast-readonly-{os.getpid()}"  # noqa: S108  # pytest's own folders are closed to other users
    try:
        path = open_folder(data_dir)
        for each in (data_dir, *data_dir.iterdir()):
            each.chmod(0o777)
        protect(path)
        assert told in _as_nobody(data_dir)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.mark.parametrize("error", [apsw.ReadOnlyError("x"), apsw.FullError("x"), apsw.CantOpenError("x")])
def test_every_way_not_to_open_has_words(error: apsw.Error) -> None:
    """What the driver says at start becomes a problem and a mend."""
    told = connections.build_refusal(Path("holdfast.db"), error)
    assert isinstance(told, Misconfigured)
    assert told.mend


def test_a_schema_that_cannot_be_made_is_our_fault() -> None:
    """SQL that SQLite refuses is not the developer's to mend."""
    assert isinstance(connections.build_refusal(Path("holdfast.db"), apsw.SQLError("near")), Broken)
