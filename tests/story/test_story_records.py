"""Creating and reading: what a record is, what is wrong with one, and what is never told."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from story_case import ABSENT_ID, API, Case, Story, cases, check_fields, is_uuid7, run, telling
from story_library import backend

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
UTF_16 = {"content-type": "application/json; charset=utf-16"}
V4 = "9b2f1a6e-5d0c-4c0e-9f53-6b1d5b0f7a11"
V7 = "01890a5d-ac96-774b-8cce-b302099a8000"


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One database for all of this module."""
    with telling(backend) as story:
        yield story


def test_a_record_is_made_with_its_system_fields(story: Story) -> None:
    """201 with Location and ETag; id and version first, the system's other fields last; defaults are filled in."""
    author = story.author()
    answer = story.ask("POST", "/books", json={"title": "Emma", "author_id": author["id"], "price": "12.5"})

    book = answer.data
    assert answer.status == 201
    assert answer.headers["location"] == f"{API}/books/{book['id']}"
    assert answer.headers["etag"].startswith('"1-')
    assert is_uuid7(book["id"])
    assert list(book) == [
        *("id", "version", "title", "author_id", "editor_id", "price", "status", "published_on", "tags", "printed", "sold"),
        *("created_at", "updated_at", "created_by_id"),
    ]
    assert (book["version"], book["price"], book["status"], book["tags"], book["created_by_id"]) == (1, "12.50", "draft", [], None)
    assert book["created_at"] == book["updated_at"]
    assert story.ask("GET", answer.headers["location"]).data == book


def test_the_location_answers_with_the_same_tag(story: Story) -> None:
    """What was created is read back byte for byte under its Location, with the tag of the creation."""
    made = story.ask("POST", "/houses", json={"name": "Same tag"})
    read = story.ask("GET", made.headers["location"])

    assert (read.content, read.headers["etag"]) == (made.content, made.headers["etag"])


@pytest.mark.parametrize("chosen", [V4, V7])
def test_the_client_may_choose_the_id(story: Story, chosen: str) -> None:
    """A UUID of version 4 or 7 is taken as it is, upper case made lower; taking it twice is 409 at `id`."""
    assert story.make("/memos", id=chosen.upper(), text="mine")["id"] == chosen

    again = story.ask("POST", "/memos", json={"id": chosen, "text": "again"})
    assert (again.status, again.error["code"]) == (409, "unique_conflict")
    check_fields(again, "id:unique_conflict")


def test_the_id_of_a_deleted_record_is_never_free(story: Story) -> None:
    """To create it again is 409, alone and in bulk."""
    memo = story.make("/memos", text="gone")
    assert story.ask("DELETE", f"/memos/{memo['id']}").status == 200

    assert story.ask("GET", f"/memos/{memo['id']}").status == 404
    for path, body in (("/memos", {"id": memo["id"], "text": "x"}), ("/memos/bulk", [{"text": "y"}, {"id": memo["id"], "text": "x"}])):
        answer = story.ask("POST", path, json=body)
        assert (answer.status, answer.error["code"]) == (409, "unique_conflict")
        check_fields(answer, "[1].id" if path.endswith("bulk") else "id")


FORMS: list[tuple[str, Any, Any]] = [
    ("word", "Zürich 東京 😀", "Zürich 東京 😀"),
    ("word", "", ""),
    ("word", "a\tb\nc\u2028\u007f", "a\tb\nc\u2028\u007f"),
    ("number", 9_223_372_036_854_775_807, 9_223_372_036_854_775_807),
    ("number", -9_223_372_036_854_775_808, -9_223_372_036_854_775_808),
    ("number", 5.0, 5),
    ("ratio", 0.1, 0.1),
    ("ratio", 1e300, 1e300),
    ("ratio", 3, 3.0),
    ("active", True, True),
    ("active", False, False),
    ("amount", "12.5", "12.500"),
    ("amount", Decimal("-0.001"), "-0.001"),
    ("amount", 7, "7.000"),
    ("amount", "999999999999999.999", "999999999999999.999"),
    ("amount", "-0", "0.000"),
    ("day", "2024-02-29", "2024-02-29"),
    ("day", "0001-01-01", "0001-01-01"),
    ("moment", "2026-11-23T13:29:00Z", "2026-11-23T13:29:00.000000Z"),
    ("moment", "2026-11-23T13:29:00.123456+05:30", "2026-11-23T07:59:00.123456Z"),
    ("moment", "2026-11-23t13:29:00-11:00", "2026-11-24T00:29:00.000000Z"),
    ("hour", "09:30:00", "09:30:00.000000"),
    ("hour", "23:59:59.999999", "23:59:59.999999"),
    ("span", "P1DT2H3M4.5S", "P1DT2H3M4.500000S"),
    ("span", "PT0S", "P0DT0H0M0.000000S"),
    ("key", V4.upper(), V4),
    ("mail", "jane@example.org", "jane@example.org"),
    ("home", "https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
    ("colour", "green", "green"),
    ("words", ["b", "a", "b", ""], ["b", "a", "b", ""]),
    ("amounts", ["1", 2.5], ["1.00", "2.50"]),
    ("numbers", {"b": 2, "a": 1, "東": 3}, {"b": 2, "a": 1, "東": 3}),
    ("place", {"city": "Bath"}, {"city": "Bath", "street": None, "floors": 1, "notes": []}),
    (
        "label",
        {"text": "t", "at": {"city": "Bath", "floors": 2}},
        {"text": "t", "at": {"city": "Bath", "street": None, "floors": 2, "notes": []}},
    ),
    ("limit", 7, 7),
]


@pytest.mark.parametrize(("member", "sent", "shown"), FORMS)
def test_each_type_has_one_form(story: Story, member: str, sent: Any, shown: Any) -> None:
    """What is sent in any accepted form is shown in the one form of its type, when made, when read and in a list."""
    made = story.make("/samples", **{member: sent})

    assert made[member] == shown
    assert story.get(f"/samples/{made['id']}").data[member] == shown
    listed = story.get(f"/samples?id={made['id']}&fields={member}").data[0]
    assert listed == {"id": made["id"], "version": 1, member: shown}


@pytest.mark.parametrize("member", [name for name, _, _ in FORMS if name not in {"words", "amounts", "numbers"}])
def test_null_is_shown_as_null(story: Story, member: str) -> None:
    """A nullable field takes null, and has it where nothing was sent."""
    assert story.make("/samples", **{member: None})[member] is None
    assert story.make("/samples")[member] is None


WRONG: list[tuple[str, str, Any]] = [
    ("word", "wrong_type", 5),
    ("word", "nul_character", "a\u0000b"),
    ("word", "too_long", "x" * 65_536),
    ("number", "wrong_type", "5"),
    ("number", "wrong_type", True),
    ("number", "wrong_type", 5.5),
    ("number", "too_large", 9_223_372_036_854_775_808),
    ("number", "too_small", -9_223_372_036_854_775_809),
    ("ratio", "wrong_type", "0.5"),
    ("ratio", "wrong_type", False),
    ("active", "wrong_type", 1),
    ("active", "wrong_type", "true"),
    ("amount", "too_many_digits", "0.0001"),
    ("amount", "too_many_digits", "1000000000000000.000"),
    ("amount", "wrong_format", "much"),
    ("amount", "wrong_format", "1e3"),
    ("amount", "wrong_type", True),
    ("day", "wrong_format", "2023-02-29"),
    ("day", "wrong_format", "2023-2-2"),
    ("day", "wrong_type", 20230202),
    ("moment", "wrong_format", "2026-11-23T13:29:00"),
    ("moment", "wrong_format", "2026-11-23 13:29"),
    ("moment", "wrong_type", 1_700_000_000),
    ("hour", "wrong_format", "25:00:00"),
    ("hour", "wrong_format", "09:30:00Z"),
    ("span", "wrong_format", "1 hour"),
    ("span", "wrong_format", "P1M"),
    ("key", "wrong_format", "not-a-uuid"),
    ("mail", "wrong_format", "jane"),
    ("home", "wrong_format", "example.org"),
    ("home", "wrong_format", "javascript:alert(1)"),
    ("colour", "not_in_choices", "pink"),
    ("colour", "wrong_type", 1),
    ("house_id", "wrong_format", "7"),
    ("house_id", "reference_missing", ABSENT_ID),
    ("words", "wrong_type", "a,b"),
    ("words", "null_not_allowed", None),
    ("words", "too_long", ["x"] * 1_001),
    ("words[1]", "wrong_type", ["a", 2]),
    ("words[0]", "null_not_allowed", [None]),
    ("amounts[1]", "too_many_digits", ["1.00", "1.001"]),
    ("numbers.b", "wrong_type", {"a": 1, "b": "2"}),
    ("place", "wrong_type", []),
    ("place.city", "required", {}),
    ("place.town", "unknown_member", {"city": "Bath", "town": "x"}),
    ("label.at.floors", "wrong_type", {"text": "t", "at": {"city": "c", "floors": "2"}}),
]


@pytest.mark.parametrize(("field", "code", "sent"), WRONG)
def test_each_type_refuses_what_it_is_not(story: Story, field: str, code: str, sent: Any) -> None:
    """What is no value of a type is 422 at its dotted path; nothing is coerced, rounded or cut."""
    member = field.partition(".")[0].partition("[")[0]
    answer = story.ask("POST", "/samples", json={member: sent})

    assert (answer.status, answer.error["code"]) == (422, "validation_failed")
    check_fields(answer, f"{field}:{code}")


def test_every_invalid_field_is_told_at_once(story: Story) -> None:
    """Wrong, missing, unknown, read-only and system members stand in one answer, with the nearest name of a mistyped one."""
    answer = story.ask(
        "POST",
        "/books",
        json={
            "titel": "x",
            "author_id": "7",
            "price": "-1",
            "status": "lost",
            "tags": [1, "b", 3],
            "version": 4,
            "created_at": "x",
            "id": "abc",
        },
    )

    assert answer.status == 422
    check_fields(
        answer,
        *("titel:unknown_member", "title:required", "author_id:wrong_format", "price:too_small", "status:not_in_choices"),
        *("tags[0]:wrong_type", "tags[2]:wrong_type", "version:read_only", "created_at:read_only", "id:wrong_format"),
    )
    assert "did you mean `title`?" in answer.text


def test_missing_references_are_told_with_the_other_faults(story: Story) -> None:
    """What only the database can judge stands in the same answer as what can be seen in the body, in bulk for every record."""
    author = story.author()
    broken = {"title": "", "author_id": ABSENT_ID, "editor_id": ABSENT_ID, "price": "x"}
    sound = {"title": "Sound", "author_id": author["id"], "price": "1"}
    wanted = ("title:too_short", "author_id:reference_missing", "editor_id:reference_missing", "price:wrong_format")

    check_fields(story.ask("POST", "/books", json=broken), *wanted)
    check_fields(story.ask("POST", "/books/bulk", json=[sound, broken]), *(f"[1].{each}" for each in wanted))
    missing = {**sound, "author_id": ABSENT_ID}
    check_fields(story.ask("POST", "/books/bulk", json=[missing, sound, missing]), "[0].author_id", "[2].author_id")


def test_a_record_of_the_same_bulk_is_not_missing(story: Story) -> None:
    """A reference to an id that the same body chooses is no fault, whatever else is wrong."""
    answer = story.ask(
        "POST", "/memos/bulk", json=[{"id": V7, "text": "a"}, {"text": 5, "reply_to_id": V7}, {"text": 5, "reply_to_id": ABSENT_ID}]
    )

    check_fields(answer, "[1].text", "[2].text", "[2].reply_to_id:reference_missing")


@cases(
    Case("an array", "POST", "/houses", 422, "validation_failed", json=[], fields=(":wrong_type",)),
    Case("a text", "POST", "/houses", 422, "validation_failed", json="x", fields=(":wrong_type",)),
    Case("null", "POST", "/houses", 422, "validation_failed", content=b"null", headers=JSON),
    Case("an included object", "POST", "/books", 422, "validation_failed", json={"author": {}}, shows=("author_id",)),
    Case("no body", "POST", "/houses", 415, "unsupported_media_type"),
    Case("an empty body", "POST", "/houses", 400, "malformed_json", content=b"", headers=JSON),
    Case("a form", "POST", "/houses", 415, "unsupported_media_type", content=b"a=b", headers=FORM),
    Case("JSON in UTF-16", "POST", "/houses", 415, "unsupported_media_type", content=b"{}", headers=UTF_16),
    Case("JSON in UTF-8, said", "POST", "/houses", 422, content=b"{}", headers={"content-type": "application/json; charset=UTF-8"}),
    Case("upper case type", "POST", "/houses", 422, content=b"{}", headers={"content-type": "Application/JSON"}),
    Case("merge patch is for PATCH", "POST", "/houses", 415, content=b"{}", headers={"content-type": "application/merge-patch+json"}),
    Case("an unknown parameter", "POST", "/houses?nmae=x", 400, "unknown_parameter", json={}),
    Case("fields given twice", "POST", "/houses?fields=name&fields=city", 400, "unknown_parameter", json={}),
)
def test_bodies_that_are_not_taken(story: Story, case: Case) -> None:
    """What a creation does not take, and how it says so."""
    run(story, case)


BAD_JSON: list[tuple[str, bytes]] = [
    ("cut", b'{"name": "x"'),
    ("two documents", b'{"name": "x"} {}'),
    ("duplicate members", b'{"name": "x", "name": "y"}'),
    ("nested duplicates", b'{"name": "x", "place": {"a": 1, "a": 2}}'),
    ("NaN", b'{"name": NaN}'),
    ("Infinity", b'{"name": -Infinity}'),
    ("a lone surrogate", b'{"name": "\\ud800"}'),
    ("a swapped pair", b'{"name": "\\udc00\\ud800"}'),
    ("not UTF-8", b'{"name": "\xff"}'),
    ("a byte order mark", b'\xef\xbb\xbf{"name": "x"}'),
    ("UTF-16", '{"name": "x"}'.encode("utf-16")),
    ("single quotes", b"{'name': 'x'}"),
    ("a trailing comma", b'{"name": "x",}'),
    ("a comment", b'{"name": "x"} // y'),
    ("a leading zero", b'{"name": 01}'),
    ("a control character", b'{"name": "a\nb"}'),
    ("33 levels", b"[" * 33 + b"]" * 33),
    ("100,000 levels", b"[" * 100_000),
]


@pytest.mark.parametrize(("name", "body"), BAD_JSON, ids=[name for name, _ in BAD_JSON])
def test_json_is_strict(story: Story, name: str, body: bytes) -> None:
    """What is not one strict JSON document is 400 malformed_json, wherever a body is taken."""
    for method, path in (("POST", "/houses"), ("POST", "/houses/bulk"), ("POST", "/houses/query"), ("PATCH", f"/houses/{ABSENT_ID}")):
        answer = story.ask(method, path, content=body, headers=JSON)
        assert (answer.status, answer.error["code"]) == (400, "malformed_json"), (name, answer)


def test_thirty_two_levels_are_taken(story: Story) -> None:
    """The bound of depth is 32: such a document is read, and then found to be no record."""
    answer = story.ask("POST", "/houses", content=b"[" * 32 + b"]" * 32, headers=JSON)

    assert (answer.status, answer.error["code"]) == (422, "validation_failed")


def test_a_body_may_have_one_mebibyte(story: Story) -> None:
    """1 MiB is taken, one byte more is 413."""
    frame = len(b'{"word":""}')
    sound = story.ask("POST", "/samples", content=b'{"word":"' + b"x" * (1_048_576 - frame) + b'"}', headers=JSON)
    over = story.ask("POST", "/samples", content=b'{"word":"' + b"x" * (1_048_577 - frame) + b'"}', headers=JSON)

    assert (sound.status, sound.error["details"][0]["code"]) == (422, "too_long")
    assert (over.status, over.error["code"]) == (413, "payload_too_large")


# Secrets, readonly, immutable


def account(story: Story, **members: Any) -> dict[str, Any]:
    """Make an account with a login of its own."""
    login = "".join(chr(97 + int(digit)) for digit in f"{len(story.get('/accounts?limit=200').data):06d}")
    return story.make("/accounts", **{"login": login, "password": "correct horse", "token": "battery staple", **members})


def test_secrets_are_never_shown(story: Story) -> None:
    """A secret is in no answer, no list, no view, and neither filtered, sorted, searched nor included by name."""
    made = account(story)

    assert not {"password", "token"} & set(made)
    for answer in (story.get(f"/accounts/{made['id']}"), story.get("/accounts"), story.ask("POST", "/accounts/query", json={})):
        assert "battery" not in answer.text
        assert "horse" not in answer.text
        assert "argon2" not in answer.text
        assert "password" not in answer.text
    for query, code in (
        ("password=x", "unknown_parameter"),
        ("password[null]=true", "unknown_parameter"),
        ("token[startswith]=b", "unknown_parameter"),
        ("sort=password", "invalid_sort"),
        ("fields=token", "unknown_parameter"),
        ("include=password", "unknown_parameter"),
    ):
        answer = story.ask("GET", f"/accounts?{query}")
        assert (answer.status, answer.error["code"]) == (400, code), answer
        assert "`password`" not in answer.error.get("hint", "")
    filtered = story.ask("POST", "/accounts/query", json={"filter": {"password": "x"}})
    assert (filtered.status, filtered.error["code"]) == (400, "invalid_filter")


def test_a_secret_is_not_repeated_by_a_refusal(story: Story) -> None:
    """What was sent for a secret does not come back in an error."""
    answer = story.ask("POST", "/accounts", json={"login": "ok", "password": "hunter2", "token": 12345})

    check_fields(answer, "login:too_short", "password:too_short", "token:wrong_type")
    assert "hunter2" not in answer.text
    assert "12345" not in answer.text


def test_readonly_is_the_servers(story: Story) -> None:
    """A readonly field has its default; to send it at creation is 422 read_only, even if equal."""
    assert account(story)["credit"] == 5
    answer = story.ask("POST", "/accounts", json={"login": "readonly", "password": "correct horse", "credit": 5})

    check_fields(answer, "credit:read_only")


# Constraints


def test_unique_values_are_told_with_every_field(story: Story) -> None:
    """409 names each field whose value is taken, all constraints at once; nulls are distinct."""
    first = account(story, nickname="Joe")
    account(story)
    account(story)

    answer = story.ask("POST", "/accounts", json={"login": first["login"], "password": "correct horse", "nickname": "Joe"})
    assert (answer.status, answer.error["code"]) == (409, "unique_conflict")
    check_fields(answer, "login", "nickname")


def test_fields_that_are_unique_together(story: Story) -> None:
    """One of them may be equal; both may not, in a creation and in a change."""
    author = story.author()
    story.book(author_id=author["id"], title="One")
    two = story.book(author_id=author["id"], title="Two")
    story.book(title="One")

    made = story.ask("POST", "/books", json={"author_id": author["id"], "title": "One", "price": "1"})
    changed = story.ask("PATCH", f"/books/{two['id']}?version=1", json={"title": "One"})
    for answer in (made, changed):
        assert (answer.status, answer.error["code"]) == (409, "unique_conflict")
        check_fields(answer, "author_id", "title")


def test_unique_compares_by_code_point(story: Story) -> None:
    """Names that differ by case or by normal form are different values."""
    for name in ("Ångström", "A\u030angstro\u0308m", "ÅNGSTRÖM", "Ångström "):
        story.make("/houses", name=name)
    assert story.ask("POST", "/houses", json={"name": "Ångström"}).status == 409


def test_checks_between_fields(story: Story) -> None:
    """A check that fails is 422 at each of its fields, in a creation and in a change."""
    book = story.book(printed=5, sold=3)
    made = story.ask("POST", "/books", json={"title": "x", "author_id": book["author_id"], "price": "1", "printed": 1, "sold": 2})
    changed = story.ask("PATCH", f"/books/{book['id']}?version=1", json={"printed": 2})

    for answer in (made, changed):
        assert (answer.status, answer.error["code"]) == (422, "validation_failed")
        check_fields(answer, "printed:check_failed", "sold:check_failed")
    assert story.get(f"/books/{book['id']}").data == book


def test_checks_are_told_beside_all_else(story: Story) -> None:
    """Each record of a bulk whose check fails is named, and beside other faults of a body; a check of a field that is not valid is not."""
    author = story.book()["author_id"]

    def book(**members: object) -> dict[str, object]:
        return {"title": "x", "author_id": author, "price": "1", **members}

    failing, sound = book(printed=1, sold=2), book(printed=2, sold=2)
    many = story.ask("POST", "/books/bulk", json=[failing, sound, failing])
    mixed = story.ask("POST", "/books", json={**failing, "title": 5})
    unknown = story.ask("POST", "/books", json={**failing, "sold": "two"})

    check_fields(many, *(f"[{place}].{member}:check_failed" for place in (0, 2) for member in ("printed", "sold")))
    check_fields(mixed, "title:wrong_type", "printed:check_failed", "sold:check_failed")
    check_fields(unknown, "sold:wrong_type")


# Bulk


def test_bulk_makes_all_in_order(story: Story) -> None:
    """201 with the records in the order sent; neither Location nor ETag."""
    answer = story.ask("POST", "/memos/bulk", json=[{"text": f"bulk {number}"} for number in range(50)])

    assert answer.status == 201
    assert [each["text"] for each in answer.data] == [f"bulk {number}" for number in range(50)]
    assert "location" not in answer.headers
    assert "etag" not in answer.headers
    assert story.get("/memos?text[startswith]=bulk&limit=1").meta["total"] == 50


@pytest.mark.parametrize(
    ("second", "status", "field"),
    [
        ({"name": ""}, 422, "[1].name"),
        ({"name": "Bulk first"}, 409, "[1].name"),
        ({"name": "ok", "nmae": 1}, 422, "[1].nmae"),
        (5, 422, "[1]"),
    ],
)
def test_bulk_makes_all_or_nothing(story: Story, second: Any, status: int, field: str) -> None:
    """One bad record refuses all, and its place is told."""
    answer = story.ask("POST", "/houses/bulk", json=[{"name": "Bulk first"}, second])

    assert answer.status == status
    check_fields(answer, field)
    assert story.get("/houses?name=Bulk first").data == []


def test_bulk_tells_the_faults_of_every_record(story: Story) -> None:
    """All invalid fields of all records at once."""
    answer = story.ask("POST", "/books/bulk", json=[{"title": ""}, {"price": "x"}])

    check_fields(answer, "[0].title", "[0].author_id", "[0].price", "[1].title", "[1].author_id", "[1].price")


def test_bulk_refers_to_what_stands_before(story: Story) -> None:
    """A record may refer to another of the same bulk that stands before it, by an id of the client's choice."""
    answer = story.ask(
        "POST",
        "/memos/bulk",
        json=[
            {"id": "9b2f1a6e-5d0c-4c0e-9f53-6b1d5b0f7a99", "text": "a"},
            {"text": "b", "reply_to_id": "9b2f1a6e-5d0c-4c0e-9f53-6b1d5b0f7a99"},
        ],
    )

    assert answer.status == 201


@pytest.mark.parametrize(("count", "status"), [(0, 422), (1, 201), (1_000, 201), (1_001, 422)])
def test_bulk_takes_one_to_a_thousand(story: Story, count: int, status: int) -> None:
    """At least one, at most 1,000."""
    assert story.ask("POST", "/memos/bulk", json=[{"text": "many"}] * count).status == status


def test_bulk_is_an_array(story: Story) -> None:
    """An object is 422."""
    answer = story.ask("POST", "/memos/bulk", json={"text": "x"})

    assert (answer.status, answer.error["code"]) == (422, "validation_failed")


def test_two_equal_ids_in_one_bulk(story: Story) -> None:
    """The second of two equal ids is 409 at its place."""
    answer = story.ask("POST", "/memos/bulk", json=[{"id": V4, "text": "x"}, {"id": V4, "text": "y"}])

    assert (answer.status, answer.error["code"]) == (409, "unique_conflict")


# What is shown of a record


def test_fields_and_include_shape_every_answer_with_one_record(story: Story) -> None:
    """`fields` and `include` hold for creation, reading and changing alike; id and version are always there."""
    author = story.author()
    made = story.ask("POST", "/books?fields=title&include=author", json={"title": "View", "author_id": author["id"], "price": "1"})
    path = f"/books/{made.data['id']}"
    wanted = {"id": made.data["id"], "version": 1, "title": "View", "author": author}

    assert made.data == wanted
    assert story.get(f"{path}?fields=title&include=author").data == wanted
    assert story.ask("PATCH", f"{path}?fields=title&include=author&version=1", json={"printed": 1}).data == {**wanted, "version": 2}


def test_include_goes_through_references(story: Story) -> None:
    """Nested includes, null where a reference is empty, and the same record through two references."""
    house = story.house()
    author = story.author(house_id=house["id"])
    book = story.book(author_id=author["id"], editor_id=author["id"])
    chapter = story.make("/chapters", title="I", book_id=book["id"], number=1)

    shown = story.get(f"/chapters/{chapter['id']}?include=book.author.house,book.editor").data
    assert shown["book"] == {**book, "author": {**author, "house": house}, "editor": author}
    assert story.get(f"/authors/{story.author()['id']}?include=house").data["house"] is None


@cases(
    Case("no reference", "GET", "/books?include=title", 400, "unknown_parameter"),
    Case("the member instead of the name", "GET", "/books?include=author_id", 400, "unknown_parameter", shows=("`author`",)),
    Case("unknown", "GET", "/books?include=autor", 400, "unknown_parameter", shows=("Did you mean `author`?",)),
    Case("unknown below", "GET", "/books?include=author.hous", 400, "unknown_parameter", shows=("Did you mean `author.house`?",)),
    Case("too deep", "GET", "/memos?include=reply_to.reply_to.reply_to.reply_to", 400, "unknown_parameter"),
    Case("empty", "GET", "/books?include=", 400, "unknown_parameter"),
    Case("unknown field", "GET", "/books?fields=titel", 400, "unknown_parameter", shows=("Did you mean `title`?",)),
    Case("empty fields", "GET", "/books?fields=", 400, "unknown_parameter"),
    Case("a list's parameter on a record", "GET", f"/books/{ABSENT_ID}?limit=1", 400, "unknown_parameter"),
    Case("a version on a read", "GET", f"/books/{ABSENT_ID}?version=1", 400, "unknown_parameter"),
    Case("parameters on bulk", "POST", "/books/bulk?limit=1", 400, "unknown_parameter", json=[]),
    Case("parameters on a query", "POST", "/books/query?limit=1", 400, "unknown_parameter", json={}),
    Case("a bad escape", "GET", "/books?title=%zz", 400, "malformed_request"),
    Case("an escape that is no UTF-8", "GET", "/books?title=%ff", 400, "malformed_request"),
)
def test_views_that_cannot_be(story: Story, case: Case) -> None:
    """What `fields`, `include` and the query string do not take."""
    run(story, case)


def test_prefer_return_minimal(story: Story) -> None:
    """204 with Preference-Applied, and on creation still Location and ETag."""
    minimal = {"prefer": "return=minimal"}
    made = story.ask("POST", "/memos", json={"text": "x"}, headers=minimal)
    path = made.headers["location"]

    assert (made.status, made.headers["preference-applied"]) == (204, "return=minimal")
    assert made.headers["etag"] == story.get(path).headers["etag"]
    changed = story.ask("PATCH", path, json={"text": "y"}, headers=minimal)
    assert (changed.status, changed.headers["etag"]) == (204, story.get(path).headers["etag"])
    replaced = story.ask("PUT", path, json={"text": "z"}, headers={"prefer": "respond-async, return=minimal; foo"})
    assert replaced.status == 204
    assert story.ask("POST", "/memos/bulk", json=[{"text": "x"}], headers=minimal).status == 204
    assert story.ask("DELETE", path, headers=minimal).status == 204
    full = story.ask("POST", "/memos", json={"text": "x"}, headers={"prefer": "return=representation"})
    assert (full.status, "preference-applied" in full.headers) == (201, False)


def test_numbers_keep_every_digit(story: Story) -> None:
    """A decimal that is sent as a JSON number is read from its text, never through a double."""
    body = b'{"amount": 123456789012345.678, "number": 9007199254740993}'
    made = story.ask("POST", "/samples", content=body, headers=JSON)

    assert made.data["amount"] == "123456789012345.678"
    assert b'"number":9007199254740993' in made.content
    assert json.loads(made.content)["data"]["number"] == 9_007_199_254_740_993


@pytest.mark.parametrize("digits", [4_300, 4_301, 100_000])
@pytest.mark.parametrize(("member", "code"), [("number", "too_large"), ("amount", "too_many_digits")])
def test_a_whole_number_of_any_length_is_judged_by_its_member(story: Story, digits: int, member: str, code: str) -> None:
    """It is JSON, however many digits it has: what is wrong with it is told of its member."""
    refused = story.ask("POST", "/samples", content=f'{{"{member}": {"7" * digits}}}'.encode(), headers=JSON)

    assert (refused.status, [(each["field"], each["code"]) for each in refused.error["details"]]) == (422, [(member, code)])


@pytest.mark.parametrize("amount", ["1.5000", '"1.5000"', "15000e-4", "0.0000", "1.5001"])
def test_a_decimal_with_too_many_digits_is_refused_however_it_is_written(story: Story, amount: str) -> None:
    """A zero is a digit, in a JSON number as in a string: what one of them may not hold the other may not."""
    refused = story.ask("POST", "/samples", content=f'{{"amount": {amount}}}'.encode(), headers=JSON)

    assert (refused.status, [(each["field"], each["code"]) for each in refused.error["details"]]) == (422, [("amount", "too_many_digits")])
