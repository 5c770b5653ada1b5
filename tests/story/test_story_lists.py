"""Lists: filters with every operator on every type, sorts, pages, cursors, totals, search.

What an answer should hold is worked out in plain Python from the records as they are shown.
"""

import operator
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from story_case import ABSENT_ID, API, Case, Story, cases, run, telling
from story_library import backend

Record = dict[str, Any]

WORDS = (None, "", "apple", "Apple", "ÄPFEL", "äpfel", "a,b", "a\\b", "50%_", "東京", "😀", "strasse")
VALUES: dict[str, tuple[Any, ...]] = {
    "word": WORDS,
    "number": (None, 0, 1, -1, 9_223_372_036_854_775_807, -9_223_372_036_854_775_808, 5, 5, 10, 9, None, 2),
    "ratio": (None, 0.0, 0.5, -0.5, 1e300, 1.0, 1.5, 1.5, 3.0, -3.25, None, 2.0),
    "active": (None, True, False, True, False, None, True, True, False, False, None, True),
    "amount": (None, "0.000", "0.001", "-0.001", "12.500", "9.000", "10.000", "10.000", "999999999999999.999", "-5.000", None, "2.000"),
    "day": (
        None,
        "0001-01-01",
        "1999-12-31",
        "2000-01-01",
        "2024-02-29",
        "9999-12-31",
        "2024-03-01",
        "2024-03-01",
        "2024-01-01",
        "1000-05-05",
        None,
        "2023-01-01",
    ),
    "moment": (
        *(None, "0001-01-01T00:00:00.000000Z", "2026-11-23T13:29:00.000000Z", "2026-11-23T13:29:00.000001Z", "1969-12-31T23:59:59.999999Z"),
        *("9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z", "2000-01-01T00:00:00.000000Z"),
        *("1900-01-01T00:00:00.000000Z", None, "2025-01-01T00:00:00.000000Z"),
    ),
    "hour": (None, *(f"{hour:02d}:30:00.000000" for hour in (0, 23, 12, 12, 6, 7, 8, 9, 1)), None, "12:30:00.000001"),
    "key": (None, *(f"{digit}b2f1a6e-5d0c-4c0e-9f53-6b1d5b0f7a11" for digit in "0123456789a")),
    "colour": (None, "red", "green", "blue", "red", "green", "blue", "red", "red", "green", None, "blue"),
}
DURATIONS = (None, "PT0S", "PT1S", "-PT1S", "P1D", "PT24H0.000001S", "P100D", "PT90M", "PT90M", "-P3D", None, "PT2S")
TAGS: tuple[list[str], ...] = ([], ["a"], ["b"], ["a", "b"], ["A"], ["a,b"], ["ä"], ["aa"], [""], ["b", "a"], ["😀"], ["c"])

COMPARE: dict[str, Callable[[Any, Any], bool]] = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
MATCH: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "icontains": lambda text, part: part.casefold() in text.casefold(),
    "startswith": str.startswith,
    "endswith": str.endswith,
}


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """Twelve samples that differ in every field, in a database of their own."""
    with telling(backend) as story:
        house = story.house(name="Referred")
        rows = [
            {
                **{name: values[index] for name, values in VALUES.items()},
                "span": DURATIONS[index],
                "words": TAGS[index],
                "amounts": [] if index % 3 else ["1.00", "2.50"],
                "house_id": house["id"] if index % 2 else None,
                "place": {"city": "x"} if index % 4 else None,
                "limit": index,
            }
            for index in range(12)
        ]
        assert story.ask("POST", "/samples/bulk", json=rows).status == 201
        yield story


@pytest.fixture(scope="module")
def rows(story: Story) -> list[Record]:
    """Every sample as it is shown."""
    return list(story.get("/samples?limit=200").data)


def order_of(member: str) -> Callable[[Any], Any]:
    """What a value of a member is compared by: its own kind, text by code point."""
    return Decimal if member == "amount" else lambda value: value


def ids(found: list[Record]) -> set[str]:
    """The ids of some records."""
    return {each["id"] for each in found}


def expect(rows: list[Record], holds: Callable[[Record], bool]) -> set[str]:
    """The ids of the records for which a Python test holds."""
    return {each["id"] for each in rows if holds(each)}


def ask_both_ways(story: Story, member: str, op: str, value: Any) -> set[str]:
    """The ids that a filter finds, by query string and by JSON alike; the total agrees."""
    text = ",".join(escape(each) for each in value) if isinstance(value, list) else as_text(value)
    by_query = story.get(f"/samples?limit=200&{quote(member)}[{op}]={quote(text, safe='')}")
    by_json = story.ask("POST", "/samples/query", json={"limit": 200, "filter": {member: {op: value}}})
    assert by_json.status == 200, by_json
    assert by_query.data == by_json.data
    assert by_query.meta["total"] == by_json.meta["total"] == len(by_query.data)
    return ids(by_query.data)


def as_text(value: Any) -> str:
    """A value as a query string has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def escape(value: Any) -> str:
    """A value as a part of a list in a query string."""
    return as_text(value).replace("\\", "\\\\").replace(",", "\\,")


@pytest.mark.parametrize("member", VALUES)
def test_equality_on_every_type(story: Story, rows: list[Record], member: str) -> None:
    """eq, ne, in, nin, null: with each value that occurs; ne and nin include rows without a value."""
    for value in {each[member] for each in rows} - {None}:
        assert ask_both_ways(story, member, "eq", value) == expect(rows, lambda row, v=value: row[member] == v)  # type: ignore[misc]  # bound now
        assert ask_both_ways(story, member, "ne", value) == expect(rows, lambda row, v=value: row[member] != v)  # type: ignore[misc]  # bound now
    some = sorted({each[member] for each in rows} - {None}, key=str)[:3]
    assert ask_both_ways(story, member, "in", some) == expect(rows, lambda row: row[member] in some)
    assert ask_both_ways(story, member, "nin", some) == expect(rows, lambda row: row[member] not in some)
    for null in (True, False):
        assert ask_both_ways(story, member, "null", null) == expect(rows, lambda row, n=null: (row[member] is None) is n)  # type: ignore[misc]  # bound now


@pytest.mark.parametrize("member", [each for each in VALUES if each not in ("active", "colour")])
def test_order_on_every_type(story: Story, rows: list[Record], member: str) -> None:
    """gt, gte, lt, lte, between: with each value that occurs; rows without a value are left out."""
    key = order_of(member)
    present = sorted({each[member] for each in rows} - {None}, key=key)
    for value in present:
        for op, holds in COMPARE.items():
            wanted = expect(rows, lambda row, v=value, h=holds: row[member] is not None and h(key(row[member]), key(v)))  # type: ignore[misc]  # bound now
            assert ask_both_ways(story, member, op, value) == wanted, (op, value)
    low, high = present[1], present[-2]
    wanted = expect(rows, lambda row: row[member] is not None and key(low) <= key(row[member]) <= key(high))
    assert ask_both_ways(story, member, "between", [low, high]) == wanted
    assert ask_both_ways(story, member, "between", [high, low]) == set()


@pytest.mark.parametrize("part", ["a", "A", "ä", "Ä", "p", "%", "_", "\\", ",", "京", "😀", "ss", "ß", "50%_", "x" * 100])
def test_substrings(story: Story, rows: list[Record], part: str) -> None:
    """contains, startswith and endswith by code point, icontains by folded case; wildcards of the database mean nothing."""
    for op, holds in MATCH.items():
        wanted = expect(rows, lambda row, h=holds: row["word"] is not None and h(row["word"], part))  # type: ignore[misc]  # bound now
        assert ask_both_ways(story, "word", op, part) == wanted, op


def test_choices_compare_as_text(story: Story, rows: list[Record]) -> None:
    """A choice takes the operators of text; a value that is none of its own is refused where it must be one."""
    assert ask_both_ways(story, "colour", "startswith", "gr") == expect(rows, lambda row: row["colour"] == "green")
    answer = story.ask("GET", "/samples?colour=pink")
    assert (answer.status, answer.error["code"]) == (400, "invalid_filter")


@pytest.mark.parametrize(
    ("query", "spans"),
    [
        ("span=PT90M", {"PT90M"}),
        ("span=P0DT1H30M0S", {"PT90M"}),
        ("span[gt]=P1D", {"PT24H0.000001S", "P100D"}),
        ("span[lt]=PT0S", {"-PT1S", "-P3D"}),
        ("span[between]=PT1S,PT2S", {"PT1S", "PT2S"}),
    ],
)
def test_durations_compare_by_length(story: Story, rows: list[Record], query: str, spans: set[str]) -> None:
    """A duration is found however it is written, and ordered by its length."""
    wanted = {row["id"] for row, span in zip(rows, DURATIONS, strict=True) if span in spans}
    assert ids(story.get(f"/samples?limit=200&{query}").data) == wanted


@pytest.mark.parametrize("tag", ["a", "b", "A", "a,b", "ä", "", "😀", "absent", "a%"])
def test_contains_on_a_list_is_has_the_element(story: Story, rows: list[Record], tag: str) -> None:
    """Whole elements, by code point; a comma is no separator here."""
    assert ask_both_ways(story, "words", "contains", tag) == expect(rows, lambda row: tag in row["words"])


def test_contains_on_a_list_of_decimals(story: Story, rows: list[Record]) -> None:
    """An element is found by its value, however it is written."""
    for value in ("2.5", "2.50"):
        assert ask_both_ways(story, "amounts", "contains", value) == expect(rows, lambda row: "2.50" in row["amounts"])


def test_references_and_documents(story: Story, rows: list[Record]) -> None:
    """A reference is filtered by its id or through it; a document only by null."""
    house = next(row["house_id"] for row in rows if row["house_id"])
    wanted = expect(rows, lambda row: row["house_id"] == house)
    assert ask_both_ways(story, "house_id", "eq", house.upper()) == wanted
    assert ask_both_ways(story, "house.name", "eq", "Referred") == wanted
    assert ask_both_ways(story, "house.name", "ne", "Referred") == expect(rows, lambda row: row["house_id"] is None)
    assert ask_both_ways(story, "house.name", "null", value=True) == expect(rows, lambda row: row["house_id"] is None)
    assert ask_both_ways(story, "house.id", "in", [house]) == wanted
    assert ask_both_ways(story, "place", "null", value=True) == expect(rows, lambda row: row["place"] is None)


def test_a_field_named_like_a_parameter(story: Story, rows: list[Record]) -> None:
    """`limit` is a parameter; `limit[eq]=` is the field."""
    assert len(story.get("/samples?limit=3").data) == 3
    assert ids(story.get("/samples?limit[eq]=3&limit=200").data) == expect(rows, lambda row: row["limit"] == 3)
    assert story.get("/samples?version[eq]=1").meta["total"] == 12
    assert ids(story.get("/samples?limit%5Bgte%5D=3&limit=200").data) == expect(rows, lambda row: row["limit"] >= 3)


def test_several_filters_all_hold(story: Story, rows: list[Record]) -> None:
    """Terms are joined by and, also on one field; JSON has or and not too."""
    assert ids(story.get("/samples?number[gte]=1&number[lt]=10&active=true").data) == expect(
        rows, lambda row: row["number"] is not None and 1 <= row["number"] < 10 and row["active"] is True
    )
    either = {"or": [{"number": 5}, {"not": {"word": {"null": False}}}, {"and": [{"active": True}, {"colour": {"in": ["red"]}}]}]}
    answer = story.ask("POST", "/samples/query", json={"filter": either, "limit": 200})
    assert ids(answer.data) == expect(
        rows, lambda row: row["number"] == 5 or row["word"] is None or (row["active"] is True and row["colour"] == "red")
    )


# Sorts and cursors

SORTABLE = (
    *VALUES,
    "span",
    "limit",
    "id",
    "created_at",
    "version",
    "house.name",
    "house_id",
    "-number,word",
    "colour,-amount",
    "active,-id",
)


@pytest.mark.parametrize("sort", [*SORTABLE, *(f"-{each}" for each in SORTABLE if not each.startswith("-") and "," not in each)])
@pytest.mark.parametrize("limit", [1, 5])
def test_a_cursor_leads_through_every_sort(story: Story, rows: list[Record], sort: str, limit: int) -> None:
    """Page by page through the cursor: every row once, in the order of the whole list, to the end; pages by number say the same."""
    whole = [each["id"] for each in story.get(f"/samples?sort={sort}&limit=200").data]
    followed: list[str] = []
    answer = story.get(f"/samples?sort={sort}&limit={limit}")
    page = 1
    while True:
        assert (answer.meta["page"], answer.meta["limit"], answer.meta["total"]) == (page, limit, len(rows))
        assert answer.data == story.get(f"/samples?sort={sort}&limit={limit}&page={page}").data
        followed.extend(each["id"] for each in answer.data)
        if answer.meta["next"] is None:
            break
        answer, page = story.get(f"/samples?sort={sort}&limit={limit}&after={answer.meta['next']}"), page + 1
    assert followed == whole
    assert set(whole) == ids(rows)


@pytest.mark.parametrize("member", VALUES)
def test_a_sort_orders_by_value(story: Story, rows: list[Record], member: str) -> None:
    """Nulls are lowest, text by code point, the id breaks ties, in both directions."""
    key = order_of(member)

    def rank(row: Record) -> tuple[bool, Any]:
        value = row[member]
        return (value is not None, key(value) if value is not None else 0)

    by_id = sorted(rows, key=lambda row: row["id"])
    assert story.get(f"/samples?sort={member}&limit=200").data == sorted(by_id, key=rank)
    assert story.get(f"/samples?sort=-{member}&limit=200").data == sorted(by_id, key=rank, reverse=True)


def test_without_a_sort_the_order_is_that_of_creation(rows: list[Record]) -> None:
    """The order is that of the id, and ids that the service made rise, within a bulk too."""
    assert [each["id"] for each in rows] == sorted(each["id"] for each in rows)
    assert [each["limit"] for each in rows] == list(range(12))


def test_a_cursor_neither_skips_nor_repeats_while_others_write() -> None:
    """Rows that do not change are seen exactly once, whatever is created, changed or deleted between the pages."""
    with telling(backend) as story:
        kept = [story.make("/memos", text=f"{number:02d} kept")["id"] for number in range(20)]
        others = [story.make("/memos", text=f"{number:02d} other")["id"] for number in range(20)]
        seen: list[str] = []
        answer = story.get("/memos?sort=text&limit=7")
        for number in range(20):
            seen.extend(each["id"] for each in answer.data)
            if answer.meta["next"] is None:
                break
            story.make("/memos", text=f"{number:02d} new")
            story.ask("DELETE", f"/memos/{others[number]}")
            story.ask("PATCH", f"/memos/{others[19 - number]}", json={"text": f"{number:02d} moved"})
            answer = story.get(f"/memos?sort=text&limit=7&after={answer.meta['next']}")
        assert [each for each in seen if each in kept] == kept


def test_a_cursor_holds_for_its_list_alone(story: Story) -> None:
    """Another filter, sort, resource or nested list refuses it; another limit or view does not. Spelling does not count."""
    cursor = story.get("/samples?sort=number&limit=2&active[null]=false&number[gte]=0").meta["next"]
    same = f"sort=number&after={cursor}"

    for query in (
        f"{same}&active[null]=false&number[gte]=0&limit=3",
        f"{same}&number[gte]=0&active[null]=false&limit=200&fields=number",
        f"{same}&active%5Bnull%5D=false&number[gte]=0&count=none&include=house",
    ):
        assert story.get(f"/samples?{query}").meta["page"] == 2
    for query in (
        f"{same}",
        f"{same}&active[null]=false&number[gte]=1",
        f"{same}&active[null]=true&number[gte]=0",
        f"sort=-number&after={cursor}&active[null]=false&number[gte]=0",
        f"sort=word&after={cursor}&active[null]=false&number[gte]=0",
        f"after={cursor}&active[null]=false&number[gte]=0",
        f"{same}&active[null]=false&number[gte]=0&q=a",
    ):
        answer = story.ask("GET", f"/samples?{query}")
        assert (answer.status, answer.error["code"]) == (400, "invalid_cursor"), query
    nested = story.get("/houses?limit=1").data[0]["id"]
    assert story.ask("GET", f"/houses/{nested}/samples?{same}&active[null]=false&number[gte]=0").status == 400
    for broken in (cursor[:-1], cursor + "A", cursor.swapcase(), "A" * 40, "", "%00", cursor + "="):
        answer = story.ask("GET", f"/samples?sort=number&active[null]=false&number[gte]=0&after={broken}")
        assert (answer.status, answer.error["code"]) == (400, "invalid_cursor"), broken


def test_a_cursor_survives_a_restart(tmp_path: Any) -> None:
    """The key is in the data folder, so a cursor of yesterday leads on today."""
    with telling(backend, data=tmp_path) as story:
        story.ask("POST", "/memos/bulk", json=[{"text": str(number)} for number in range(5)])
        first = story.get("/memos?sort=-text&limit=2")
    with telling(backend, data=tmp_path) as story:
        second = story.get(f"/memos?sort=-text&limit=2&after={first.meta['next']}")

        assert [each["text"] for each in first.data + second.data] == ["4", "3", "2", "1"]
        assert second.meta["page"] == 2


def test_links_lead_where_the_cursor_does(story: Story) -> None:
    """Link has first, prev and next as fits, each a URL that answers; the last page has no next."""

    def links(path: str) -> dict[str, str]:
        header = story.get(path).headers["link"]
        return {part.split('rel="')[1].rstrip('"'): part[part.index("<") + 1 : part.index(">")] for part in header.split(", ")}

    first = links("/samples?limit=5&sort=-number&word[null]=false")
    assert set(first) == {"first", "next"}
    second = links(first["next"])
    assert set(second) == {"first", "prev", "next"}
    third = links(second["next"])
    assert set(third) == {"first", "prev"}
    assert story.get(second["prev"]).data == story.get(first["first"]).data
    assert story.get(third["prev"]).data == story.get(first["next"]).data
    assert "link" not in story.ask("POST", "/samples/query", json={"limit": 5}).headers
    escaped = links("/samples?limit=1&word[ne]=%22%3E%20%E6%9D%B1")
    assert all(target.startswith(f"{API}/samples?") for target in escaped.values())
    assert story.get(escaped["next"]).meta["page"] == 2


# Pages and totals


@cases(
    Case("limit zero", "GET", "/samples?limit=0", 400, "invalid_page"),
    Case("limit 201", "GET", "/samples?limit=201", 400, "invalid_page"),
    Case("limit minus one", "GET", "/samples?limit=-1", 400, "invalid_page"),
    Case("limit as text", "GET", "/samples?limit=ten", 400, "invalid_page"),
    Case("limit empty", "GET", "/samples?limit=", 400, "invalid_page"),
    Case("limit with a fraction", "GET", "/samples?limit=1.5", 400, "invalid_page"),
    Case("limit twice", "GET", "/samples?limit=1&limit=2", 400, "unknown_parameter"),
    Case("page zero", "GET", "/samples?page=0", 400, "invalid_page"),
    Case("page minus one", "GET", "/samples?page=-1", 400, "invalid_page"),
    Case("page as text", "GET", "/samples?page=two", 400, "invalid_page"),
    Case("offset 100,000", "GET", "/samples?page=501&limit=200", 200),
    Case("offset beyond", "GET", "/samples?page=502&limit=200", 400, "invalid_page", shows=("meta.next",)),
    Case("a huge page", "GET", "/samples?page=99999999999999999999", 400, "invalid_page"),
    Case("page with after", "GET", "/samples?page=2&after=x", 400, "invalid_page"),
    Case("count unknown", "GET", "/samples?count=maybe", 400, "malformed_request"),
    Case("JSON limit as text", "POST", "/samples/query", 422, json={"limit": "5"}, fields=("limit:wrong_type",)),
    Case("JSON limit zero", "POST", "/samples/query", 400, "invalid_page", json={"limit": 0}),
    Case(
        "JSON unknown members", "POST", "/samples/query", 422, json={"filtre": {}, "sotr": []}, fields=("filtre", "sotr"), shows=("`sort`",)
    ),
    Case("JSON sort as text", "POST", "/samples/query", 422, json={"sort": "-day"}, fields=("sort:wrong_type",)),
    Case("JSON array", "POST", "/samples/query", 422, json=[], fields=(":wrong_type",)),
    Case("unknown parameter", "GET", "/samples?wrod=x", 400, "unknown_parameter", shows=("Did you mean `word`?",)),
    Case("unknown operator", "GET", "/samples?number[gtt]=5", 400, "invalid_filter", shows=("`gt`",)),
    Case("operator of another type", "GET", "/samples?number[contains]=5", 400, "invalid_filter"),
    Case("order on a bool", "GET", "/samples?active[gt]=true", 400, "invalid_filter"),
    Case("equality on a list", "GET", "/samples?words=a", 400, "invalid_filter"),
    Case("equality on a document", "GET", "/samples?place=a", 400, "invalid_filter"),
    Case("filter twice", "GET", "/samples?number=5&number=6", 400, "unknown_parameter"),
    Case("filter twice by another spelling", "GET", "/samples?number=5&number[eq]=6", 400, "unknown_parameter"),
    Case("a value of another type", "GET", "/samples?number=five", 400, "invalid_filter", shows=("number",)),
    Case("a bool as a number", "GET", "/samples?active=1", 400, "invalid_filter"),
    Case("a day that is none", "GET", "/samples?day[gt]=2023-02-30", 400, "invalid_filter"),
    Case("a moment without zone", "GET", "/samples?moment=2024-01-01T00:00:00", 400, "invalid_filter"),
    Case("a plus that became a space", "GET", "/samples?moment=2024-01-01T00:00:00+01:00", 400, "invalid_filter", shows=("%2B",)),
    Case("an id that is none", "GET", "/samples?id=7", 400, "invalid_filter"),
    Case("between with one", "GET", "/samples?number[between]=1", 400, "invalid_filter"),
    Case("between with three", "GET", "/samples?number[between]=1,2,3", 400, "invalid_filter"),
    Case("null with a number", "GET", "/samples?number[null]=1", 400, "invalid_filter"),
    Case("brackets without a name", "GET", "/samples?[gt]=1", 400, "unknown_parameter"),
    Case("brackets not closed", "GET", "/samples?number[gt=1", 400, "unknown_parameter"),
    Case("brackets twice", "GET", "/samples?number[gt][lt]=1", 400, "unknown_parameter"),
    Case("unknown through a reference", "GET", "/samples?house.nmae=x", 400, "unknown_parameter", shows=("`house.name`",)),
    Case("through no reference", "GET", "/samples?word.name=x", 400, "unknown_parameter"),
    Case("the member instead of the name", "GET", "/samples?house_id.name=x", 400, "unknown_parameter", shows=("`house`",)),
    Case("the name instead of the member", "GET", "/samples?house=x", 400, "unknown_parameter", shows=("`house_id`",)),
    Case("sort unknown", "GET", "/samples?sort=wrod", 400, "invalid_sort", shows=("Did you mean `word`?",)),
    Case("sort empty", "GET", "/samples?sort=", 400, "invalid_sort"),
    Case("sort twice by one field", "GET", "/samples?sort=word,-word", 400, "invalid_sort"),
    Case("sort by a list", "GET", "/samples?sort=words", 400, "invalid_sort"),
    Case("sort by a document", "GET", "/samples?sort=place", 400, "invalid_sort"),
    Case("sort with a plus", "GET", "/samples?sort=%2Bword", 400, "invalid_sort"),
    Case("q where nothing is searched", "GET", "/chapters?q=x", 400, "unknown_parameter"),
    Case("a field named like a parameter of elsewhere", "GET", "/samples?version=1", 400, "unknown_parameter", shows=("version[eq]=",)),
    Case("as_of has no meaning yet", "GET", "/samples?as_of=2024-01-01T00:00:00Z", 400, "unknown_parameter"),
    Case("JSON filter unknown field", "POST", "/samples/query", 400, "invalid_filter", json={"filter": {"wrod": "x"}}, shows=("`word`",)),
    Case("JSON filter unknown operator", "POST", "/samples/query", 400, "invalid_filter", json={"filter": {"word": {"is": "x"}}}),
    Case("JSON filter empty or", "POST", "/samples/query", 400, "invalid_filter", json={"filter": {"or": []}}),
    Case("JSON filter not an object", "POST", "/samples/query", 422, json={"filter": []}, fields=("filter:wrong_type",)),
    Case("JSON filter of 101 parts", "POST", "/samples/query", 400, "invalid_filter", json={"filter": {"or": [{"number": 1}] * 101}}),
    Case("in with 201 values", "POST", "/samples/query", 400, "invalid_filter", json={"filter": {"number": {"in": list(range(201))}}}),
)
def test_what_lists_do_not_take(story: Story, case: Case) -> None:
    """Nothing is guessed, clamped or dropped, and the nearest name is told."""
    run(story, case)


def test_meta_and_empty_pages(story: Story) -> None:
    """A page beyond the end is empty, with its total; count=none leaves the total out."""
    beyond = story.get("/samples?page=50")
    assert (beyond.data, beyond.meta) == ([], {"total": 12, "page": 50, "limit": 20, "next": None})
    assert story.get("/samples?count=none&limit=12").meta == {"page": 1, "limit": 12, "next": None}
    assert story.get("/samples?count=exact").meta["total"] == 12
    assert set(story.get("/samples?limit=11").meta) == {"total", "page", "limit", "next"}


def test_totals_follow_every_write() -> None:
    """Exact after creations, changes into and out of a filter, cascades and bulk, for lists asked before and after."""
    with telling(backend) as story:
        author = story.author()
        asked = (
            "/books",
            "/books?status=published",
            "/books?status[ne]=published",
            "/books?author.name=Jane",
            "/books?q=title",
            "/books?printed[gte]=5",
        )

        def check() -> None:
            books = list(story.get("/books?limit=200&include=author").data)
            tests: tuple[Callable[[Record], bool], ...] = (
                lambda _: True,
                lambda book: book["status"] == "published",
                lambda book: book["status"] != "published",
                lambda book: book["author"]["name"] == "Jane",
                lambda book: "title" in book["title"].lower(),
                lambda book: book["printed"] >= 5,
            )
            for path, holds in zip(asked, tests, strict=True):
                answer = story.get(f"{path}{'&' if '?' in path else '?'}limit=1")
                assert answer.meta["total"] == sum(map(holds, books)), path

        check()
        made = [story.book(author_id=author["id"], printed=number) for number in range(10)]
        check()
        for number, book in enumerate(made[:5]):
            story.ask(
                "PATCH", f"/books/{book['id']}?version=1", json={"status": "published", "printed": 9 - number, "title": f"Renamed {number}"}
            )
            check()
        story.ask("DELETE", f"/books/{made[9]['id']}?version=1")
        story.ask("PATCH", f"/authors/{author['id']}?version=1", json={"name": "Joan"})
        check()
        story.ask(
            "POST", "/books/bulk", json=[{"title": f"Title bulk {number}", "author_id": author["id"], "price": "1"} for number in range(30)]
        )
        check()
        assert story.ask("POST", "/books/bulk", json=[{"title": "Title new", "author_id": author["id"], "price": "1"}, {}]).status == 422
        check()


def test_nested_lists(story: Story) -> None:
    """What refers here, with every parameter of a list; each reference has its own route."""
    author = story.author()
    editor = story.author()
    books = [story.book(author_id=author["id"], editor_id=editor["id"], printed=number) for number in range(5)]
    path = f"/authors/{author['id']}/books"

    answer = story.get(f"{path}?sort=-printed&limit=2&printed[lt]=4&fields=printed&include=editor")
    assert [each["printed"] for each in answer.data] == [3, 2]
    assert answer.meta["total"] == 4
    assert answer.data[0]["editor"] == editor
    following = story.get(f"{path}?sort=-printed&limit=2&printed[lt]=4&after={answer.meta['next']}")
    assert [each["printed"] for each in following.data] == [1, 0]
    assert story.ask("GET", f"/authors/{editor['id']}/books?sort=-printed&limit=2&printed[lt]=4&after={answer.meta['next']}").status == 400
    assert ids(story.get(f"/authors/{editor['id']}/edited-books").data) == ids(books)
    assert story.get(f"/authors/{editor['id']}/books").data == []
    assert path in story.get(f"{path}?limit=1").headers["link"]


# Search

TEXTS = (
    "Zürich",
    "Tokyo",
    "東京タワー",
    "Москва и Санкт-Петербург",
    "São Paulo",
    "Ελλάδα",
    "naïve café",
    "서울특별시",
    "New York City",
    "straße",
    "ﬁne",
    "İstanbul",
)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("zurich", {"Zürich"}),
        ("ZÜRICH", {"Zürich"}),
        ("zür", {"Zürich"}),
        ("tokyo", {"Tokyo"}),
        ("東京", {"東京タワー"}),
        ("京", {"東京タワー"}),
        ("タワ", {"東京タワー"}),
        ("москва", {"Москва и Санкт-Петербург"}),
        ("петер", {"Москва и Санкт-Петербург"}),
        ("Москва петер", {"Москва и Санкт-Петербург"}),
        ("sao pau", {"São Paulo"}),
        ("ελλαδα", {"Ελλάδα"}),
        ("cafe", {"naïve café"}),
        ("naive cafe", {"naïve café"}),
        ("서울", {"서울특별시"}),
        ("울", {"서울특별시"}),
        ("new city", {"New York City"}),
        ("city new", {"New York City"}),
        ("new cit", {"New York City"}),
        ("ne city", set()),
        ("york tokyo", set()),
        ("strasse", {"straße"}),
        ("fine", {"ﬁne"}),
        ("istanbul", {"İstanbul"}),
        ("urich", set()),
        ("", set(TEXTS)),
        ("   ", set(TEXTS)),
        ("*", set()),
        ("& 😀", set()),
        ('"new" OR tokyo*', set()),
        ("zurich AND", set()),
        ("-zurich", {"Zürich"}),
        ("NEAR(zurich)", set()),
    ],
)
def test_search_in_many_scripts(words: str, found: set[str], search: Story) -> None:
    """All words, the last by its beginning, case and accents aside; CJK by substring; the query language of the engine means nothing."""
    by_query = search.get(f"/houses?q={quote(words)}&limit=200")
    by_json = search.ask("POST", "/houses/query", json={"q": words, "limit": 200})

    assert {each["name"] for each in by_query.data} == found
    assert by_query.data == by_json.data
    assert by_query.meta["total"] == len(found)


@pytest.fixture(scope="module")
def search() -> Iterator[Story]:
    """Houses with names in many scripts."""
    with telling(backend) as story:
        for text in TEXTS:
            story.house(name=text)
        yield story


def test_search_with_filters_sorts_and_cursors() -> None:
    """A search is filtered, sorted and paged like any list; without a sort the rank orders, and its cursor leads to the end."""
    with telling(backend) as story:
        for number in range(25):
            story.house(name=f"common {'word ' * (number % 5)}{number}", city="a" if number % 2 else "b")
        whole = [each["id"] for each in story.get("/houses?q=common&limit=200").data]
        followed: list[str] = []
        answer = story.get("/houses?q=common&limit=4")
        while True:
            followed.extend(each["id"] for each in answer.data)
            if answer.meta["next"] is None:
                break
            answer = story.get(f"/houses?q=common&limit=4&after={answer.meta['next']}")
        assert followed == whole
        assert len(whole) == 25
        names = [each["name"] for each in story.get("/houses?q=common&city=a&sort=-name&limit=200").data]
        assert names == sorted(names, reverse=True)
        assert len(names) == 12


def test_search_follows_changes() -> None:
    """A renamed record is found by its new name alone, a deleted one not at all."""
    with telling(backend) as story:
        house = story.house(name="Alpha")
        story.ask("PATCH", f"/houses/{house['id']}?version=1", json={"name": "Beta"})
        assert story.get("/houses?q=alpha").data == []
        assert len(story.get("/houses?q=beta").data) == 1
        story.ask("DELETE", f"/houses/{house['id']}?version=2")
        assert story.get("/houses?q=beta").data == []


def test_an_empty_list_and_an_absent_filter(story: Story) -> None:
    """No row is no error; an empty JSON query is the whole list."""
    assert story.get(f"/samples?id={ABSENT_ID}").data == []
    assert story.ask("POST", "/samples/query", json={}).meta["total"] == 12
    assert story.ask("POST", "/samples/query", json={"filter": {}}).meta["total"] == 12
