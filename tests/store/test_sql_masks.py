"""Fields that are shown in some rows alone: left out of the others, wherever a record is shown, and told by what enters its ETag."""

import msgspec
import pytest
from sql_library import MAKERS, NOW, THINGS, Database, maker, thing

from holdfast.base.ids import RecordId
from holdfast.core import condition as c
from holdfast.core.plan import Order, ReadMany, ReadOne
from holdfast.core.readings import ReadAsOf, ReadHistory, Watched
from holdfast.core.view import Include, Mask, View
from holdfast.store.sql.statement import Statement

OPEN = c.Test(c.Path(MAKERS.by_member["open"]), c.Operator.EQUALS, 1)
NAMED = c.Test(c.Path(MAKERS.by_member["name"]), c.Operator.EQUALS, "M")
BY_OPEN = c.Test(maker("open"), c.Operator.EQUALS, 1)
ID, TITLE, ORDER, NUMBER = (THINGS.by_member[name] for name in ("id", "title", "order", "number"))
MASKED = View(THINGS, (ID, TITLE), masks=(Mask(NUMBER, BY_OPEN), Mask(ORDER, c.Test(c.Path(TITLE), c.Operator.EQUALS, "S"))))


@pytest.fixture
def database() -> Database:
    """An open maker and a closed one, and a thing of each."""
    database = Database()
    database.create(MAKERS, {"id": "m", "name": "M", "open": 1, "version": 3})
    database.create(MAKERS, {"id": "n", "name": "N", "open": 0, "version": 4})
    database.create(THINGS, {"id": "s", "order": 1, "title": "S", "maker_id": "m", "number": 5})
    database.create(THINGS, {"id": "t", "order": 2, "title": "T", "maker_id": "n", "number": 7})
    return database


def texts(database: Database, statement: Statement, column: int = 0) -> list[str]:
    """One column of what a statement finds."""
    return [row[column] for row in database.run(statement)]


SHOWN = ['{"id":"s","title":"S","number":"0.05","order":1}', '{"id":"t","title":"T"}']


def test_a_member_is_left_out_where_its_mask_does_not_hold(database: Database) -> None:
    """By id, in a list that an index serves, in one that is sorted, and as written; the row tells which masks held."""
    one = [database.run(database.render.read_one(ReadOne(RecordId(id_), MASKED)))[0] for id_ in "st"]
    assert one == [(SHOWN[0], 1, "1,1"), (SHOWN[1], 1, "0,0")]
    for order in (thing("id"), thing("text")):
        assert texts(database, database.render.read_many(ReadMany(MASKED, c.ALWAYS, (Order(order),), 5))) == SHOWN
    rows = [database.image(THINGS, id_) for id_ in "st"]
    written = [database.run(database.render.written(MASKED, row[0], row[0]))[0][1:3] for row in rows if row is not None]
    assert written == [(SHOWN[0], "1,1"), (SHOWN[1], "0,0")]


def test_masks_of_what_is_included_stand_beside_its_version(database: Database) -> None:
    """An included record has masks of its own; one that is not there holds none."""
    inner = View(MAKERS, (MAKERS.by_member["id"],), masks=(Mask(MAKERS.by_member["name"], OPEN),))
    view = View(THINGS, (ID,), (Include(THINGS.by_name["maker"], inner, c.Not(NAMED)),), masks=(Mask(ORDER, BY_OPEN),))
    whole = View(THINGS, (ID,), (Include(THINGS.by_name["maker"], inner),), masks=(Mask(ORDER, BY_OPEN),))
    found = [database.run(database.render.read_one(ReadOne(RecordId(id_), each)))[0] for each in (view, whole) for id_ in "st"]
    assert found == [
        ('{"id":"s","order":1,"maker":null}', 1, "1,-,0"),
        ('{"id":"t","maker":{"id":"n"}}', 1, "0,4,0"),
        ('{"id":"s","order":1,"maker":{"id":"m","name":"M"}}', 1, "1,3,1"),
        ('{"id":"t","maker":{"id":"n"}}', 1, "0,4,0"),
    ]


def test_an_image_is_asked_for_its_own_masks(database: Database) -> None:
    """History, a time ago, changes and a repeat: what each image says decides, and references are taken as they are now."""
    images = [database.image(THINGS, id_) for id_ in "st"]
    old, new = (each[1] for each in images if each is not None)
    changed = msgspec.json.encode({**msgspec.json.decode(old), "title": "Else"}).decode()
    database.journal(THINGS, "s", "create", None, old)
    database.journal(THINGS, "s", "update", old, changed)
    database.journal(THINGS, "t", "create", None, new)
    later = '{"id":"s","title":"Else","number":"0.05"}'
    entries = [
        msgspec.json.decode(each) for each in texts(database, database.render.history(ReadHistory(RecordId("s"), MASKED, 9), 99, 9), 1)
    ]
    assert [(each["before"], each["after"]) for each in entries] == [(_read(SHOWN[0]), _read(later)), (None, _read(SHOWN[0]))]
    as_of = database.run(database.render.as_of(ReadAsOf(RecordId("s"), MASKED, NOW)))
    assert as_of == [(later, 1, "1,0", 1)]
    changes = [msgspec.json.decode(each)["after"] for each in texts(database, database.render.changes(Watched(MASKED), 1, 3), 1)]
    assert changes == [_read(SHOWN[0]), _read(later), _read(SHOWN[1])]
    assert database.run(database.render.entry(MASKED, 2, c.NEVER)) == [("s", 1, later, 0)]


def _read(text: str) -> object:
    return msgspec.json.decode(text)


@pytest.mark.parametrize(
    ("member", "stored"),
    [
        ("text", 'ä"\\\n\x01\u2028東\U0010ffff'),
        ("text", "}"),
        ("integer", 2**63 - 1),
        ("real", 1.0),
        ("real", 5e-324),
        ("real", 1e300),
        ("truth", 1),
        ("number", -5),
        ("span", -1),
        ("words", '["a\\"b","東"]'),
        ("facts", '{"a":1}'),
        ("facts", None),
    ],
)
def test_a_mask_changes_no_value(database: Database, member: str, stored: c.Stored) -> None:
    """Byte for byte what an unmasked view shows, of the masked member and of those beside it."""
    database.create(THINGS, {"id": "x", "order": 9, "title": "X", member: stored})
    field = THINGS.by_member[member]
    plain = texts(database, database.render.read_one(ReadOne(RecordId("x"), View(THINGS, (ID, field)))))
    for view in (View(THINGS, (ID,), masks=(Mask(field, c.ALWAYS),)), View(THINGS, (ID, field), masks=(Mask(ORDER, c.NEVER),))):
        assert texts(database, database.render.read_one(ReadOne(RecordId("x"), view))) == plain


def test_masks_of_one_shape_share_a_text(database: Database) -> None:
    """Their values are bound, in every kind of statement."""

    def view(name: str) -> View:
        return View(THINGS, (ID,), masks=(Mask(ORDER, c.Test(maker("name"), c.Operator.EQUALS, name)),))

    def statements(name: str) -> list[Statement]:
        render, shape = database.render, view(name)
        return [
            render.read_one(ReadOne(RecordId("s"), shape)),
            render.read_many(ReadMany(shape, c.ALWAYS, (), 5)),
            render.written(shape, 1, 1),
            render.as_of(ReadAsOf(RecordId("s"), shape, NOW)),
            render.history(ReadHistory(RecordId("s"), shape, 9), 9, 9),
            render.changes(Watched(shape), 0, 9),
        ]

    for first, second in zip(statements("first"), statements("second"), strict=True):
        assert first.text is second.text
        assert ("first" in first.values, "second" in second.values) == (True, True)
        assert "first" not in first.text
