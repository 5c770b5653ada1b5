"""Bodies: created, replaced and patched records, every fault at once, and single values for filters."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.errors import Broken, Detail, Refused
from holdfast.base.ids import RecordId
from holdfast.base.limits import BODY_BYTES_MAX, BULK_ROWS_MAX, DETAILS_MAX, LIST_ITEMS_MAX
from holdfast.core.change import merge
from holdfast.core.document import parse_json
from holdfast.core.slots import Bodies
from holdfast.core.validate import (
    BodyReader,
    Changed,
    Created,
    InvalidBody,
    parse_text,
    parse_value,
    peek_version,
    read_version_alone,
    validate_merged,
)
from holdfast.model.catalog import AccessSpec, FieldSpec, ResourceSpec, Secret
from holdfast.model.rule import Nobody
from holdfast.model.types import (
    Boolean,
    Choice,
    Date,
    Duration,
    FieldType,
    Float,
    Integer,
    Items,
    Mapping,
    Member,
    Nested,
    Number,
    Reference,
    Text,
    Timestamp,
    Uuid,
)

ID = "018f3a2e-7c4b-7d10-8a5e-3b1c9d2e4f60"
AT = "2026-11-23T13:29:00.000000Z"


@dataclass
class Place:
    """Where something stands."""

    shelf: str
    row: int | None
    weight: Decimal = Decimal("1.50")


PLACE = Nested(
    "Place",
    (
        Member("shelf", Text(max_length=5)),
        Member("row", Integer(ge=1), nullable=True),
        Member("weight", Number(places=2), required=False, default=Decimal("1.50")),
        Member("lent", Boolean(), required=False, factory=lambda: False),
        Member("note", Text(), nullable=True, required=False),
    ),
    Place,
)
TREE = Nested("Tree", (Member("place", PLACE), Member("places", Items(PLACE), required=False, factory=list)), object)


def spec(member: str, kind: FieldType, *, name: str | None = None, **options: Any) -> FieldSpec:
    """A declared field; it is optional if a default or a factory is given."""
    return FieldSpec(name or member, member, kind, required=not {"default", "factory"} & options.keys(), **options)


def resource(*fields: FieldSpec) -> ResourceSpec:
    """A resource of the declared fields."""
    first = (FieldSpec("id", "id", Uuid(), system=True), FieldSpec("version", "version", Integer(ge=1), system=True))
    last = (
        FieldSpec("created_at", "created_at", Timestamp(), system=True),
        FieldSpec("updated_at", "updated_at", Timestamp(), system=True),
        FieldSpec("created_by", "created_by_id", Uuid(), nullable=True, system=True),
    )
    return ResourceSpec("Book", "books", "books", "", (*first, *fields, *last), AccessSpec(*[Nobody()] * 6))


BOOK = resource(
    spec("title", Text(min_length=1, max_length=200)),
    spec("author_id", Reference("authors"), name="author"),
    spec("price", Number(places=2, digits=10, ge=Decimal(0))),
    spec("status", Choice(("draft", "published")), default="draft"),
    spec("published_on", Date(), nullable=True, default=None),
    spec("tags", Items(Text(max_length=10), max_length=5), factory=list),
    spec("labels", Mapping(Integer(), max_length=3), nullable=True, default=None),
    spec("place", PLACE, nullable=True, default=None),
    spec("isbn", Text(), immutable=True, nullable=True, default=None),
    spec("rank", Integer(), readonly=True, default=7),
    spec("pin", Text(min_length=4), secret=Secret.HASHED, nullable=True, default=None),
    spec("key", Text(), secret=Secret.ENCRYPTED, immutable=True, nullable=True, default=None),
)
READER = BodyReader(BOOK)
LEAST = {"title": "Solaris", "author_id": ID, "price": "9.90"}
DEFAULTS = {
    "status": "draft",
    "published_on": None,
    "tags": "[]",
    "labels": None,
    "place": None,
    "isbn": None,
    "rank": 7,
    "pin": None,
    "key": None,
}
STORED = {"title": "Solaris", "author_id": ID, "price": 990}


def refusal_of(read: Any, value: Any) -> dict[str, str]:
    """The details of a refusal, as path -> code."""
    with pytest.raises(Refused) as caught:
        read(value)
    assert (caught.value.code, caught.value.status) == ("validation_failed", 422)
    return {each.field: each.code for each in caught.value.details}


def messages_of(read: Any, value: Any) -> dict[str, str]:
    """The details of a refusal, as path -> message."""
    with pytest.raises(Refused) as caught:
        read(value)
    return {each.field: each.message for each in caught.value.details}


class TestCreate:
    def test_defaults_stand_where_nothing_was_sent(self) -> None:
        """A creation holds every declared member in stored form, and no id unless the caller chose one."""
        created = READER.read_create(LEAST)
        assert created.id is None
        assert created.values == STORED | DEFAULTS

    def test_every_member_is_read(self) -> None:
        """What was sent wins over the defaults; documents are minified JSON in the order sent, with their own defaults filled in."""
        sent = {
            "id": ID.upper(),
            "status": "published",
            "published_on": "1961-06-01",
            "tags": ["b", "a"],
            "labels": {"z": 1, "a": Decimal("2.0")},
            "place": {"row": None, "shelf": "A"},
            "isbn": "0",
            "pin": "1234",
            "key": "k",
        }
        created = READER.read_create(LEAST | sent)
        assert created.id == ID
        assert created.values == STORED | {
            "status": "published",
            "published_on": "1961-06-01",
            "tags": '["b","a"]',
            "labels": '{"z":1,"a":2}',
            "place": '{"shelf":"A","row":null,"weight":"1.50","lent":false,"note":null}',
            "isbn": "0",
            "rank": 7,
            "pin": "1234",
            "key": "k",
        }

    def test_every_fault_is_told_at_once(self) -> None:
        """One answer lists every invalid field with its dotted path."""
        sent: dict[str, Any] = {
            "title": "",
            "price": "1.234",
            "status": "sold",
            "published_on": "1961-06-31",
            "tags": ["ok", "x" * 11, None, 5, "\0"],
            "labels": {"a": "x", "b": None, "c\0": 1},
            "place": {"shelf": "longer", "row": 0, "weight": "x", "lent": None, "shelve": "A"},
            "isbn": 5,
            "rank": 1,
            "pin": "123",
            "titel": "x",
            "author": {"id": ID},
            "id": "x",
            "version": 1,
            "created_at": AT,
            "updated_at": AT,
            "created_by_id": None,
        }
        assert refusal_of(READER.read_create, sent) == {
            "title": "too_short",
            "author_id": "required",
            "price": "too_many_digits",
            "status": "not_in_choices",
            "published_on": "wrong_format",
            "tags[1]": "too_long",
            "tags[2]": "null_not_allowed",
            "tags[3]": "wrong_type",
            "tags[4]": "nul_character",
            "labels.a": "wrong_type",
            "labels.b": "null_not_allowed",
            "labels.c\0": "nul_character",
            "place.shelf": "too_long",
            "place.row": "too_small",
            "place.weight": "wrong_format",
            "place.lent": "null_not_allowed",
            "place.shelve": "unknown_member",
            "isbn": "wrong_type",
            "rank": "read_only",
            "pin": "too_short",
            "titel": "unknown_member",
            "author": "unknown_member",
            "id": "wrong_format",
            "version": "read_only",
            "created_at": "read_only",
            "updated_at": "read_only",
            "created_by_id": "read_only",
        }

    def test_messages_are_for_people(self) -> None:
        """Messages name the bound and the nearest name, and never what was sent."""
        sent: dict[str, Any] = LEAST | {"title": "x" * 250, "titel": "s3cret", "author": {}, "rank": None, "price": None, "id": 5, "qqq": 1}
        assert messages_of(READER.read_create, sent) == {
            "title": "This must be at most 200 characters, has 250.",
            "price": "This may not be null.",
            "rank": "This member is set by the server.",
            "titel": "This member is unknown; did you mean `title`?",
            "author": "This is an included record, which is not written here: send `author_id`.",
            "id": "This must be a string, is a number.",
            "qqq": "This member is unknown.",
        }

    def test_a_mistyped_choice_is_told_with_the_nearest(self) -> None:
        """Beside the choices there are; what is near none of them is told those alone."""
        assert messages_of(READER.read_create, LEAST | {"status": "Publishd"}) == {
            "status": "This must be one of: draft, published; did you mean `published`?"
        }
        assert messages_of(READER.read_create, LEAST | {"status": "x"}) == {"status": "This must be one of: draft, published."}

    def test_no_hint_names_what_may_not_be_sent(self) -> None:
        """A mistyped readonly member is answered without its name."""
        assert messages_of(READER.read_create, LEAST | {"rankk": 1}) == {"rankk": "This member is unknown."}

    @pytest.mark.parametrize(("value", "kind"), [([], "an array"), (None, "null"), ("x", "a string"), (5, "a number"), (True, "a boolean")])
    def test_a_body_is_an_object(self, value: Any, kind: str) -> None:
        """Any other body is wrong_type at the whole."""
        for read in (READER.read_create, READER.read_replace, READER.read_patch, read_version_alone):
            assert refusal_of(read, value) == {"": "wrong_type"}
            assert messages_of(read, value) == {"": f"This must be an object, is {kind}."}

    @pytest.mark.parametrize("chosen", [None, "", ID[:-1], ID.replace("-7d", "-1d"), ID.replace("-8a", "-ca"), 5])
    def test_only_a_uuid_of_version_4_or_7_can_be_chosen(self, chosen: Any) -> None:
        """Any other id is refused at `id`."""
        assert refusal_of(READER.read_create, LEAST | {"id": chosen}).keys() == {"id"}

    def test_a_factory_makes_each_default_anew(self) -> None:
        """A default_factory runs once for each record that needs it."""
        numbers = iter(range(10))
        reader = BodyReader(resource(spec("number", Integer(), factory=lambda: next(numbers))))
        assert [reader.read_create({}).values for _ in range(2)] == [{"number": 0}, {"number": 1}]
        assert reader.read_create({"number": 9}).values == {"number": 9}
        assert reader.read_create({}).values == {"number": 2}

    def test_a_factory_that_makes_nonsense_is_our_fault(self) -> None:
        """What a default_factory makes is checked; the caller cannot mend it, so it is no refusal."""
        reader = BodyReader(resource(spec("number", Integer(), factory=lambda: "x")))
        with pytest.raises(Broken, match=r"Book\.number"):
            reader.read_create({})

    def test_the_faults_of_a_huge_body_are_cut(self) -> None:
        """At most DETAILS_MAX details are sent, and the message says so; hints are sought for the first alone."""
        sent = {f"titel{number}": 1 for number in range(20_000)}
        with pytest.raises(Refused) as caught:
            READER.read_create(LEAST | sent)
        assert len(caught.value.details) == DETAILS_MAX
        assert caught.value.message == "Some fields are not valid; the first 1,000 faults are listed."
        assert caught.value.details[0].message.endswith("did you mean `title`?")
        assert caught.value.details[-1].message == "This member is unknown."

    @pytest.mark.parametrize("kind", [Items(Items(Integer())), Mapping(Items(Integer()))])
    def test_a_document_full_of_faults_is_not_read_to_its_end(self, kind: FieldType) -> None:
        """The faults of parts are cut like those of members: a body cannot ask for more work than its answer shows."""
        reader = BodyReader(resource(spec("parts", kind)))
        parts: Any = [["x"] * 100] * 1000 if isinstance(kind, Items) else {str(number): ["x"] * 100 for number in range(1000)}
        assert len(refusal_of(reader.read_create, {"parts": parts})) == DETAILS_MAX
        assert len(refusal_of(READER.read_bulk, [{f"x{number}": 1 for number in range(100)}] * 100)) == DETAILS_MAX

    def test_a_long_name_is_shown_short(self) -> None:
        """A name that a caller made up is cut in the answer."""
        assert refusal_of(READER.read_create, LEAST | {"x" * 5000: 1}) == {"x" * 100 + "…": "unknown_member"}


class TestBulk:
    def test_every_row_is_read(self) -> None:
        """A bulk creation is a list of creations."""
        created = READER.read_bulk([LEAST, LEAST | {"id": ID}])
        assert [each.id for each in created] == [None, ID]
        assert [each.values for each in created] == [STORED | DEFAULTS] * 2

    def test_the_faults_of_all_rows_are_told_with_their_place(self) -> None:
        """Details begin with the index of the row."""
        rows = [LEAST, 5, LEAST | {"title": "", "tags": [5]}, {"x": 1}]
        assert refusal_of(READER.read_bulk, rows) == {
            "[1]": "wrong_type",
            "[2].title": "too_short",
            "[2].tags[0]": "wrong_type",
            "[3].title": "required",
            "[3].author_id": "required",
            "[3].price": "required",
            "[3].x": "unknown_member",
        }

    def test_a_bulk_has_1_to_1000_rows(self) -> None:
        """None, too many, or no array at all is refused as a whole."""
        assert len(READER.read_bulk([LEAST] * BULK_ROWS_MAX)) == BULK_ROWS_MAX
        assert refusal_of(READER.read_bulk, [LEAST] * (BULK_ROWS_MAX + 1)) == {"": "too_long"}
        assert refusal_of(READER.read_bulk, []) == {"": "too_short"}
        assert refusal_of(READER.read_bulk, LEAST) == {"": "wrong_type"}


SHOWN = {
    "id": ID,
    "version": 3,
    **LEAST,
    "status": "published",
    "published_on": "1961-06-01",
    "tags": ["a"],
    "labels": {"a": 1},
    "place": {"shelf": "A", "row": 2, "weight": "2.00", "lent": True, "note": None},
    "isbn": "0-15",
    "rank": 9,
    "created_at": AT,
    "updated_at": AT,
    "created_by_id": None,
}
EQUAL = {"id": ID, "isbn": "0-15", "rank": 9, "created_at": AT, "updated_at": AT, "created_by_id": None}
WRONG_TO_SEND_BACK = {
    "id": 5,
    "created_at": "yesterday",
    "updated_at": None,
    "created_by_id": [],
    "isbn": 5,
    "rank": "x",
    "key": "k",
}


class TestReplace:
    def test_what_is_left_out_gets_its_default(self) -> None:
        """Optional members get their default; secret, immutable and readonly ones keep their value."""
        changed = READER.read_replace(LEAST)
        kept = {"pin", "key", "isbn", "rank"}
        assert changed.assign == STORED | {name: value for name, value in DEFAULTS.items() if name not in kept}
        assert (changed.merge, changed.equal, changed.version) == ({}, {}, None)

    def test_what_was_read_can_be_sent_back(self) -> None:
        """Members that may not change are to be compared with the record, and the version is the precondition."""
        changed = READER.read_replace(SHOWN)
        assert changed.assign.keys() == SHOWN.keys() - EQUAL.keys() - {"version"}
        assert changed.assign["place"] == '{"shelf":"A","row":2,"weight":"2.00","lent":true,"note":null}'
        assert (changed.merge, changed.equal, changed.version) == ({}, EQUAL, 3)

    def test_a_secret_can_be_set_and_emptied(self) -> None:
        """A secret that is sent is assigned; null empties an optional one."""
        assert READER.read_replace(LEAST | {"pin": "1234"}).assign["pin"] == "1234"
        assert READER.read_replace(LEAST | {"pin": None}).assign["pin"] is None

    def test_a_required_member_is_required_again(self) -> None:
        """A full update without a required member is refused."""
        assert refusal_of(READER.read_replace, {"title": "x", "price": "1"}) == {"author_id": "required"}


@pytest.mark.parametrize("read", [READER.read_replace, READER.read_patch], ids=["replace", "patch"])
class TestEitherChange:
    def test_what_cannot_be_equal_is_read_only(self, read: Any) -> None:
        """What could not be a stored value is refused like another value, and an immutable secret always: it was never shown."""
        assert refusal_of(read, LEAST | WRONG_TO_SEND_BACK) == dict.fromkeys(WRONG_TO_SEND_BACK, "read_only")

    def test_the_stored_form_is_compared(self, read: Any) -> None:
        """Another way of writing the same value is the same value."""
        sent = {"id": ID.upper(), "created_at": "2026-11-23T15:29:00+02:00", "rank": Decimal("9.0"), "isbn": None}
        assert read(LEAST | sent).equal == {"id": ID, "created_at": AT, "rank": 9, "isbn": None}

    @pytest.mark.parametrize(("version", "code"), [(None, "null_not_allowed"), ("3", "wrong_type"), (0, "too_small"), (1.5, "wrong_type")])
    def test_a_version_is_a_whole_number_from_1(self, read: Any, version: Any, code: str) -> None:
        """Any other version is refused at `version`."""
        assert refusal_of(read, LEAST | {"version": version}) == {"version": code}

    def test_unknown_members_are_refused_with_the_nearest_that_can_change(self, read: Any) -> None:
        """A hint names what can be changed, and no member that cannot."""
        assert messages_of(read, LEAST | {"titel": 1, "author": {}, "versoin": 1, "isbm": 1}) == {
            "titel": "This member is unknown; did you mean `title`?",
            "author": "This is an included record, which is not written here: send `author_id`.",
            "versoin": "This member is unknown; did you mean `version`?",
            "isbm": "This member is unknown.",
        }


class TestPatch:
    def test_what_is_left_out_stays(self) -> None:
        """Only what was sent is changed."""
        assert READER.read_patch({}) == ({}, {}, {}, None)
        assert READER.read_patch({"title": "x", "version": 2}) == ({"title": "x"}, {}, {}, 2)

    def test_null_empties_an_optional_member(self) -> None:
        """null is a value for what accepts it, and refused elsewhere, with a default or without."""
        emptied: dict[str, Any] = {"published_on": None, "labels": None, "place": None, "pin": None}
        assert READER.read_patch(emptied) == (emptied, {}, {}, None)
        refused = {"title": None, "status": None, "tags": None}
        assert refusal_of(READER.read_patch, refused) == dict.fromkeys(refused, "null_not_allowed")

    def test_objects_are_merged_and_lists_replaced(self) -> None:
        """A patch of a document is handed on in JSON forms, nulls and all; a list is replaced whole."""
        sent = {"labels": {"a": None, "b": Decimal("2.0")}, "place": {"weight": 2, "note": None, "lent": None}, "tags": ["x"]}
        changed = READER.read_patch(sent)
        assert changed.assign == {"tags": '["x"]'}
        assert changed.merge == {"labels": {"a": None, "b": 2}, "place": {"weight": "2.00", "note": None, "lent": None}}

    def test_a_patch_of_a_document_is_judged_at_once(self) -> None:
        """What is wrong whatever the stored document says is told together with everything else."""
        sent = {
            "title": "",
            "labels": {"a": "x", "b": None, "\0": None},
            "place": {"shelf": None, "row": None, "weight": "x", "shelve": 1},
        }
        assert refusal_of(READER.read_patch, sent) == {
            "title": "too_short",
            "labels.a": "wrong_type",
            "labels.\0": "nul_character",
            "place.shelf": "null_not_allowed",
            "place.weight": "wrong_format",
            "place.shelve": "unknown_member",
        }
        assert refusal_of(READER.read_patch, {"labels": [], "place": "x"}) == {"labels": "wrong_type", "place": "wrong_type"}

    def test_a_patch_reaches_into_nested_objects(self) -> None:
        """Objects within objects are merged too; lists within them are whole values."""
        reader = BodyReader(resource(spec("tree", TREE), spec("trees", Mapping(TREE))))
        sent: Any = {"tree": {"place": {"row": 5}}, "trees": {"a": None, "b": {"places": [{"shelf": "B", "row": None}]}}}
        changed = reader.read_patch(sent)
        whole = {"shelf": "B", "row": None, "weight": "1.50", "lent": False, "note": None}
        assert changed.merge == {"tree": {"place": {"row": 5}}, "trees": {"a": None, "b": {"places": [whole]}}}
        sent = {"tree": {"place": {"row": 0}, "places": None}, "trees": {"b": {"places": [{"shelf": "B"}]}}}
        assert refusal_of(reader.read_patch, sent) == {"tree.place.row": "too_small", "trees.b.places[0].row": "required"}


class TestMerged:
    PLACE = BOOK.by_member["place"]

    def test_a_merged_document_is_stored(self) -> None:
        """The result of a merge is read like a document that was sent whole."""
        stored = {"shelf": "A", "row": 2, "weight": "2.00", "lent": True, "note": "x"}
        merged = merge(stored, {"row": 3, "note": None, "weight": None, "lent": None})
        assert merged == {"shelf": "A", "row": 3}
        settled = validate_merged(self.PLACE, merged, "place")
        assert settled == '{"shelf":"A","row":3,"weight":"1.50","lent":false,"note":null}'

    def test_null_empties_a_member_that_accepts_it(self) -> None:
        """A member that the patch took away is null where null is accepted, even if it must be sent at creation."""
        assert validate_merged(self.PLACE, {"shelf": "A"}, "place") == '{"shelf":"A","row":null,"weight":"1.50","lent":false,"note":null}'
        assert refusal_of(READER.read_create, LEAST | {"place": {"shelf": "A"}}) == {"place.row": "required"}

    def test_what_is_missing_or_wrong_is_told(self) -> None:
        """A merge that leaves no valid document gives every detail at its path."""
        assert validate_merged(self.PLACE, {"row": 0}, "place") == [
            Detail("place.shelf", "required", "This member is required."),
            Detail("place.row", "too_small", "This must be at least 1."),
        ]

    def test_null_is_accepted_where_the_field_says_so(self) -> None:
        """The field itself may be null or not."""
        assert validate_merged(self.PLACE, None, "place") is None
        required = spec("labels", Mapping(Integer()))
        assert validate_merged(required, None, "labels") == [Detail("labels", "null_not_allowed", "This may not be null.")]

    def test_merging_cannot_outgrow_the_bounds(self) -> None:
        """A document that grew by merges is bound like one that was sent: in its members, and in its bytes."""
        texts = spec("texts", Mapping(Text(), max_length=40))
        long = "x" * 65_535
        settled = validate_merged(texts, {str(number): long for number in range(20)}, "texts")
        size = len(msgspec.json.encode({str(number): long for number in range(20)}))
        assert size > BODY_BYTES_MAX
        assert settled == [Detail("texts", "too_long", f"This must be at most 1,048,576 bytes of JSON, has {size:,}.")]
        settled = validate_merged(texts, {str(number): "" for number in range(41)}, "texts")
        assert settled == [Detail("texts", "too_long", "This must have at most 40 members, has 41.")]

    @given(st.data())
    def test_a_patch_that_is_accepted_never_breaks(self, data: st.DataObject) -> None:
        """Whatever patch is accepted, merged into whatever document, is a stored value or a list of details."""
        values = st.none() | st.integers(0, 3) | st.sampled_from(["A", "1.5", "longer"]) | st.booleans()
        patch = data.draw(st.dictionaries(st.sampled_from(["shelf", "row", "weight", "lent", "note"]), values))
        try:
            changed = READER.read_patch({"place": patch})
        except Refused:
            return
        settled = validate_merged(self.PLACE, merge({"shelf": "A", "row": 1}, changed.merge["place"]), "place")
        assert isinstance(settled, str)
        assert msgspec.json.decode(settled).keys() == {"shelf", "row", "weight", "lent", "note"}


class TestDocuments:
    @pytest.mark.parametrize("kind", [Items(Integer(), min_length=2, max_length=3), Mapping(Integer(), min_length=2, max_length=3)])
    def test_lengths_count_parts(self, kind: FieldType) -> None:
        """Lists and mappings have their bounds: at the limit fine, one beyond refused without a look at the parts."""
        reader = BodyReader(resource(spec("parts", kind)))

        def parts(count: int) -> Any:
            numbers = list(range(count))
            return {"parts": numbers if isinstance(kind, Items) else {str(each): each for each in numbers}}

        for count in (2, 3):
            assert msgspec.json.decode(str(reader.read_create(parts(count)).values["parts"])) == parts(count)["parts"]
        assert refusal_of(reader.read_create, parts(1)) == {"parts": "too_short"}
        assert refusal_of(reader.read_create, parts(4)) == {"parts": "too_long"}
        noun = "items" if isinstance(kind, Items) else "members"
        assert messages_of(reader.read_create, parts(1)) == {"parts": f"This must have at least 2 {noun}, has 1."}

    def test_a_list_has_1000_items_at_most_unless_declared(self) -> None:
        """The bound that nobody declared holds too."""
        reader = BodyReader(resource(spec("parts", Items(Integer()))))
        assert reader.read_create({"parts": [0] * LIST_ITEMS_MAX})
        assert messages_of(reader.read_create, {"parts": ["x"] * 1001}) == {"parts": "This must have at most 1,000 items, has 1,001."}

    def test_parts_can_be_null_where_declared(self) -> None:
        """list[int | None] and dict[str, int | None] keep null."""
        kinds: dict[str, FieldType] = {"items": Items(Integer(), item_nullable=True), "members": Mapping(Integer(), value_nullable=True)}
        reader = BodyReader(resource(*(spec(name, kind) for name, kind in kinds.items())))
        created = reader.read_create({"items": [1, None], "members": {"a": None}})
        assert created.values == {"items": "[1,null]", "members": '{"a":null}'}

    def test_parts_stand_in_their_json_form(self) -> None:
        """Within a document decimals are strings with all places, durations and booleans as they are shown."""
        kinds: dict[str, FieldType] = {
            "prices": Items(Number(places=2)),
            "breaks": Mapping(Duration()),
            "flags": Items(Boolean()),
            "at": Items(Timestamp()),
            "grid": Items(Items(Float())),
        }
        reader = BodyReader(resource(*(spec(name, kind) for name, kind in kinds.items())))
        sent = {
            "prices": ["1.5", 2],
            "breaks": {"a": "PT90S"},
            "flags": [True, False],
            "at": ["2026-11-23T15:29:00+02:00"],
            "grid": [[], [1]],
        }
        assert reader.read_create(sent).values == {
            "prices": '["1.50","2.00"]',
            "breaks": '{"a":"P0DT0H1M30.000000S"}',
            "flags": "[true,false]",
            "at": f'["{AT}"]',
            "grid": "[[],[1.0]]",
        }

    @pytest.mark.parametrize("value", ["x", 5, True])
    def test_a_document_has_its_kind(self, value: Any) -> None:
        """A list is an array, a mapping and a nested object are objects, and nothing else."""
        reader = BodyReader(resource(spec("items", Items(Text())), spec("labels", Mapping(Text())), spec("place", PLACE)))
        sent = {"items": value, "labels": value, "place": value}
        assert refusal_of(reader.read_create, sent) == dict.fromkeys(sent, "wrong_type")
        assert refusal_of(reader.read_create, {"items": {}, "labels": [], "place": []}) == dict.fromkeys(sent, "wrong_type")

    def test_any_script_is_kept(self) -> None:
        """Texts of a document are stored as they are, not as escapes."""
        value = parse_json('{"labels":{"東京":"Zürich 😀"}}'.encode())
        assert BodyReader(resource(spec("labels", Mapping(Text())))).read_create(value).values == {"labels": '{"東京":"Zürich 😀"}'}


class TestVersionAlone:
    def test_the_version_may_be_sent_or_left_out(self) -> None:
        """A body of DELETE says the version, or nothing."""
        assert read_version_alone({"version": 3}) == 3
        assert read_version_alone({}) is None

    def test_nothing_else_may_be_sent(self) -> None:
        """Other members are unknown, with the nearest name; a wrong version is refused at `version`."""
        assert messages_of(read_version_alone, {"versoin": 3, "id": ID}) == {
            "versoin": "This member is unknown; did you mean `version`?",
            "id": "This member is unknown.",
        }
        assert refusal_of(read_version_alone, {"version": 0, "x": 1}) == {"version": "too_small", "x": "unknown_member"}
        assert refusal_of(read_version_alone, {"version": None}) == {"version": "null_not_allowed"}


class TestSoundPart:
    """What could be read of a body with faults, for what only the database can judge."""

    BOOKS = BodyReader(resource(spec("title", Text(max_length=3)), spec("author_id", Reference("authors"), default=None, nullable=True)))

    def test_of_a_creation(self) -> None:
        """The sound members and the chosen id, whatever else is wrong."""
        with pytest.raises(InvalidBody) as caught:
            self.BOOKS.read_create({"id": ID, "title": "long", "author_id": ID, "x": 1})
        assert caught.value.created == [Created(RecordId(ID), {"author_id": ID})]
        assert caught.value.changed is None

    def test_of_a_bulk(self) -> None:
        """Every record has its place, also one that is no object."""
        with pytest.raises(InvalidBody) as caught:
            self.BOOKS.read_bulk([{"title": "a", "author_id": ID}, 5, {"author_id": ID}])
        assert [each.values for each in caught.value.created] == [{"title": "a", "author_id": ID}, {}, {"author_id": ID}]

    @pytest.mark.parametrize("read", [BOOKS.read_replace, BOOKS.read_patch])
    def test_of_a_change(self, read: Any) -> None:
        """The sound members and those that must be equal, less the faulty ones."""
        with pytest.raises(InvalidBody) as caught:
            read({"title": "long", "author_id": ID, "id": ID, "created_at": "never", "version": 3})
        assert caught.value.changed == Changed({"author_id": ID}, {}, {"id": ID}, 3)
        assert caught.value.created == ()


class TestPeekVersion:
    @pytest.mark.parametrize(("body", "version"), [({"version": 3}, 3), ({"version": Decimal("3.0"), "x": 1}, 3), ({}, None)])
    def test_the_version_is_read_before_the_rest(self, body: object, version: int | None) -> None:
        """What else the body says does not count."""
        assert version == peek_version(body)

    @pytest.mark.parametrize("body", [{"version": None}, {"version": 0}, {"version": "3"}, {"version": True}, [], 3, None, "version"])
    def test_what_is_no_version_is_left_to_the_reader_of_the_body(self, body: object) -> None:
        """Nothing is refused here."""
        assert peek_version(body) is None


class TestSingleValues:
    @pytest.mark.parametrize(
        ("kind", "text", "stored"),
        [
            (Text(), "10", "10"),
            (Integer(), "10", 10),
            (Integer(), "-10", -10),
            (Integer(), "1e3", 1000),
            (Integer(), "5.0", 5),
            (Float(), "10", 10.0),
            (Float(), "-1.5E-3", -0.0015),
            (Boolean(), "true", 1),
            (Boolean(), "false", 0),
            (Number(places=2), "9.9", 990),
            (Date(), "2024-01-01", "2024-01-01"),
            (Reference("authors"), ID.upper(), ID),
        ],
    )
    def test_a_plain_text_is_read(self, kind: FieldType, text: str, stored: Any) -> None:
        """A text of a query string stands for a value of its type."""
        assert repr(parse_text(kind, text)) == repr(stored)

    @pytest.mark.parametrize(
        ("kind", "text", "predicate"),
        [
            (Integer(), "ten", "must be a whole number, is a string"),
            (Integer(), "", "must be a whole number, is a string"),
            (Integer(), "+1", "must be a whole number, is a string"),
            (Integer(), "1_0", "must be a whole number, is a string"),
            (Integer(), "9" * 5000, "must be a whole number, is a string"),
            (Integer(), "9" * 300, "must be at most 9223372036854775807"),
            (Integer(), "1.5", "must be a whole number, has a fraction"),
            (Float(), "1e999", "must fit in a double"),
            (Float(), "1e9999", "must be a number, is a string"),
            (Float(), "NaN", "must be a number, is a string"),
            (Boolean(), "True", "must be true or false, is a string"),
            (Boolean(), "1", "must be true or false, is a string"),
            (Items(Integer()), "[1]", "must be an array, is a string"),
        ],
    )
    def test_a_text_that_is_no_value_is_refused(self, kind: FieldType, text: str, predicate: str) -> None:
        """The error is a ValueError whose text can follow the name of a field."""
        with pytest.raises(ValueError, match=r".") as caught:
            parse_text(kind, text)
        assert str(caught.value) == predicate

    def test_a_json_value_is_read(self) -> None:
        """A value of a JSON filter is read without any turning of texts into numbers."""
        assert parse_value(Integer(), 5) == 5
        assert parse_value(Items(Integer()), [5]) == "[5]"
        assert parse_value(PLACE, {"shelf": "A", "row": None})
        with pytest.raises(ValueError, match="must be a whole number, is a string"):
            parse_value(Integer(), "5")


def test_a_needed_member_is_named_to_who_may_set_it_alone() -> None:
    """Who may neither read nor write it is told that more is needed, and no name."""
    reader = BodyReader(BOOK, Bodies(unknown=frozenset({"price"})))

    assert refusal_of(reader.read_create, {"title": "Solaris"}) == {"author_id": "required", "": "required"}
