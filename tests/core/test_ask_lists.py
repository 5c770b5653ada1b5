"""Lists: sort, page, limit, count, fields, include, q, after - by query string and by JSON."""

from decimal import Decimal
from typing import Any

import pytest
from ask_library import AUTHORS, BOOKS, CATALOG, COUNTRIES, CURSORS, PLAIN, READER, refusal_of

from holdfast.base.limits import INCLUDES_MAX, SEARCH_LENGTH_MAX, SEARCH_WORDS_MAX, SORT_KEYS_MAX
from holdfast.core.ask.lists import ListAsk, ListReader
from holdfast.core.ask.visible import Sight, Sights, Visible
from holdfast.core.condition import ALWAYS, NEVER, All, Matches, Operator, Path, Step, Test
from holdfast.core.plan import Order, Page, ReadMany

read = READER.read_query


def order(member: str, *, descending: bool = False) -> Order:
    """A sort key on a book."""
    return Order(Path(BOOKS.by_member[member]), descending)


def test_a_list_that_says_nothing_has_its_defaults() -> None:
    """First page of 20 by id, every field, counted, from no cursor."""
    ask = read("")

    assert (ask.limit, ask.page, ask.after, ask.count, ask.ranked) == (20, 1, None, True, False)
    assert (order("id"),) == ask.order
    assert ask.where == ALWAYS
    assert [each.member for each in BOOKS.fields if each.secret is None] == [each.member for each in ask.view.fields]


def test_an_empty_json_query_is_an_empty_query_string() -> None:
    """Both ways of asking make the same ask."""
    assert read("") == READER.read_json({})


def test_json_and_query_string_make_one_ask() -> None:
    """Whatever is said by query string can be said by JSON, with the same result to the last byte of the fingerprint."""
    text = "status=draft&sort=-price,title&page=3&limit=50&count=none&fields=title&include=author&q=sea"
    value = {
        "filter": {"status": "draft"},
        "sort": ["-price", "title"],
        "page": 3,
        "limit": Decimal("50.0"),
        "count": "none",
        "fields": ["title"],
        "include": ["author"],
        "q": "sea",
    }

    assert read(text) == READER.read_json(value)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("price", (order("price"), order("id"))),
        ("-price,title", (order("price", descending=True), order("title"), order("id"))),
        ("-id", (order("id", descending=True),)),
        ("price,-id,title", (order("price"), order("id", descending=True))),
        ("author.name", (Order(Path(AUTHORS.by_member["name"], (Step(BOOKS.by_member["author_id"], AUTHORS),))), order("id"))),
        ("status,lent,weight,token,length", tuple(map(order, ("status", "lent", "weight", "token", "length", "id")))),
    ],
)
def test_a_sort_is_a_total_order(text: str, keys: tuple[Order, ...]) -> None:
    """A minus turns a key round; id is always the last key, because no two rows share it."""
    assert keys == read(f"sort={text}").order


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "`` is unknown.", "Known here"),
        ("pricee", "`pricee` is unknown.", "Did you mean `price`?"),
        ("--price", "`-price` is unknown.", "Did you mean `price`?"),
        ("+price", "` price` is unknown.", "Did you mean `price`?"),
        ("price,", "`` is unknown.", "Known here"),
        ("price,-price", "`price` stands twice in the sort.", "Name each field once."),
        ("tags", "`tags` holds a list or an object, which has no order.", "Sort by a plain field."),
        ("labels", "`labels` holds a list or an object, which has no order.", "Sort by a plain field."),
        ("author", "`author` is a reference, not a field.", "name its id, `author_id`"),
        ("author.nam", "`author.nam` is unknown.", "Did you mean `author.name`?"),
        ("cover_key", "`cover_key` is unknown.", "Known here"),
        (",".join(["price"] * (SORT_KEYS_MAX + 1)), "A sort has at most 8 keys, not 9.", ""),
    ],
)
def test_a_sort_that_cannot_be_is_refused(text: str, message: str, hint: str) -> None:
    """Unknown, secret, doubled and orderless keys are 400 invalid_sort."""
    error = refusal_of(read, f"sort={text}")

    assert (400, "invalid_sort", message) == (error.status, error.code, error.message)
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "page", "limit", "offset"),
    [
        ("limit=1", 1, 1, 0),
        ("limit=200", 1, 200, 0),
        ("page=2", 2, 20, 20),
        ("page=501&limit=200", 501, 200, 100_000),
        ("page=100001&limit=1", 100_001, 1, 100_000),
    ],
)
def test_pages_reach_to_the_last_offset(text: str, page: int, limit: int, offset: int) -> None:
    """limit is 1 to 200, page starts at 1 and ends at offset 100,000."""
    ask = read(text)

    assert (page, limit, offset) == (ask.page, ask.limit, ask.plan().offset)


@pytest.mark.parametrize(
    "text",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=",
        "limit=ten",
        "limit=1.0",
        "limit=+5",
        "limit=05",
        "limit=٣",
        "limit=" + "9" * 5000,
        "page=0",
        "page=-1",
        "page=x",
        "page=007",
        "page=502&limit=200",
        "page=100002&limit=1",
        "page=999999999999999999",
        "page=1%0A",
        "page=1&after=abc",
    ],
)
def test_a_page_out_of_range_is_refused_never_clamped(text: str) -> None:
    """Whatever is no page of this list is 400 invalid_page with a hint."""
    error = refusal_of(read, text)

    assert (error.status, error.code) == (400, "invalid_page")
    assert error.hint


def test_beyond_the_last_offset_the_hint_is_the_cursor() -> None:
    """A caller who pages too far is told how to go on."""
    assert "meta.next" in (refusal_of(read, "page=5002").hint or "")


@pytest.mark.parametrize(("text", "count"), [("count=exact", True), ("count=none", False)])
def test_the_total_can_be_left_out(text: str, *, count: bool) -> None:
    """count is exact or none, and goes into the plan."""
    assert count == read(text).plan().count


def test_another_count_is_refused() -> None:
    """A count that is not known is 400."""
    assert (refusal_of(read, "count=about").code, 400) == ("malformed_request", 400)


def test_fields_choose_members_and_always_show_id_and_version() -> None:
    """fields names members in any order; the record keeps the order of the catalog."""
    assert [each.member for each in read("fields=price,title").view.fields] == ["id", "version", "title", "price"]
    assert [each.member for each in read("fields=id").view.fields] == ["id", "version"]
    assert [each.member for each in read("fields=author_id,author_id").view.fields] == ["id", "version", "author_id"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [("titel", "Did you mean `title`?"), ("author", "`author_id`"), ("cover_key", ""), ("", ""), ("author.name", "`include=author`")],
)
def test_unknown_fields_are_refused(text: str, hint: str) -> None:
    """What a record does not show cannot be chosen."""
    error = refusal_of(read, f"fields={text}")

    assert (error.status, error.code) == (400, "unknown_parameter")
    assert hint in (error.hint or "")


def test_includes_make_a_tree() -> None:
    """Paths with one beginning are one include; targets show their default view."""
    view = read("include=author.country,author,editor").view
    author, editor = view.includes

    assert (author.field.name, editor.field.name) == ("author", "editor")
    assert [each.field.name for each in author.view.includes] == ["country"]
    assert editor.view.includes == ()
    assert author.view.includes[0].view.resource is COUNTRIES
    assert "password" not in [each.member for each in author.view.fields]
    assert (author.guard, author.view.includes[0].guard) == (None, None)


def test_includes_have_one_spelling() -> None:
    """The order of asking changes nothing, not even the identity of the view."""
    assert read("include=editor,author").view is read("include=author,editor,author").view


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("autor", "`include` names `autor`, which is unknown.", "Did you mean `author`?"),
        ("author_id", "`include` names `author_id`, which is no reference.", "Did you mean `author`?"),
        ("title", "`include` names `title`, which is no reference.", "Known here: `author`, `editor`."),
        ("author.contry", "`include` names `author.contry`, which is unknown.", "Did you mean `author.country`?"),
        ("", "`include` names ``, which is unknown.", "Known here: `author`, `editor`."),
        ("author.country.ruler.country", "`include` goes too deep at `author.country.ruler.country`.", "At most 3 steps."),
    ],
)
def test_an_include_that_cannot_be_is_refused(text: str, message: str, hint: str) -> None:
    """Only references can be included, so many and so deep."""
    error = refusal_of(read, f"include={text}")

    assert (400, "unknown_parameter", message, hint) == (error.status, error.code, error.message, error.hint)


def test_includes_are_counted() -> None:
    """A page does not include more references than the limit, however they are spelled."""
    deep = ListReader(CATALOG, COUNTRIES, CURSORS)

    assert deep.read_query("include=ruler.country.ruler").view.includes
    wide = [f"{a}.country{b}" for a in ("author", "editor") for b in ("", ".ruler")]
    assert INCLUDES_MAX > 6
    assert read(f"include={','.join(wide)}").view.includes


def test_search_words_become_a_condition() -> None:
    """q finds rows by all its words and ranks them, unless a sort is given."""
    ask = read("q=The+Sea")
    both = read("q=sea&pages=1")

    assert Matches(BOOKS, ("the", "sea")) == ask.where
    assert ask.ranked
    assert ask.plan().ranked
    assert All((Matches(BOOKS, ("sea",)), Test(Path(BOOKS.by_member["pages"]), Operator.EQUALS, 1))) == both.where
    assert not read("q=sea&sort=title").ranked


@pytest.mark.parametrize("text", ["q=", "q=+", "q=%09+%E3%80%80"])
def test_an_empty_search_finds_every_row(text: str) -> None:
    """An emptied search box shows the list again."""
    assert read("") == read(text)


@pytest.mark.parametrize("text", ["q=*", "q=%26", "q=!%3F", "q=%F0%9F%98%80", "q=%CC%81", "q=+-+", "q=*&pages=1", "q=*&sort=title"])
def test_a_search_for_signs_alone_finds_no_row(text: str) -> None:
    """It asks for something that no index holds: to list everything would show what was not asked for."""
    ask = read(text)

    assert (ask.where, ask.ranked) == (NEVER, False)


def test_a_search_refuses_what_no_text_may_hold() -> None:
    """U+0000 is refused as in a filter, by either way."""
    assert refusal_of(read, "q=a%00b").code == "malformed_request"
    assert refusal_of(read, "q=%00").code == "malformed_request"
    assert refusal_of(READER.read_json, {"q": "a\0b"}).code == "malformed_request"


def test_a_search_is_bounded() -> None:
    """So many words and so many characters, and not one more."""
    words = "+".join(f"w{n}" for n in range(SEARCH_WORDS_MAX))

    assert len(read(f"q={words}").where.words) == SEARCH_WORDS_MAX  # type: ignore[union-attr]  # a Matches
    assert refusal_of(read, f"q={words}+more").code == "malformed_request"
    assert read(f"q={'x' * SEARCH_LENGTH_MAX}").ranked
    assert refusal_of(read, f"q={'x' * (SEARCH_LENGTH_MAX + 1)}").code == "malformed_request"


def test_a_resource_that_is_not_searched_does_not_know_q() -> None:
    """Without searched fields q is unknown, in a query string and in JSON."""
    notes = ListReader(CATALOG, PLAIN, CURSORS)

    assert "q" not in notes.parameters
    assert "q" in READER.parameters
    assert (refusal_of(notes.read_query, "q=x").code, 400) == ("unknown_parameter", 400)
    assert (refusal_of(notes.read_json, {"q": "x"}).code, 422) == ("validation_failed", 422)


@pytest.mark.parametrize("text", ["page=1&page=2", "sort=price&sort=title", "q=a&q=a", "after=&after="])
def test_a_repeated_parameter_is_refused(text: str) -> None:
    """Neither the first nor the last wins."""
    assert "given twice" in refusal_of(read, text).message


@pytest.mark.parametrize("value", [None, [], "x", 5, True])
def test_a_json_query_is_an_object(value: Any) -> None:
    """Anything else is 422 wrong_type at the body itself."""
    error = refusal_of(READER.read_json, value)

    assert (error.status, error.code) == (422, "validation_failed")
    assert [(each.field, each.code) for each in error.details] == [("", "wrong_type")]


def test_every_wrong_member_of_a_json_query_is_told_at_once() -> None:
    """Unknown members and wrong JSON types are 422, all in details; null is a wrong type too."""
    value: dict[str, Any] = {
        "filter": [],
        "sort": "price",
        "page": "1",
        "limit": None,
        "count": 1,
        "fields": [1],
        "include": None,
        "q": [],
        "after": None,
        "limt": 5,
        "where": {},
    }
    error = refusal_of(READER.read_json, value)

    assert (error.status, error.code) == (422, "validation_failed")
    assert list(value) == [each.field for each in error.details]
    assert [each.code for each in error.details] == ["wrong_type"] * 9 + ["unknown_member"] * 2
    assert "Did you mean `limit`?" in error.details[9].message
    assert error.details[0].message == "This must be an object."


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"limit": 201}, "invalid_page"),
        ({"page": 0}, "invalid_page"),
        ({"page": 1, "after": "x"}, "invalid_page"),
        ({"sort": ["nothing"]}, "invalid_sort"),
        ({"fields": ["nothing"]}, "unknown_parameter"),
        ({"include": ["nothing"]}, "unknown_parameter"),
        ({"count": "about"}, "malformed_request"),
        ({"after": "x"}, "invalid_cursor"),
        ({"filter": {"nothing": 1}}, "invalid_filter"),
        ({"q": "x" * 1001}, "malformed_request"),
    ],
)
def test_the_contents_of_a_json_query_are_refused_as_in_a_query_string(value: Any, code: str) -> None:
    """A well-shaped member with a wrong content has the 400 of its parameter."""
    error = refusal_of(READER.read_json, value)

    assert (400, code) == (error.status, error.code)


def test_a_sort_without_keys_is_the_order_by_id() -> None:
    """An empty array sorts by id and does not rank."""
    ask = READER.read_json({"sort": [], "q": "sea"})

    assert (order("id"),) == ask.order
    assert not ask.ranked


def test_the_guard_of_the_caller_goes_into_the_plan() -> None:
    """The plan reads only rows that the guard lets through, beside the filter."""
    guard = Test(Path(BOOKS.by_member["status"]), Operator.EQUALS, "published")
    filtered = read("pages=1")

    assert guard == read("").plan(guard).where
    assert All((guard, filtered.where)) == filtered.plan(guard).where
    assert filtered.where == filtered.plan().where
    assert isinstance(filtered.plan(), ReadMany)


def follow(ask: ListAsk, values: tuple[Any, ...]) -> str:
    """The cursor that leads on from a page ending with these sort values."""
    cursor = ask.next_cursor(Page((), values, None), CURSORS)
    assert cursor is not None
    return cursor


def test_a_cursor_leads_on() -> None:
    """after carries the sort values of the last row and counts the page on; the offset is gone."""
    first = read("sort=-price&limit=5&page=3")
    second = read(f"sort=-price&limit=5&after={follow(first, (990, 'id-1'))}")

    assert (second.page, second.after) == (4, (990, "id-1"))
    assert (second.plan().offset, second.plan().after) == (0, (990, "id-1"))
    assert None is first.next_cursor(Page((), None, None), CURSORS)


def test_a_cursor_fits_any_limit_view_and_count() -> None:
    """What does not change the list's order or rows does not void a cursor, nor does the way of asking."""
    cursor = follow(read("status=draft&pages=1"), ("id-1",))

    assert read(f"pages=1&status=draft&after={cursor}").after == ("id-1",)
    assert read(f"status=draft&pages[eq]=1&limit=7&fields=title&count=none&after={cursor}").after == ("id-1",)
    assert READER.read_json({"filter": {"status": "draft", "pages": 1}, "after": cursor}).after == ("id-1",)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("status=published", {}),
        ("status[ne]=draft", {}),
        ("status=draft&pages=1", {}),
        ("status=draft&sort=title", {}),
        ("status=draft&sort=-id", {}),
        ("status=draft&q=sea", {}),
        ("", {}),
        ("status=draft", {"caller": "someone"}),
        ("status=draft", {"scope": "authors/1"}),
    ],
)
def test_a_cursor_of_another_list_is_refused(text: str, more: dict[str, str]) -> None:
    """Another filter, sort, search, caller or place is 400 invalid_cursor."""
    cursor = follow(read("status=draft"), ("id-1",))
    error = refusal_of(read, f"{text}&after={cursor}", **more)

    assert (error.status, error.code) == (400, "invalid_cursor")
    assert error.hint


def test_a_cursor_of_another_resource_is_refused() -> None:
    """The same words on another resource are another list."""
    cursor = follow(read(""), ("id-1",))

    assert refusal_of(ListReader(CATALOG, AUTHORS, CURSORS).read_query, f"after={cursor}").code == "invalid_cursor"


def test_hidden_fields_and_guards_shape_the_view() -> None:
    """A caller who may not read a field does not see it, cannot choose it, and is shown guarded targets only."""
    guard = Test(Path(AUTHORS.by_member["name"]), Operator.DIFFERS, "hidden")
    blind = Visible(Sights(books=Sight(frozenset({"price"})), authors=Sight(frozenset({"email"}), guard)))
    view = read("include=author", visible=blind).view

    assert "price" not in [each.member for each in view.fields]
    assert "email" not in [each.member for each in view.includes[0].view.fields]
    assert guard == view.includes[0].guard
    assert refusal_of(read, "fields=price", visible=blind).code == "unknown_parameter"
    assert "`price`" not in (refusal_of(read, "fields=prise", visible=blind).hint or "")
    assert refusal_of(read, "sort=price", visible=blind).code == "invalid_sort"


def test_what_may_not_be_read_is_not_searched() -> None:
    """`q` is then a parameter that there is not."""
    blind = Visible(Sights(books=Sight(frozenset(each.member for each in BOOKS.search_fields))))
    error = refusal_of(read, "q=x", visible=blind)

    assert (error.code, "`q`" in (error.hint or "")) == ("unknown_parameter", False)
