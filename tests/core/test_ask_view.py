"""Views: identity, the salt of ETags, and asking for one record."""

import pytest
from ask_library import ADDRESS, BOOKS, CATALOG, build_resource, field, refusal_of

from holdfast.base.limits import INCLUDES_MAX
from holdfast.core.ask.records import CHANGING, DELETING, READING, VIEWING, RecordReader
from holdfast.core.ask.view import _VIEWS_KEPT_MAX, ViewReader, describe_type
from holdfast.core.ask.visible import EVERYTHING, Sight, Sights, Visible
from holdfast.core.view import view_of_id
from holdfast.model.catalog import Catalog
from holdfast.model.types import Items, Mapping, Number, Reference, Text

READER = ViewReader(CATALOG, BOOKS)


def test_equal_asks_get_the_very_same_view() -> None:
    """The store may know a view by identity, so equal asks never make two."""
    assert READER.read(None, None) is READER.default
    assert READER.read(["title", "price"], ["author"]) is READER.read(["price", "title", "id"], ["author"])
    assert READER.read(["title"], None) is not READER.default


def test_a_view_may_be_of_the_id_alone() -> None:
    """Which tells that a record is there."""
    assert [each.member for each in view_of_id(BOOKS).fields] == ["id"]


def test_views_kept_are_bounded() -> None:
    """However many combinations are asked for, no more than a fixed number is kept, and the oldest goes first."""
    reader = ViewReader(CATALOG, BOOKS)
    members = [each.member for each in BOOKS.shown_fields if each.member not in ("id", "version")]
    first = reader.read(members[:1], None)
    asks = [(one, two, three) for one in members for two in members for three in members if one < two < three]
    for ask in asks[:_VIEWS_KEPT_MAX]:
        reader.read(ask, None)

    assert len(asks) > _VIEWS_KEPT_MAX
    assert len(reader._kept) == _VIEWS_KEPT_MAX
    assert first is not reader.read(members[:1], None)
    assert first == reader.read(members[:1], None)


def test_the_salt_changes_with_what_is_shown() -> None:
    """8 hex digits, different for other fields and includes, equal in another process with the same declaration."""
    salts = [
        READER.read(fields, include).etag_salt
        for fields, include in ((None, None), (["title"], None), (["price"], None), (None, ["author"]), (None, ["author.country"]))
    ]

    assert len(set(salts)) == len(salts)
    assert all(len(salt) == 8 and int(salt, 16) >= 0 for salt in salts)
    assert ViewReader(CATALOG, BOOKS).default.etag_salt == salts[0]


def test_the_salt_changes_with_the_declaration() -> None:
    """A new release that shows a field otherwise meets no old ETag."""
    salts = set()
    for kind in (Number(2), Number(3), Text(), Items(Text()), Items(Number(2)), Mapping(Text()), ADDRESS):
        resource = build_resource("Note", "notes", field("text", kind))
        salts.add(ViewReader(Catalog({"notes": resource}), resource).default.etag_salt)

    assert len(salts) == 7


def test_a_type_is_described_without_addresses() -> None:
    """The description of a type is the same in every process."""
    assert describe_type(Number(2)) == "number.2"
    assert describe_type(Items(Mapping(Text()))) == "items[mapping[text]]"
    assert describe_type(ADDRESS) == "nested[city:text]"
    assert describe_type(Reference("authors")) == "reference"


def test_a_view_for_other_eyes_is_kept_by_what_is_hidden() -> None:
    """Callers with the same hidden fields share a view; a view with guards in it belongs to one caller."""
    eyes, alike = (Visible(Sights(books=Sight(frozenset({"price"})))) for _ in range(2))

    assert READER.read(None, None, eyes) is READER.read(None, None, alike)
    assert READER.read(None, None, Visible(Sights())) == READER.default
    one, other = READER.read(None, ["author"], eyes), READER.read(None, ["author"], alike)
    assert one is not other
    assert one == other


def test_includes_have_a_limit() -> None:
    """One reference more than the limit is refused."""
    refs = [field(f"r{n}", Reference("hubs")) for n in range(INCLUDES_MAX + 1)]
    hub = build_resource("Hub", "hubs", *refs)
    reader = ViewReader(Catalog({"hubs": hub}), hub)

    assert len(reader.read(None, [f"r{n}" for n in range(INCLUDES_MAX)]).includes) == INCLUDES_MAX
    error = refusal_of(reader.read, None, [f"r{n}" for n in range(INCLUDES_MAX + 1)])
    assert (error.code, error.hint) == ("unknown_parameter", "At most 10 can be included.")
    assert refusal_of(reader.read, None, [f"r0.r{n}" for n in range(INCLUDES_MAX)]).code == "unknown_parameter"


def test_names_are_as_many_as_there_are() -> None:
    """A list of names is bounded by what can be named, however often one stands in it."""
    shown = [each.member for each in BOOKS.fields if each.secret is None]

    assert READER.read(shown, None).fields == READER.default.fields
    assert refusal_of(READER.read, [*shown, "id"], None).code == "unknown_parameter"
    assert refusal_of(READER.read, None, ["author"] * (INCLUDES_MAX + 1)).code == "unknown_parameter"


RECORDS = RecordReader(CATALOG, BOOKS)


def test_a_record_without_parameters_is_the_default() -> None:
    """The hot path allocates nothing."""
    assert RECORDS.read_query("", VIEWING) is RECORDS.default
    assert RECORDS.default.version is None
    assert RECORDS.read_query("", VIEWING, visible=Visible(Sights())) == RECORDS.default


def test_a_record_has_a_view_and_a_version() -> None:
    """fields, include and version are read where the route takes them."""
    ask = RECORDS.read_query("fields=title&include=author&version=12", CHANGING, visible=EVERYTHING)

    assert ask.version == 12
    assert [each.member for each in ask.view.fields] == ["id", "version", "title"]
    assert [each.field.name for each in ask.view.includes] == ["author"]


@pytest.mark.parametrize(
    ("text", "parameters", "code"),
    [
        ("version=1", VIEWING, "unknown_parameter"),
        ("fields=title", DELETING, "unknown_parameter"),
        ("title=x", VIEWING, "unknown_parameter"),
        ("fields[eq]=x", VIEWING, "unknown_parameter"),
        ("version=1&version=1", DELETING, "unknown_parameter"),
        ("version=0", DELETING, "malformed_request"),
        ("version=-1", DELETING, "malformed_request"),
        ("version=1.0", DELETING, "malformed_request"),
        ("version=", DELETING, "malformed_request"),
        ("version=%D9%A3", DELETING, "malformed_request"),
        ("version=" + "9" * 19, DELETING, "malformed_request"),
        ("fields=%", VIEWING, "malformed_request"),
    ],
)
def test_a_record_refuses_other_parameters(text: str, parameters: tuple[str, ...], code: str) -> None:
    """What a route does not take is 400 with the nearest name; a version is a whole number from 1."""
    error = refusal_of(RECORDS.read_query, text, parameters)

    assert (400, code) == (error.status, error.code)


def test_readers_may_share_their_views() -> None:
    """A list and a record of one resource show the very same view."""
    assert RecordReader(CATALOG, BOOKS, READER).default.view is READER.default


def test_a_past_record_stands_alone() -> None:
    """Its instant is read; what it refers to is read by itself."""
    assert RECORDS.read_query("as_of=2026-01-01T00:00:00Z", READING).as_of == "2026-01-01T00:00:00.000000Z"
    assert refusal_of(RECORDS.read_query, "as_of=2026-01-01T00:00:00Z&include=author", READING).code == "malformed_request"
