"""Secrets and `verify`: no entry holds one, and whoever edits one in the file is found all the same."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlite_library import ALL, CLOCK, look, make_id, refusal, view

from holdfast import Backend, Ref, Resource, field
from holdfast.base.errors import Refused
from holdfast.core.condition import Stored
from holdfast.core.plan import Create, Delete, Undelete, Update, Write, WriteStep
from holdfast.engine.verify import Finding, Verifier
from holdfast.model.catalog import Catalog
from holdfast.store.sqlite.audit import SqliteAudit
from holdfast.store.sqlite.store import SqliteStore


class Shelf(Resource):
    """Where safes stand; it has no secret."""

    label: str

    access = ALL


class Safe(Resource):
    """Something with two secrets."""

    name: str
    shelf: Ref[Shelf] | None = field(default=None, on_delete="set_null")
    code: str | None = field(default=None, secret="hashed")  # noqa: S106  # a kind
    seed: str | None = field(default=None, secret="encrypted")  # noqa: S106

    access = ALL


class Chest(Resource):
    """Something that is never without its secret."""

    name: str
    code: str = field(default="0000", secret="hashed")  # noqa: S106

    access = ALL


CATALOG = Backend(Shelf, Safe, Chest).catalog
SHELVES, SAFES, CHESTS, USERS = CATALOG.resources.values()


def create(**values: Stored) -> Create:
    """A safe."""
    return Create(make_id(), view(SAFES), {"name": "s", "shelf_id": None, "code": None, "seed": None, **values})


SHELF = Create(make_id(), view(SHELVES), {"label": "top"})
FIRST = create(name="first", shelf_id=SHELF.id, code="$argon2id$one", seed="aes256gcm:aa")
SECOND = create(name="second", code="$argon2id$two", seed="aes256gcm:bb")
EMPTY = create(name="empty", code="", seed=None)


async def write(store: SqliteStore, *steps: WriteStep) -> None:
    """One write of some steps."""
    await store.write(Write(steps, None, "request-1", CLOCK.now(), CLOCK.monotonic_s() + 10))


def change(made: Create, **assign: Stored) -> Update:
    """A step that changes a record."""
    return Update(made.id, made.view, assign)


def tell(data_dir: Path, *writes: tuple[WriteStep, ...], catalog: Catalog = CATALOG) -> None:
    """Run writes, one after another."""

    async def story() -> None:
        store = SqliteStore(catalog, data_dir, CLOCK, create=True)
        try:
            for steps in writes:
                await write(store, *steps)
        finally:
            await store.close()

    asyncio.run(story())


def find(data_dir: Path, catalog: Catalog = CATALOG) -> list[Finding]:
    """What `verify` finds."""
    audit = SqliteAudit(catalog, data_dir)
    try:
        verifier = Verifier(audit, catalog, _sign)
        verifier.run()
        return [each for each in verifier.findings if each.place != "the master key"]
    finally:
        audit.close()


def _sign(message: bytes) -> bytes:
    return message[:16]


def images(data_dir: Path, resource: str) -> list[Mapping[str, Any]]:
    """Every image of a resource in the journal, in order."""
    rows = look(data_dir, "SELECT before, after FROM hf_journal WHERE resource = ? ORDER BY seq", resource)
    return [msgspec.json.decode(str(text)) for row in rows for text in row if text is not None]


@pytest.mark.parametrize(
    ("statement", "places"),
    [
        ("UPDATE safes SET code = '$argon2id$mine' WHERE name = 'first'", [FIRST]),
        ("UPDATE safes SET seed = 'aes256gcm:cc' WHERE name = 'second'", [SECOND]),
        ("UPDATE safes SET code = NULL WHERE name = 'first'", [FIRST]),
        ("UPDATE safes SET code = NULL, seed = NULL WHERE name = 'first'", [FIRST]),
        ("UPDATE safes SET code = NULL WHERE name = 'empty'", [EMPTY]),
        ("UPDATE safes SET seed = '' WHERE name = 'empty'", [EMPTY]),
        ("UPDATE safes SET code = seed, seed = code WHERE name = 'first'", [FIRST]),
        ("UPDATE safes SET code = NULL, seed = code WHERE name = 'empty'", [EMPTY]),
        (
            "UPDATE safes SET code = iif(name = 'first', '$argon2id$two', '$argon2id$one') WHERE name != 'empty'",
            [FIRST, SECOND],
        ),
    ],
)
def test_an_edited_secret_is_found(tmp_path: Path, statement: str, places: list[Create]) -> None:
    """A secret that was edited, removed, put in, or swapped: the record is named, its secrets are, and no value is told."""
    tell(tmp_path, (SHELF, FIRST, SECOND, EMPTY))
    assert find(tmp_path) == []
    look(tmp_path, statement)
    found = find(tmp_path)
    assert {each.place for each in found} == {f"safes/{each.id}" for each in places}
    for each in found:
        assert each.check == "rows"
        assert each.problem.endswith("in its secrets (code, seed).")
        assert "the journal does not hold it" in each.mend
        assert "argon2" not in str(each)


def test_an_edit_beside_a_secret_is_named_too(tmp_path: Path) -> None:
    """What was edited is told member by member, with the mend of each kind."""
    tell(tmp_path, (SHELF, FIRST))
    look(tmp_path, "UPDATE safes SET name = 'mine', code = 'mine'")
    (finding,) = find(tmp_path)
    assert finding.problem.endswith("in name, its secrets (code, seed).")
    assert "/history" in finding.mend
    assert "the journal does not hold it" in finding.mend


@pytest.mark.parametrize("step", [change(FIRST, name="other"), change(FIRST, code="$argon2id$new"), Delete(FIRST.id, FIRST.view)])
@pytest.mark.parametrize(
    ("edit", "named"),
    [("code = '$argon2id$mine'", "its secrets (code, seed)"), ("shelf_id = NULL", "shelf_id"), ("version = 9", "version")],
)
def test_a_change_of_ours_covers_no_edit(tmp_path: Path, step: WriteStep, edit: str, named: str) -> None:
    """What was edited before a change, a renewed hash or a deletion is found all the same: the entry has what it found."""
    tell(tmp_path, (SHELF, FIRST, SECOND))
    look(tmp_path, f"UPDATE safes SET {edit} WHERE name = 'first'")  # noqa: S608  # our own text
    tell(tmp_path, (step,))
    (finding,) = find(tmp_path)
    assert finding.place == f"safes/{FIRST.id}"
    assert finding.problem == f"Entry 4 found another row than entry 2 had left: it was edited in between, in {named}."


@pytest.mark.parametrize(
    "steps",
    [
        (change(FIRST, code="$argon2id$new"),),
        (change(FIRST, seed=None),),
        (change(FIRST, name="other"),),
        (Delete(SHELF.id, SHELF.view),),
        (Delete(FIRST.id, FIRST.view),),
        (Delete(FIRST.id, FIRST.view), Undelete(FIRST.id, FIRST.view)),
        (Delete(FIRST.id, FIRST.view), Undelete(FIRST.id, FIRST.view), change(FIRST, code="$argon2id$new")),
    ],
    ids=lambda steps: "-".join(type(each).__name__ for each in steps),
)
def test_what_is_written_by_us_holds(tmp_path: Path, steps: tuple[WriteStep, ...]) -> None:
    """However a secret changes, or the record around it, the last entry says what is stored."""
    tell(tmp_path, (SHELF, FIRST, SECOND), *((each,) for each in steps))
    assert find(tmp_path) == []


def test_no_entry_holds_a_secret(tmp_path: Path) -> None:
    """An image has one digest for all secrets, null where there is none; without secret fields there is no such member."""
    undeleted = (Delete(FIRST.id, FIRST.view), Undelete(FIRST.id, FIRST.view))
    tell(tmp_path, (SHELF, FIRST), (change(FIRST, name="other"),), (change(FIRST, code="$argon2id$new"),), undeleted)
    told = images(tmp_path, "safes")
    assert not any("code" in each or "seed" in each or "argon2" in str(each) or "aes256gcm" in str(each) for each in told)
    digests = [each["hf_secrets"] for each in told]
    made, renamed, changed, revived = digests[0], digests[2], digests[4], digests[-1]
    assert made == renamed != changed
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in (made, changed))
    assert revived is None
    assert ["hf_secrets" in each for each in images(tmp_path, SHELVES.path)] == [False]


def test_the_order_of_the_fields_says_nothing(tmp_path: Path) -> None:
    """Who moves the secret fields of a class has changed nothing that is stored, and nothing is found."""

    class Safe(Resource):
        """The same, in another order."""

        seed: str | None = field(default=None, secret="encrypted")  # noqa: S106
        code: str | None = field(default=None, secret="hashed")  # noqa: S106
        shelf: Ref[Shelf] | None = field(default=None, on_delete="set_null")
        name: str = ""

        access = ALL

    moved = Backend(Shelf, Safe, Chest).catalog
    tell(tmp_path, (SHELF, FIRST))
    assert find(tmp_path, moved) == []
    tell(tmp_path, (Update(FIRST.id, view(moved.resources["safes"]), {"name": "other"}),), catalog=moved)
    assert find(tmp_path, moved) == []
    look(tmp_path, "UPDATE safes SET code = 'mine'")
    assert len(find(tmp_path, moved)) == 1


def test_no_secret_is_made_up(tmp_path: Path) -> None:
    """A record that cannot be without its secret is not undeleted with the default in clear, but refused."""
    chest = Create(make_id(), view(CHESTS), {"name": "c", "code": "$argon2id$one"})
    tell(tmp_path, (chest,), (Delete(chest.id, chest.view),))

    async def story() -> Any:
        store = SqliteStore(CATALOG, tmp_path, CLOCK)
        try:
            return await refusal(store.write(Write((Undelete(chest.id, chest.view),), None, "r", CLOCK.now(), CLOCK.monotonic_s() + 10)))
        finally:
            await store.close()

    refused = asyncio.run(story())
    assert isinstance(refused, Refused)
    assert [(each.field, each.code) for each in refused.details] == [("code", "required")]
    assert find(tmp_path) == []


def test_an_erased_record_is_compared_still(tmp_path: Path) -> None:
    """The hash of an erased image stays, and it is one over the digest: an edited secret is found, though not where."""
    tell(tmp_path, (SHELF, FIRST))
    look(tmp_path, "UPDATE hf_journal SET after = NULL WHERE resource = 'safes'")
    assert [each for each in find(tmp_path) if each.check == "rows"] == []
    look(tmp_path, "UPDATE safes SET code = 'mine'")
    (finding,) = [each for each in find(tmp_path) if each.check == "rows"]
    assert "some member (the image was erased)" in finding.problem
