"""Filters: every operator on every type, in a query string and in JSON, and everything that is refused."""

from decimal import Decimal
from typing import Any

import pytest
from ask_library import AUTHORS, BOOK_TYPES, BOOKS, CATALOG, COUNTRIES, CURSORS, ID, PLAIN, READER, refusal_of
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.limits import FILTER_TERMS_MAX, IN_VALUES_MAX
from holdfast.core.ask.filter import split_commas
from holdfast.core.ask.lists import ListReader
from holdfast.core.ask.operators import OPERATORS, operators_of
from holdfast.core.ask.visible import Sight, Sights, Visible
from holdfast.core.condition import ALWAYS, NEVER, All, Condition, IsNull, Not, OneOf, Operator, Path, Step, Stored, Test
from holdfast.core.condition import Any as AnyOf
from holdfast.model.catalog import Catalog
from holdfast.model.types import Reference

ORDERED = {"eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "between", "null"}
TEXTUAL = ORDERED | {"contains", "icontains", "startswith", "endswith"}

# member: (what it takes, a text, the JSON value, the stored value)
TYPES: dict[str, tuple[set[str], str, Any, Stored]] = {
    "title": (TEXTUAL, "sea", "sea", "sea"),
    "status": (TEXTUAL, "draft", "draft", "draft"),
    "pages": (ORDERED, "-5", -5, -5),
    "weight": (ORDERED, "1.5", Decimal("1.5"), 1.5),
    "price": (ORDERED, "9.90", "9.90", 990),
    "published_on": (ORDERED, "2024-02-29", "2024-02-29", "2024-02-29"),
    "opens_at": (ORDERED, "08:30:00", "08:30:00", "08:30:00.000000"),
    "seen_at": (ORDERED, "2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000000Z"),
    "length": (ORDERED, "PT90S", "PT90S", 90_000_000),
    "token": (ORDERED, ID, ID, ID),
    "author_id": (ORDERED, ID, ID, ID),
    "lent": ({"eq", "ne", "in", "nin", "null"}, "true", True, 1),
    "tags": ({"contains", "null"}, "new", "new", "new"),
    "scores": ({"contains", "null"}, "7", 7, 7),
    "costs": ({"contains", "null"}, "1.5", "1.5", "1.50"),
    "breaks": ({"contains", "null"}, "PT90S", "PT90S", "P0DT0H1M30.000000S"),
    "flags": ({"contains", "null"}, "false", False, 0),
    "grid": ({"null"}, "1", 1, 1),
    "labels": ({"null"}, "a", "a", "a"),
    "address": ({"null"}, "a", "a", "a"),
}
SUBSTRING = {"contains", "icontains", "startswith", "endswith"}


def path(member: str) -> Path:
    """The path of a field of a book."""
    return Path(BOOKS.by_member[member])


def where(text: str, **more: Any) -> Condition:
    """The condition of a query string."""
    return READER.read_query(text, **more).where


def where_json(value: Any, **more: Any) -> Condition:
    """The condition of a JSON filter."""
    return READER.read_json({"filter": value}, **more).where


def expected(member: str, operator: str, value: Stored) -> Condition:
    """What one operator means."""
    at = path(member)
    match operator:
        case "null":
            return IsNull(at)
        case "in":
            return OneOf(at, (value, value))
        case "nin":
            return Not(OneOf(at, (value, value)))
        case "between":
            return All((Test(at, Operator.AT_LEAST, value), Test(at, Operator.AT_MOST, value)))
        case _:
            return Test(at, Operator(operator), value)


ACCEPTED = [(member, operator) for member, (takes, *_) in TYPES.items() for operator in sorted(takes)]
REFUSED = [(member, operator) for member, (takes, *_) in TYPES.items() for operator in OPERATORS if operator not in takes]


def test_the_tables_cover_every_type_and_operator() -> None:
    """No type of the library is left out of the tables below."""
    assert {*BOOK_TYPES, "author_id"} - {"limit"} == set(TYPES)
    assert len(ACCEPTED) + len(REFUSED) == len(TYPES) * 14


@pytest.mark.parametrize(("member", "operator"), ACCEPTED)
def test_an_operator_reads_the_text_of_its_type(member: str, operator: str) -> None:
    """Every operator that a type takes makes its condition from a query string."""
    _, text, _, stored = TYPES[member]
    sent = {"null": "true", "in": f"{text},{text}", "nin": f"{text},{text}", "between": f"{text},{text}"}.get(operator, text)

    assert expected(member, operator, stored) == where(f"{member}[{operator}]={sent}")


@pytest.mark.parametrize(("member", "operator"), ACCEPTED)
def test_an_operator_reads_the_json_of_its_type(member: str, operator: str) -> None:
    """Every operator that a type takes makes the same condition from JSON."""
    _, _, value, stored = TYPES[member]
    sent = {"null": True, "in": [value, value], "nin": [value, value], "between": [value, value]}.get(operator, value)

    assert expected(member, operator, stored) == where_json({member: {operator: sent}})


@pytest.mark.parametrize(("member", "operator"), REFUSED)
def test_an_operator_that_makes_no_sense_is_refused(member: str, operator: str) -> None:
    """A type refuses the operators that it does not take, and says which it takes."""
    text = TYPES[member][1]
    error = refusal_of(where, f"{member}[{operator}]={text}")

    assert (error.status, error.code) == (400, "invalid_filter")
    assert f"`{member}` does not take `{operator}`." == error.message
    assert error.hint is not None
    assert all(each in error.hint for each in TYPES[member][0])


@pytest.mark.parametrize("member", sorted(member for member, (takes, *_) in TYPES.items() if "eq" in takes))
def test_no_operator_means_eq(member: str) -> None:
    """`status=x` is `status[eq]=x`, and {"status": "x"} is {"status": {"eq": "x"}}."""
    _, text, value, stored = TYPES[member]

    assert Test(path(member), Operator.EQUALS, stored) == where(f"{member}={text}")
    assert Test(path(member), Operator.EQUALS, stored) == where_json({member: value})


@pytest.mark.parametrize(
    ("text", "place", "predicate"),
    [
        ("pages=x", "pages", ""),
        ("pages[gte]=", "pages[gte]", ""),
        ("pages=1.5", "pages", ""),
        ("pages=9223372036854775808", "pages", ""),
        ("weight=nan", "weight", ""),
        ("price=1.005", "price", ""),
        ("published_on=2024-02-30", "published_on", ""),
        ("seen_at=2024-02-29T12:00:00", "seen_at", ""),
        ("token=x", "token", ""),
        ("author_id=7", "author_id", ""),
        ("lent=yes", "lent", ""),
        ("status=gone", "status", ""),
        ("title=%00", "title", ""),
        ("scores[contains]=x", "scores[contains]", ""),
        ("pages[in]=1,x", "pages[in]", ""),
        ("pages[between]=1", "pages[between]", "takes two values, has 1"),
        ("pages[between]=1,2,3", "pages[between]", "takes two values, has 3"),
        ("pages[null]=1", "pages[null]", "must be true or false"),
        ("pages[null]=", "pages[null]", "must be true or false"),
        ("pages[null]=TRUE", "pages[null]", "must be true or false"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(text: str, place: str, predicate: str) -> None:
    """A value that cannot be read is 400 invalid_filter and names its field."""
    error = refusal_of(where, text)

    assert (error.status, error.code) == (400, "invalid_filter")
    assert error.message.startswith(f"`{place}` {predicate}")
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("lent=yes", "`lent` must be true or false.", None),
        ("price[gt]=1.499", "`price[gt]` must have at most 2 digits after the point.", None),
        ("pages=x", "`pages` must be a whole number.", None),
        ("pages=null", "`pages` must be a whole number.", "`[null]=true` asks for rows without a value."),
        ("pages=", "`pages` must be a whole number.", "`[null]=true` asks for rows without a value."),
        ("pages[in]=x", "`pages[in]` must be a whole number.", "Values are parted by commas; write `\\,` for a comma within one."),
        ("pages[null]=x", "`pages[null]` must be true or false.", "`null` takes true or false."),
        (
            "seen_at=2026-01-01T00:00:00+02:00",
            "`seen_at` must be a date and time with an offset, such as 2026-11-23T13:29:00Z.",
            "Write `+` as %2B: in a URL it stands for a space.",
        ),
    ],
)
def test_a_value_of_a_url_is_refused_in_the_words_of_urls(text: str, message: str, hint: str | None) -> None:
    """In a URL everything is a string, so a message never says so; a hint speaks of null only where null was meant."""
    error = refusal_of(where, text)

    assert (error.message, error.hint) == (message, hint)


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ({"pages": "5"}, "`pages` must be a whole number, is a string.", None),
        ({"pages": {"in": 5}}, "`pages[in]` must be an array.", '`in` takes an array: {"in": [..., ...]}.'),
        ({"pages": {"in": ["x"]}}, "`pages[in]` must be a whole number, is a string.", None),
        ({"pages": {"gte": None}}, "`pages[gte]` must not be null.", '`{"null": true}` asks for rows without a value.'),
        ({"pages": {"between": 5}}, "`pages[between]` must be an array.", "`between` takes the lowest and the highest value, in an array."),
    ],
)
def test_a_value_of_json_is_refused_in_the_words_of_json(value: Any, message: str, hint: str | None) -> None:
    """In JSON a value has a kind, and lists are arrays: no hint speaks of commas."""
    error = refusal_of(where_json, value)

    assert (error.message, error.hint) == (message, hint)


@pytest.mark.parametrize(
    "value",
    [
        {"pages": "5"},
        {"pages": {"gte": True}},
        {"pages": {"gte": None}},
        {"pages": {"between": [1]}},
        {"pages": {"between": [1, None]}},
        {"pages": {"in": 5}},
        {"pages": {"in": [[1]]}},
        {"pages": {"null": "true"}},
        {"pages": {"null": None}},
        {"pages": {}},
        {"pages": {"foo": 1}},
        {"title": {"contains": None}},
        {"title": {"startswith": 5}},
        {"title": 5},
        {"title": ["a"]},
        {"lent": 1},
        {"tags": ["a"]},
        {"tags": {"contains": None}},
        {"tags": {"contains": 5}},
        {"labels": {"a": "b"}},
        {"and": {}},
        {"and": []},
        {"or": "x"},
        {"or": []},
        {"or": [5]},
        {"not": 5},
        {"not": []},
        {"not": None},
        {"nothing": 1},
        {"author": ID},
    ],
)
def test_a_json_filter_that_cannot_be_understood_is_refused(value: Any) -> None:
    """Wrong values, shapes, operators and names in a JSON filter are 400 invalid_filter."""
    error = refusal_of(where_json, value)

    assert (error.status, error.code) == (400, "invalid_filter")


def test_terms_stand_together() -> None:
    """Several terms must all hold, different operators on one field too."""
    gte, lt = Test(path("pages"), Operator.AT_LEAST, 10), Test(path("pages"), Operator.LESS, 20)
    draft = Test(path("status"), Operator.EQUALS, "draft")

    assert All((gte, draft, lt)) == where("pages[gte]=10&status=draft&pages[lt]=20")
    assert All((gte, lt, draft)) == where_json({"pages": {"gte": 10, "lt": 20}, "status": "draft"})
    assert where("") == ALWAYS
    assert where_json({}) == ALWAYS


@pytest.mark.parametrize("text", ["pages=1&pages=2", "pages=1&pages[eq]=1", "author.name[ne]=a&author.name[ne]=b"])
def test_one_operator_on_one_field_stands_once(text: str) -> None:
    """The same field and operator twice is 400: neither silently wins."""
    error = refusal_of(where, text)

    assert (error.status, error.code) == (400, "unknown_parameter")
    assert "given twice" in error.message


def test_json_filters_nest() -> None:
    """and, or and not take filters, to any depth that the body may have."""
    one, two = Test(path("pages"), Operator.EQUALS, 1), Test(path("pages"), Operator.EQUALS, 2)

    assert AnyOf((one, two)) == where_json({"or": [{"pages": 1}, {"pages": 2}]})
    assert All((one, two)) == where_json({"and": [{"pages": 1}, {"pages": 2}]})
    assert Not(one) == where_json({"not": {"pages": 1}})
    assert AnyOf((Not(All((one, AnyOf((two,))))), ALWAYS)) == where_json({"or": [{"not": {"pages": 1, "or": [{"pages": 2}]}}, {}]})


def test_null_in_json_is_a_value_for_equality_alone() -> None:
    """{"price": null} asks for rows without a price; in, nin, eq and ne take null, every order refuses it."""
    at = path("pages")

    assert IsNull(at) == where_json({"pages": None})
    assert Test(at, Operator.EQUALS, None) == where_json({"pages": {"eq": None}})
    assert Test(at, Operator.DIFFERS, None) == where_json({"pages": {"ne": None}})
    assert OneOf(at, (1, None)) == where_json({"pages": {"in": [1, None]}})
    assert OneOf(at, ()) == where_json({"pages": {"in": []}})
    assert Not(IsNull(at)) == where_json({"pages": {"null": False}})
    assert Not(IsNull(at)) == where("pages[null]=false")
    assert AnyOf(()) == NEVER


def test_bounds_of_writing_do_not_bind_a_filter() -> None:
    """A title of 200 characters at most may be compared with any text, a price from 0 with any number."""
    assert Test(path("title"), Operator.EQUALS, "") == where("title=")
    assert Test(path("title"), Operator.EQUALS, "x" * 300) == where(f"title={'x' * 300}")
    assert Test(path("pages"), Operator.LESS, -7) == where("pages[lt]=-7")
    assert Test(path("price"), Operator.GREATER, 1_000_000_000) == where("price[gt]=10000000.00")
    assert Test(path("weight"), Operator.GREATER, -1.0) == where("weight[gt]=-1")
    assert Test(path("tags"), Operator.CONTAINS, "x" * 20) == where(f"tags[contains]={'x' * 20}")
    assert Test(path("status"), Operator.STARTS_WITH, "pub") == where("status[startswith]=pub")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (",", ["", ""]),
        (r"a\,b,c", ["a,b", "c"]),
        (r"a\\,b", ["a\\", "b"]),
        (r"a\b", [r"a\b"]),
        ("a\\", ["a\\"]),
        (r"\,", [","]),
    ],
)
def test_a_backslash_keeps_a_comma_in_a_value(text: str, parts: list[str]) -> None:
    """Values are parted at commas; `\\,` is a comma, `\\\\` a backslash, any other backslash itself."""
    assert parts == split_commas(text)


@given(st.lists(st.text(alphabet="a,\\b"), min_size=1))
def test_every_list_of_values_can_be_written(values: list[str]) -> None:
    """Escaping backslashes and commas writes any list of texts."""
    written = ",".join(value.replace("\\", "\\\\").replace(",", "\\,") for value in values)

    assert values == split_commas(written)


def test_references_are_followed() -> None:
    """`author.name` and `author.country.name` go through references; `author_id` stays on the row."""
    author, country = BOOKS.by_member["author_id"], AUTHORS.by_member["country_id"]
    step, further = Step(author, AUTHORS), Step(country, COUNTRIES)

    assert Test(Path(AUTHORS.by_member["name"], (step,)), Operator.CONTAINS, "le") == where("author.name[contains]=le")
    assert Test(Path(COUNTRIES.by_member["name"], (step, further)), Operator.EQUALS, "x") == where("author.country.name=x")
    assert Test(Path(AUTHORS.by_member["id"], (step,)), Operator.EQUALS, ID) == where(f"author.id={ID}")
    assert str(Path(COUNTRIES.by_member["name"], (step, further))) == "author.country.name"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("pagess=1", "`pagess` is unknown.", "Did you mean `pages`?"),
        ("Pages=1", "`Pages` is unknown.", "Did you mean `pages`?"),
        ("limti=1", "`limti` is unknown.", "Did you mean `limit`?"),
        ("pgae=2", "`pgae` is unknown.", "Did you mean `page`?"),
        (
            "author=1",
            "`author` is a reference, not a field.",
            "`author` is a reference: name its id, `author_id`, or a field behind it, such as `author.name`.",
        ),
        ("author[name]=x", "`author` is a reference, not a field.", "or a field behind it, such as `author.name`."),
        ("autor=1", "`autor` is unknown.", "`author` is a reference: name its id, `author_id`, or a field behind it"),
        (
            "author.country=1",
            "`author.country` is a reference, not a field.",
            "`author.country_id`, or a field behind it, such as `author.country.name`.",
        ),
        (
            "author.country.ruler.country=1",
            "`author.country.ruler.country` is a reference, not a field.",
            "name its id, `author.country.ruler.country_id`.",
        ),
        ("author.nmae=1", "`author.nmae` is unknown.", "Did you mean `author.name`?"),
        ("autor.name=1", "`autor.name` is unknown.", "Did you mean `author`?"),
        ("title.x=1", "`title` is no reference that can be followed.", "Known here: `author`, `editor`"),
        ("author_id.name=1", "`author_id` is no reference that can be followed.", "Did you mean `author`?"),
        ("author.cuntry.name=1", "`author.cuntry.name` is unknown.", "Did you mean `author.country`?"),
        ("author.password=1", "`author.password` is unknown.", "Known here: `author.id`"),
        ("cover_key=1", "`cover_key` is unknown.", "Known here: `id`"),
        ("author..name=1", "`author..name` is unknown.", "Known here: `author.country`"),
        ("author.=1", "`author.` is unknown.", "Known here: `author.id`"),
        ("author.country.ruler.country.name=1", "`author.country.ruler.country.name` goes through too many references.", "At most 3"),
        ("x" * 500 + "=1", f"`{'x' * 64}...` is unknown.", "Known here: `id`"),
        ("version=3", "`version` is a field here, and the name of a parameter elsewhere.", "Write `version[eq]=` to filter by it."),
        ("as_of=2024", "The parameter `as_of` is unknown here.", "Known here: `sort`"),
        ("sort[eq]=a", "`sort` is unknown.", ""),
        ("pages[foo]=1", "The operator `foo` is unknown.", "`pages` takes: eq, ne, gt, gte"),
        ("pages[get]=1", "The operator `get` is unknown.", "Did you mean `gt"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(text: str, message: str, hint: str) -> None:
    """Unknown names and operators are refused with what the caller may have meant; secret fields are unknown."""
    error = refusal_of(where, text)

    assert error.status == 400
    assert ("invalid_filter" if "pages[" in text else "unknown_parameter") == error.code
    assert message == error.message
    assert hint in (error.hint or "")


def test_a_path_on_a_resource_without_references_says_so() -> None:
    """Where nothing can be followed, the refusal of `author.name` says it."""
    error = refusal_of(ListReader(CATALOG, PLAIN, CURSORS).read_query, "author.name=x")

    assert error.message == "`author.name` is unknown."
    assert error.hint == "No field here is a reference, so no dot can follow one."


def test_a_field_named_like_a_parameter_is_filtered_with_an_operator() -> None:
    """`limit=5` is the parameter, `limit[eq]=5` the field; JSON has no such clash."""
    ask = READER.read_query("limit=5&limit[eq]=7&version[eq]=2")

    assert ask.limit == 5
    assert All((Test(path("limit"), Operator.EQUALS, 7), Test(path("version"), Operator.EQUALS, 2))) == ask.where
    assert Test(path("limit"), Operator.EQUALS, 7) == where_json({"limit": 7})


def test_what_a_caller_may_not_read_is_unknown() -> None:
    """A hidden field cannot be filtered by, is in no hint, and its reference cannot be followed."""
    blind = Visible(Sights(books=Sight(frozenset({"price", "author_id"})), authors=Sight(frozenset({"email"}))))

    assert refusal_of(where, "price=1.00", visible=blind).code == "unknown_parameter"
    assert "`price`" not in (refusal_of(where, "prise=1", visible=blind).hint or "")
    assert refusal_of(where_json, {"price": "1.00"}, visible=blind).code == "invalid_filter"
    assert refusal_of(where, "author.name=x", visible=blind).message == "`author.name` is unknown."
    assert refusal_of(where, "editor.email=x", visible=blind).message == "`editor.email` is unknown."


def test_guards_go_into_the_steps() -> None:
    """A path through a reference sees only the targets that the caller may read."""
    guard = Test(Path(AUTHORS.by_member["name"]), Operator.DIFFERS, "hidden")
    seen = Visible(Sights(authors=Sight(guard=guard)))
    step = Step(BOOKS.by_member["author_id"], AUTHORS, guard)

    assert Test(Path(AUTHORS.by_member["name"], (step,)), Operator.EQUALS, "x") == where("author.name=x", visible=seen)
    assert Test(Path(AUTHORS.by_member["name"], (step,)), Operator.EQUALS, "x") == where_json({"author.name": "x"}, visible=seen)


def test_a_filter_is_bounded() -> None:
    """As many parts and values as the limits say, and not one more; groups and empty ones count."""
    limit = FILTER_TERMS_MAX
    too_many: list[Any] = [{"or": [{"pages": 1}] * limit}, {"and": [{}] * (limit + 1)}, {"or": [{"pages": {"gt": 1}}] * limit}]

    assert all("too many parts" in refusal_of(where_json, each).message for each in too_many)
    assert isinstance(where_json({"or": [{}] * (limit - 1)}), AnyOf)

    values = list(range(IN_VALUES_MAX))
    assert OneOf(path("pages"), tuple(values)) == where_json({"pages": {"in": values}})
    assert "takes at most 200 values, has 201." in refusal_of(where_json, {"pages": {"in": [*values, 1]}}).message


def test_a_query_string_is_bounded_too() -> None:
    """More terms than FILTER_TERMS_MAX are refused in a query string as well."""
    names = ["title", *(f"{a}.{b}" for a in ("author", "editor") for b in ("name", "email"))]
    names += [f"{name}.country.ruler.{field}" for name in ("author", "editor") for field in ("name", "email")]
    terms = [f"{name}[{operator}]=a" for name in names for operator in sorted(TEXTUAL - {"null", "between"})]

    assert len(terms) > FILTER_TERMS_MAX
    assert "too many parts" in refusal_of(where, "&".join(terms)).message


def test_a_catalog_target_is_a_resource() -> None:
    """Every reference of the test library leads somewhere, so that the paths above are real."""
    assert isinstance(CATALOG, Catalog)
    assert set(operators_of(Reference("authors"))) == ORDERED
