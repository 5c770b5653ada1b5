"""Records as JSON, what is included beside them, and their images."""

import msgspec
import pytest
from sql_library import CATALOG, MAKERS, NOW, THINGS, Database, thing

from holdfast.base.ids import RecordId
from holdfast.core import condition as c
from holdfast.core.plan import Order, ReadMany, ReadOne
from holdfast.core.view import Include, View
from holdfast.model.catalog import ResourceSpec

OPEN = c.Test(c.Path(MAKERS.by_member["open"]), c.Operator.EQUALS, 1)
PLAIN = View(MAKERS, (MAKERS.by_member["name"],))


@pytest.fixture
def database() -> Database:
    """A database with two makers, one the boss of the other, and a thing."""
    database = Database()
    database.create(MAKERS, {"id": "b", "name": "Boss", "open": 0, "version": 7})
    database.create(MAKERS, {"id": "m", "name": "Maker", "open": 1, "boss_id": "b", "version": 3})
    database.create(THINGS, {"id": "t", "order": 1, "title": "T", "maker_id": "m", "key": "sealed"})
    return database


def shown(database: Database, view: View, id_: str, where: c.Condition = c.ALWAYS) -> tuple[str, int, str] | None:
    """What read_one gives: text, version, versions of what is included."""
    rows = database.run(database.render.read_one(ReadOne(RecordId(id_), view, where)))
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


@pytest.mark.parametrize(
    ("member", "stored", "text"),
    [
        ("text", 'ä"\\\n\x01\u2028東\U0010ffff', '"ä\\"\\\\\\n\\u0001\u2028東\U0010ffff"'),
        ("integer", -(2**63), "-9223372036854775808"),
        ("integer", 2**63 - 1, "9223372036854775807"),
        ("real", 0.1, "0.1"),
        ("real", 1.0, "1.0"),
        ("real", 5e-324, "4.9406564584124654e-324"),
        ("truth", 1, "true"),
        ("truth", 0, "false"),
        ("number", 0, '"0.00"'),
        ("number", 5, '"0.05"'),
        ("number", -5, '"-0.05"'),
        ("number", -12345, '"-123.45"'),
        ("number", 999_999_999_999_999_999, '"9999999999999999.99"'),
        ("number", -999_999_999_999_999_999, '"-9999999999999999.99"'),
        ("whole", 0, '"0"'),
        ("whole", -7, '"-7"'),
        ("day", "2026-11-23", '"2026-11-23"'),
        ("clock", "23:59:59.999999", '"23:59:59.999999"'),
        ("moment", NOW, f'"{NOW}"'),
        ("span", 0, '"P0DT0H0M0.000000S"'),
        ("span", 93_784_000_005, '"P1DT2H3M4.000005S"'),
        ("span", -93_784_000_005, '"-P1DT2H3M4.000005S"'),
        ("span", -1, '"-P0DT0H0M0.000001S"'),
        ("span", 2**63 - 1, '"P106751991DT4H0M54.775807S"'),
        ("uuid", "00000000-0000-4000-8000-000000000001", '"00000000-0000-4000-8000-000000000001"'),
        ("choice", "draft", '"draft"'),
        ("words", '["a\\"b","東"]', '["a\\"b","東"]'),
        ("sums", '["1.00"]', '["1.00"]'),
        ("facts", '{"a":1}', '{"a":1}'),
    ],
)
def test_every_type_is_shown_in_its_json_form(database: Database, member: str, stored: c.Stored, text: str) -> None:
    """The JSON form of each type, at its ends and with its sign, and null."""
    database.create(THINGS, {"id": "x", "order": 2, "title": "X", member: stored})
    field = THINGS.by_member[member]
    assert shown(database, View(THINGS, (field,)), "x") == (f'{{"{member}":{text}}}', 1, "")
    assert shown(database, View(THINGS, (field,)), "t") == (f'{{"{member}":null}}', 1, "")


def test_members_stand_in_the_order_of_the_view(database: Database) -> None:
    """The view says what is shown and where."""
    view = View(THINGS, (THINGS.by_member["title"], THINGS.by_member["order"], THINGS.by_member["id"]))
    assert shown(database, view, "t") == ('{"title":"T","order":1,"id":"t"}', 1, "")


def test_a_record_that_the_condition_hides_is_not_read(database: Database) -> None:
    """`where` is part of the statement that reads."""
    assert shown(database, PLAIN, "b", OPEN) is None
    assert shown(database, PLAIN, "m", OPEN) == ('{"name":"Maker"}', 3, "")
    assert shown(database, PLAIN, "nobody") is None


def test_an_included_record_stands_under_the_name_of_its_field(database: Database) -> None:
    """Includes nest, in the order of the view after its fields, and their versions stand beside the row, outer before inner."""
    inner = View(MAKERS, (MAKERS.by_member["name"],), (Include(MAKERS.by_name["boss"], PLAIN),))
    view = View(THINGS, (THINGS.by_member["id"],), (Include(THINGS.by_name["maker"], inner),))
    text = '{"id":"t","maker":{"name":"Maker","boss":{"name":"Boss"}}}'
    assert shown(database, view, "t") == (text, 1, "3,7")


def test_an_included_record_is_null_where_there_is_none_or_it_is_hidden(database: Database) -> None:
    """No reference, and a guard that does not hold, read the same; the versions tell a dash."""
    view = View(MAKERS, (MAKERS.by_member["id"],), (Include(MAKERS.by_name["boss"], PLAIN, OPEN),))
    assert shown(database, view, "b") == ('{"id":"b","boss":null}', 7, "-")
    assert shown(database, view, "m") == ('{"id":"m","boss":null}', 3, "-")
    seen = View(MAKERS, view.fields, (Include(MAKERS.by_name["boss"], PLAIN, c.Not(OPEN)),))
    assert shown(database, seen, "m") == ('{"id":"m","boss":{"name":"Boss"}}', 3, "7")


def test_includes_are_shown_in_lists_sorted_either_way(database: Database) -> None:
    """A page that an index serves and one that is sorted show the same includes, guards with values and all."""
    guard = c.Test(c.Path(MAKERS.by_member["name"]), c.Operator.EQUALS, "Maker")
    view = View(THINGS, (THINGS.by_member["id"],), (Include(THINGS.by_name["maker"], PLAIN, guard),))
    where = c.Test(thing("title"), c.Operator.EQUALS, "T")
    for order in (Order(thing("id")), Order(thing("text"))):
        rows = database.run(database.render.read_many(ReadMany(view, where, (order,), 5)))
        assert [row[0] for row in rows] == ['{"id":"t","maker":{"name":"Maker"}}']


def test_a_secret_is_in_no_view_and_no_image(database: Database) -> None:
    """A view with a secret is a broken plan, and the journal never holds one."""
    with pytest.raises(AssertionError, match="secret key"):
        database.render.read_one(ReadOne(RecordId("t"), View(THINGS, (THINGS.by_member["key"],))))
    image = database.image(THINGS, "t")
    assert image is not None
    assert "key" not in msgspec.json.decode(image[1])


def test_an_image_holds_every_member_in_storage_form(database: Database) -> None:
    """What was stored comes out of an image as it was, documents as text and floats to the last bit."""
    stored: dict[str, c.Stored] = {
        "id": "x",
        "order": 2,
        "title": "X",
        "number": -5,
        "truth": 1,
        "span": -1,
        "real": 0.1 + 0.2,
        "words": '["a"]',
        "integer": 2**63 - 1,
    }
    row = database.create(THINGS, stored)
    image = database.image(THINGS, "x")
    assert image is not None
    found = msgspec.json.decode(image[1])
    assert row == image[0]
    assert list(found) == [*(each.member for each in THINGS.fields if each.secret is None), "hf_secrets"]
    assert {member: value for member, value in found.items() if value is not None} == {
        **stored,
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }


def test_an_image_says_whether_the_condition_holds(database: Database) -> None:
    """A hidden row is told from a missing one: 0, 1, or no row."""
    asked = [database.run(database.render.image(MAKERS, id_, OPEN)) for id_ in ("b", "m", "nobody")]
    assert [[(row[1], row[3]) for row in rows] for rows in asked] == [[(7, 0)], [(3, 1)], []]


def test_views_of_one_shape_share_a_text_and_not_their_values(database: Database) -> None:
    """Guards are part of the shape; their values are bound."""

    def view(name: str) -> View:
        guard = c.Test(c.Path(MAKERS.by_member["name"]), c.Operator.EQUALS, name)
        return View(MAKERS, (MAKERS.by_member["id"],), (Include(MAKERS.by_name["boss"], PLAIN, guard),))

    statements = [database.render.read_one(ReadOne(RecordId("m"), view(name))) for name in ("Boss", "Nobody")]
    assert statements[0].text is statements[1].text
    assert [database.run(each)[0][2] for each in statements] == ["7", "-"]


@pytest.mark.parametrize("spec", CATALOG.resources.values(), ids=lambda spec: spec.path)
def test_a_record_of_nulls_is_shown(spec: ResourceSpec) -> None:
    """The whole view of a resource renders, and is valid JSON."""
    database = Database()
    database.create(spec, {"id": "n", "order": 0, "title": "", "open": 0})
    view = View(spec, tuple(each for each in spec.fields if each.secret is None))
    found = shown(database, view, "n")
    assert found is not None
    assert list(msgspec.json.decode(found[0])) == [each.member for each in view.fields]
