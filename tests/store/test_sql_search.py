"""Full-text search in SQL."""

import pytest
from sql_library import MAKERS, THINGS, Database, thing

from holdfast.core import condition as c
from holdfast.core.plan import Order, ReadMany
from holdfast.core.search import fold_query
from holdfast.core.view import View

PLACES = {
    "1": "Zürich",
    "2": "東京都",
    "3": "Москва",
    "4": "Tokyo Bay",
    "5": "New York City",
    "6": "São Paulo",
    "7": "서울특별시",
    "8": "กรุงเทพมหานคร",
    "9": "القاهرة",
}


@pytest.fixture(scope="module")
def database() -> Database:
    """Places named in many scripts."""
    database = Database()
    for number, name in PLACES.items():
        database.create(THINGS, {"id": number, "order": int(number), "title": name})
    return database


def found(database: Database, query: str) -> str:
    """The ids of what a search finds, joined."""
    plan = ReadMany(View(THINGS, ()), c.Matches(THINGS, fold_query(query)), (), 20, ranked=True)
    return "".join(str(row[-1]) for row in database.run(database.render.read_many(plan)))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("zurich", "1"),
        ("ZÜRICH", "1"),
        ("zür", "1"),
        ("東京", "2"),
        ("京", "2"),
        ("京都", "2"),
        ("東都", ""),
        ("моск", "3"),
        ("МОСКВА", "3"),
        ("tokyo", "4"),
        ("tōk", "4"),
        ("new city", "5"),
        ("city new", "5"),
        ("ork", ""),
        ("paulo sao", "6"),
        ("울특", "7"),
        ("เทพ", "8"),
        ("القاه", "9"),
        ('new" OR "tokyo', ""),
        ("title:zurich", ""),
        ("NOT", ""),
        ("zurich*", "1"),
    ],
)
def test_a_search_finds_words_as_people_type_them(database: Database, query: str, ids: str) -> None:
    """All words, the last by its beginning, without case or accents, runs as substrings; no operator of FTS5 can be reached."""
    assert found(database, query) == ids


def test_a_search_looks_into_every_searched_field_but_not_across_two() -> None:
    """The words may stand in different fields; a run may not."""
    database = Database()
    database.create(THINGS, {"id": "1", "order": 1, "title": "alpha 東", "text": "京 beta"})
    assert [found(database, query) for query in ("beta alpha", "東", "京", "東京")] == ["1", "1", "1", ""]


def test_rank_puts_beginnings_and_then_the_shorter_text_first_and_its_cursor_goes_on(database: Database) -> None:
    """Rank is the length of the first searched field, beyond all where it begins otherwise; a cursor holds it before the sort values."""
    database = Database()
    for number, title in enumerate(["sea of green", "sea", "sea side", "sea salt", "other", "a sea"]):
        database.create(THINGS, {"id": str(number), "order": number, "text": title, "title": ""})
    where, view = c.Matches(THINGS, ("sea",)), View(THINGS, ())
    first = database.run(database.render.read_many(ReadMany(view, where, (Order(thing("id")),), 2, ranked=True)))
    assert [row[1:] for row in first] == [(3, "1"), (8, "2"), (8, "3")]
    second = database.run(database.render.read_many(ReadMany(view, where, (Order(thing("id")),), 2, after=first[1][1:], ranked=True)))
    assert [row[1:] for row in second] == [(8, "3"), (12, "0"), (2**32 + 5, "5")]


def test_a_search_combines_with_filters_and_is_counted(database: Database) -> None:
    """Matches is a condition like the others, negation included."""
    search = c.Matches(THINGS, ("tokyo",))
    shorter = c.Test(thing("order"), c.Operator.LESS, 3)
    counts = [database.run(database.render.count(THINGS, each)) for each in (search, c.All((search, shorter)), c.Not(search))]
    assert counts == [[(1,)], [(0,)], [(8,)]]


def test_no_words_find_everything(database: Database) -> None:
    """Every one of no words stands in any text."""
    assert database.run(database.render.count(THINGS, c.Matches(THINGS, ()))) == [(9,)]


def test_a_row_taken_out_is_found_no_more() -> None:
    """The index follows: a changed text is taken out and put in anew."""
    database = Database()
    row = database.create(MAKERS, {"id": "m", "name": "old name", "open": 1})
    search = c.Matches(MAKERS, ("old",))
    before = database.run(database.render.count(MAKERS, search))
    database.run(database.render.search_delete(MAKERS, row))
    database.run(database.render.search_insert(MAKERS, row, "new name"))
    assert (before, database.run(database.render.count(MAKERS, search))) == ([(1,)], [(0,)])
