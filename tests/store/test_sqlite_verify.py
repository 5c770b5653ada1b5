"""`verify` on real databases: it holds where nothing was touched, and finds each thing that somebody did behind our back."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from sqlite_library import AUTHORS, BOOKS, CATALOG, CHAPTERS, CLOCK, NOTES, create, delete, sign, update, write

from holdfast.base.ids import RecordId
from holdfast.engine.verify import Anchor, Finding, Progress, Verifier
from holdfast.store.sqlite.audit import SqliteAudit
from holdfast.store.sqlite.store import SqliteStore

TARGET = RecordId("018bcfe5-6800-7000-8000-00000000beef")  # the same in every process, for it stands in the names of tests
"""The author that every edit of these tests is about; it has two entries."""


async def fill(data_dir: Path, authors: int = 30) -> None:
    """A library with every kind of change in its journal."""
    store = SqliteStore(CATALOG, data_dir, CLOCK, create=True, keys=lambda _make: sign)
    target = create(AUTHORS, TARGET, name="Ada", email="ada@example.org")
    made = [create(AUTHORS, email=f"a{number}@example.org") for number in range(authors)]
    await store.write(write(target))
    await store.write(write(*made))
    book = create(BOOKS, author_id=made[0].id)
    chapter = create(CHAPTERS, book_id=book.id)
    await store.write(write(book, chapter, create(NOTES, chapter_id=chapter.id)))
    await store.write(write(update(target, name="Grace")))
    await store.write(write(delete(made[5])))
    await store.write(write(delete(chapter)))
    await store.close()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that nobody has touched, closed and with an empty log."""
    data_dir = tmp_path_factory.mktemp("untouched")
    asyncio.run(fill(data_dir))
    return data_dir


@pytest.fixture
def data_dir(untouched: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    (tmp_path / "holdfast.db").write_bytes((untouched / "holdfast.db").read_bytes())
    return tmp_path


def verify(data_dir: Path, anchors: tuple[Anchor, ...] = (), told: list[Progress] | None = None) -> Verifier:
    """A verifier that has run."""
    audit = SqliteAudit(CATALOG, data_dir)
    try:
        verifier = Verifier(audit, CATALOG, sign, anchors, tell=(told if told is not None else []).append)
        assert verifier.run() is not bool(verifier.findings)
        return verifier
    finally:
        audit.close()


def touch(data_dir: Path, *statements: str) -> None:
    """What somebody does who can write to the file: no constraint stops them."""
    connection = apsw.Connection(str(data_dir / "holdfast.db"))
    try:
        connection.execute("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement, {"id": TARGET} if ":id" in statement else None)
    finally:
        connection.close()


def only(findings: list[Finding]) -> Finding:
    """The one finding."""
    (finding,) = findings
    return finding


def test_what_nobody_touched_holds(data_dir: Path) -> None:
    """Every entry, seal and row is counted, progress is told to its end, and nothing is found."""
    told: list[Progress] = []
    verifier = verify(data_dir, told=told)
    assert verifier.findings == []
    assert (verifier.entries, verifier.seals, verifier.rows, verifier.erased) == (38, 6, 32, 0)
    assert verifier.last_seal is not None
    assert verifier.last_seal.last_seq == 38
    assert told
    assert {each.check for each in told if each.done == each.total} >= {"chain", "engine", "authors: rows", "books: author_id"}


def test_another_key_is_told_once(data_dir: Path) -> None:
    """Who verifies with another key learns that, and not that every seal is wrong; what needs no key is checked all the same."""
    touch(data_dir, "UPDATE hf_journal SET after = '{}' WHERE seq = 1", "UPDATE hf_meta SET value = 'other' WHERE key = 'key_fingerprint'")
    first, second = verify(data_dir).findings
    assert first.place == "the master key"
    assert "is not the one that this database was made with" in first.problem
    assert second.place.startswith("entry 1 ")


def test_an_empty_database_holds(tmp_path: Path) -> None:
    """Before the first change there is nothing to find, and no anchor to keep."""

    async def make() -> None:
        await SqliteStore(CATALOG, tmp_path, CLOCK, create=True, keys=lambda _make: sign).close()

    asyncio.run(make())
    verifier = verify(tmp_path)
    assert (verifier.findings, verifier.last_seal) == ([], None)


@pytest.mark.parametrize(
    ("statement", "check", "place", "problem"),
    [
        ("UPDATE authors SET name = 'Eve' WHERE id = :id", "rows", f"authors/{TARGET}", "in name"),
        ("UPDATE authors SET id = '00000000-0000-4000-8000-000000000000' WHERE id = :id", "rows", "authors/00000000", "no entry of it"),
        ("DELETE FROM authors WHERE id = :id", "rows", f"authors/{TARGET}", "is gone"),
        ("DELETE FROM hf_gone WHERE resource = 'authors'", "rows", "authors/", "not remembered"),
        ("UPDATE hf_gone SET version = version + 1 WHERE resource = 'authors'", "rows", "authors/", "not remembered"),
        ("UPDATE hf_journal SET after = replace(after, 'Ada', 'Eve') WHERE seq = 1", "chain", "entry 1 (authors/", "`after` was edited"),
        ("UPDATE hf_journal SET before = '{}' WHERE seq = 1", "chain", "entry 1 (authors/", "`before` was edited"),
        ("UPDATE hf_journal SET after = NULL WHERE seq = 1", "chain", "entry 1 (authors/", "not by `holdfast erase`"),
        ("UPDATE hf_journal SET actor_id = 'somebody' WHERE seq = 3", "chain", "entries 2 to 31", "edited, added, or changed places"),
        ("UPDATE hf_journal SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 1", "chain", "entries 1 to 1", "edited"),
        ("DELETE FROM hf_journal WHERE seq = 7", "chain", "entries 2 to 31", "Removed: 7."),
        ("DELETE FROM hf_seal WHERE last_seq = 31", "chain", "entries 2 to 34", "edited, added"),
        ("UPDATE hf_seal SET seal = zeroblob(16) WHERE last_seq = 35", "chain", "entries 35 to 35", "edited"),
        ("DELETE FROM hf_seal WHERE last_seq = 38", "chain", "entry 37", "has no seal"),
        ("DELETE FROM hf_search_books", "search", "books/", "does not have it"),
        ("INSERT INTO hf_search_books (rowid, text) VALUES (77, 'ghost')", "search", "books, row 77", "is not there"),
        (
            "UPDATE books SET author_id = '00000000-0000-4000-8000-000000000000'",
            "references",
            "books/",
            "`author_id` refers to a record of authors",
        ),
        ("UPDATE books SET last_page = 0", "engine", "table books", "CHECK"),
    ],
)
def test_every_edit_is_found_and_named(data_dir: Path, statement: str, check: str, place: str, problem: str) -> None:
    """Each edit from outside is found by the check that is meant for it, which says where and what."""
    touch(data_dir, statement)
    findings = [each for each in verify(data_dir).findings if each.check == check]
    assert [each for each in findings if each.place.startswith(place) and problem in each.problem], findings
    assert all(each.mend for each in findings)


def test_a_swapped_pair_of_entries_is_found(data_dir: Path) -> None:
    """Two entries that changed places break the seal over them, although every hash and payload is a right one."""
    swap = "UPDATE hf_journal SET seq = {} WHERE seq = {}"
    touch(data_dir, swap.format(1_000, 3), swap.format(3, 4), swap.format(4, 1_000))
    finding = only(verify(data_dir).findings)
    assert (finding.check, finding.place) == ("chain", "entries 2 to 31")


def test_a_row_that_came_back_is_found(data_dir: Path) -> None:
    """A deleted record that is there again, by another hand than ours, is told as deleted."""
    columns = "id, version, name, email, address, labels, password, created_at, updated_at, created_by_id"
    gone = "(SELECT record_id FROM hf_gone WHERE resource = 'authors')"
    values = columns.replace("id, version", f"{gone}, version", 1).replace("email", "NULL")
    touch(data_dir, f"INSERT INTO authors ({columns}) SELECT {values} FROM authors WHERE id = :id")  # noqa: S608  # our own names
    deleted, unsearchable = verify(data_dir).findings
    assert "deleted it" in deleted.problem
    assert unsearchable.check == "search"


def test_a_journal_that_was_cut_off_is_found_by_an_anchor(data_dir: Path, untouched: Path) -> None:
    """Entries, seals and rows removed together leave a database that holds; a seal known outside shows the cut."""
    last = verify(untouched).last_seal
    assert last is not None
    anchor = Anchor(last.last_seq, last.seal, "the log")
    assert verify(data_dir, (anchor,)).findings == []
    touch(
        data_dir,
        "INSERT INTO notes (hf_row, id, version, text, chapter_id, created_at, updated_at) VALUES (9, 'n', 1, '', NULL, '', '')",
        "DELETE FROM notes WHERE hf_row = 9",
        "DELETE FROM hf_journal WHERE seq > 35",
        "DELETE FROM hf_seal WHERE last_seq > 35",
    )
    found = [each for each in verify(data_dir, (anchor,)).findings if each.check == "chain"]
    assert "known from the log, is not there" in only(found).problem
    other = Anchor(35, bytes(16), "the log")
    assert "is another" in only([each for each in verify(data_dir, (other,)).findings if each.check == "chain"]).problem


def test_seals_of_another_key_do_not_fit(data_dir: Path) -> None:
    """Who makes all seals anew without the key is found at every one of them."""
    audit = SqliteAudit(CATALOG, data_dir)
    try:
        verifier = Verifier(audit, CATALOG, lambda message: sign(message) if message == b"fingerprint" else bytes(16))
        assert not verifier.run()
    finally:
        audit.close()
    assert [each.check for each in verifier.findings] == ["chain"] * 6


def _flip(data_dir: Path, choose: Callable[[bytes], int]) -> int:
    path = data_dir / "holdfast.db"
    data = bytearray(path.read_bytes())
    place = choose(bytes(data))
    data[place] ^= 0x10
    path.write_bytes(data)
    return place


def test_a_flipped_bit_in_a_value_is_found(data_dir: Path) -> None:
    """One bit of a name on the disk is a row that differs from its journal."""
    _flip(data_dir, lambda data: data.rindex(b"Grace"))
    assert verify(data_dir).findings


@pytest.mark.parametrize("seed", range(25))
def test_a_flipped_bit_anywhere_is_found_or_harmless(data_dir: Path, untouched: Path, seed: int) -> None:
    """Wherever a bit flips, verify finds it, or every row and entry still reads as before."""
    place = _flip(data_dir, lambda data: random.Random(seed).randrange(100, len(data)))  # noqa: S311  # dice to be thrown again
    if verify(data_dir).findings:
        return
    shown = (
        "SELECT * FROM hf_journal ORDER BY seq",
        "SELECT * FROM authors ORDER BY hf_row",
        "SELECT * FROM hf_seal",
        "SELECT * FROM hf_gone",
    )
    for query in shown:
        read = [apsw.Connection(str(each / "holdfast.db")).execute(query).fetchall() for each in (data_dir, untouched)]
        assert read[0] == read[1], f"seed {seed}: the bit at {place} was not found"


def test_verify_runs_beside_a_writer(data_dir: Path) -> None:
    """While changes are committed all the time, nothing is found that is not there, and no writer waits for it."""

    async def story() -> list[Finding]:
        store = SqliteStore(CATALOG, data_dir, CLOCK, keys=lambda _make: sign)
        ended = False
        made = [create(AUTHORS) for _ in range(300)]

        async def change() -> None:
            nonlocal ended
            for each in made:
                await store.write(write(each))
                await store.write(write(update(each, name="Grace")))
                await store.write(write(delete(each)))
            ended = True

        writing = asyncio.create_task(change())
        findings: list[Finding] = []
        runs = 0
        while not ended:
            findings += (await asyncio.to_thread(verify, data_dir)).findings
            runs += 1
        await writing
        await store.close()
        assert runs > 1
        return findings

    assert asyncio.run(story()) == []
