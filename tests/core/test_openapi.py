"""The OpenAPI document: complete, and true to what validation and lists accept."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from holdfast import Access, Backend, Ref, Resource, User, anyone, is_in, is_null, owner, role, signed_in, this, user
from holdfast.base.errors import CATALOGUE, DETAIL_CODES, Refused
from holdfast.core.ask.cursor import Cursors
from holdfast.core.ask.lists import ListReader
from holdfast.core.openapi import build_openapi
from holdfast.core.openapi.schema import Use, build_schema, maybe
from holdfast.core.routes import build_routes
from holdfast.core.structure import field_reader, patch_reader
from holdfast.find import load_backend
from holdfast.model.catalog import Catalog
from holdfast.model.json_form import to_json
from holdfast.model.rule import Rule
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
    Text,
    TextFormat,
    Time,
    Timestamp,
    Uuid,
)

_ROOT = Path(__file__).parents[2]
_APPS = {"library": _ROOT / "examples/library.py", "everything": _ROOT / "tests/judges/everything.py"}
_METHODS = {"get", "put", "post", "patch", "delete"}


def _catalog(app: str) -> Catalog:
    return load_backend(str(_APPS[app])).catalog


def _document(app: str, *, cookies: bool = False, cors: bool = False) -> dict[str, Any]:
    catalog = _catalog(app)
    return build_openapi(catalog, routes=build_routes(catalog, query_method=True, oidc=True), cookies=cookies, cors=cors)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


@pytest.mark.parametrize("cookies", [False, True])
@pytest.mark.parametrize("app", _APPS)
def test_the_document_is_valid(app: str, *, cookies: bool) -> None:
    """It is an OpenAPI 3.1 document by the judgement of openapi-spec-validator."""
    validate(_document(app, cookies=cookies, cors=cookies))


@pytest.mark.parametrize("app", _APPS)
def test_the_document_is_the_same_every_time(app: str) -> None:
    """Two builds give the same bytes, in the same order."""
    assert json.dumps(_document(app)) == json.dumps(_document(app))


@pytest.mark.parametrize("app", _APPS)
def test_every_route_is_told_under_a_name_of_its_own(app: str) -> None:
    """Every route but the QUERY method, which OpenAPI 3.1 cannot say, and the parts of the docs page has one operation."""
    routes = build_routes(_catalog(app), query_method=True, oidc=True)
    told = {(path, method.upper()) for path, method, _ in _operations(_document(app))}
    assert told == {(each.template, each.method) for each in routes if each.method != "QUERY" and each.template != "/docs/{asset}"}
    names = [operation["operationId"] for _, _, operation in _operations(_document(app))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("cookies", [False, True])
@pytest.mark.parametrize("app", _APPS)
def test_every_reference_is_kept_and_every_component_used(app: str, *, cookies: bool) -> None:
    """No reference leads nowhere; only errors that no operation can meet yet are told without being referred to."""
    document = _document(app, cookies=cookies, cors=cookies)
    used = set(_references(document))
    named = {kind: group for kind, group in document["components"].items() if kind != "securitySchemes"}  # which are named, not referred to
    held = {f"#/components/{kind}/{name}" for kind, group in named.items() for name in group}
    assert used <= held
    unused = {each.rpartition("/")[2] for each in held - used}
    assert {each for each in unused if not re.fullmatch(r"error\.40[135]|WWW-Authenticate|Allow|list\.q", each)} == set()


@pytest.mark.parametrize("app", _APPS)
def test_every_operation_says_who_may_call_it(app: str) -> None:
    """Each operation has its security, and 401 wherever a token is read."""
    for path, _, operation in _operations(_document(app)):
        assert operation["security"] in ([], [{"bearer": []}], [{}, {"bearer": []}]), path
        assert ("401" in operation["responses"]) >= (operation["security"] != []), path


def test_a_session_cookie_is_told_where_there_are_any() -> None:
    """Beside the token, wherever one is taken, and no less needed: its scheme, and the cookie that answers set."""
    plain, told = (_document("library", cookies=each) for each in (False, True))
    assert set(plain["components"]["securitySchemes"]) == {"bearer"}
    scheme = told["components"]["securitySchemes"]["cookie"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "cookie", "__Host-hf")
    ways: dict[str, list[dict[str, list[str]]]] = {
        "[]": [],
        '[{"bearer": []}]': [{"bearer": []}, {"cookie": []}],
        '[{}, {"bearer": []}]': [{}, {"bearer": []}, {"cookie": []}],
    }
    for (path, _, before), (_, _, after) in zip(_operations(plain), _operations(told), strict=True):
        assert after["security"] == ways[json.dumps(before["security"])], path
    setting = {"sign_in", "sign_out", "start_oidc", "finish_oidc"}
    assert {each["operationId"] for _, _, each in _operations(told) if _tells(each, "Set-Cookie")} == setting
    assert {each["operationId"] for _, _, each in _operations(plain) if _tells(each, "Set-Cookie")} == {"start_oidc", "finish_oidc"}
    taken = ["Set-Cookie" in each["components"]["responses"]["error.401"]["headers"] for each in (plain, told)]
    assert taken == [False, True]


def _tells(operation: dict[str, Any], header: str) -> bool:
    return any(header in each.get("headers", ()) for each in operation["responses"].values())


def test_what_a_cookie_cannot_do_alone_is_told() -> None:
    """Whatever is no GET and reads who asks can be refused for its page with 403, whatever its rules, and so can a sign-in by cookie."""
    unread = {"refresh_session", "ask_reset", "confirm_reset"}
    plain, told = (_document("library", cookies=each) for each in (False, True))
    guarded = {"$ref": "#/components/parameters/x-csrf"}
    for (_, method, before), (_, _, after) in zip(_operations(plain), _operations(told), strict=True):
        is_guarded = method != "get" and after["operationId"] not in unread
        assert (guarded in after["parameters"]) is is_guarded, after["operationId"]
        assert ("403" in after["responses"]) is (is_guarded or "403" in before["responses"]), after["operationId"]
        assert guarded not in before["parameters"]
    assert "403" not in plain["paths"]["/api/v1/auth/login"]["post"]["responses"]


@pytest.mark.parametrize(("cookies", "cors"), [(False, False), (False, True), (True, False), (True, True)])
def test_what_every_answer_carries_is_told_of_every_answer(*, cookies: bool, cors: bool) -> None:
    """The headers of all answers stand with each, as references; what pages of other origins are told only where there are any."""
    document = _document("everything", cookies=cookies, cors=cors)
    always = {
        *("X-Request-Id", "Cache-Control", "Vary", "X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy"),
        *("X-Frame-Options", "Strict-Transport-Security", "RateLimit-Policy", "RateLimit", "Access-Control-Allow-Origin"),
        *(["Access-Control-Expose-Headers"] if cors else []),
        *(["Access-Control-Allow-Credentials"] if cors and cookies else []),
    }
    answers = [*document["components"]["responses"].values()]
    answers += [each for _, _, told in _operations(document) for each in told["responses"].values() if "$ref" not in each]
    for each in answers:
        assert always <= each["headers"].keys()
    told = {name for name in document["components"]["headers"] if name.startswith("Access-Control")}
    assert told == {name for name in always if name.startswith("Access-Control")}


def test_a_version_that_is_stale_is_told_with_its_tag() -> None:
    """409 and 412 carry the ETag of today."""
    responses = _document("library")["components"]["responses"]
    assert all("ETag" in responses[f"error.{status}"]["headers"] for status in (409, 412))


def test_the_security_is_that_of_the_rules() -> None:
    """What anyone may is open, what nobody may who is not signed in needs a token; 403 stands where a rule can refuse."""
    told = {
        operation["operationId"]: ({} in operation["security"], "403" in operation["responses"])
        for _, _, operation in _operations(_document("library"))
    }
    wanted = {
        "list_authors": (True, False),
        "list_books": (True, False),
        "read_book": (True, False),
        "create_author": (False, True),
        "patch_book": (False, True),
        "list_users": (False, True),
        "create_user": (False, True),
        "apply_batch": (False, True),
        "list_changes": (True, True),
        "read_me": (False, False),
    }
    assert {name: told[name] for name in wanted} == wanted


@pytest.mark.parametrize("app", _APPS)
def test_everything_is_bounded(app: str) -> None:
    """Every text, whole number and array of the document has its bounds."""
    assert [schema for schema in _schemas(_document(app)) if not _is_bounded(schema)] == []


def _schemas(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("type"), str | list):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _schemas(each)


def _is_bounded(schema: dict[str, Any]) -> bool:
    types = schema["type"]
    needed = {
        "string": schema.keys() & {"maxLength", "enum", "const"},
        "integer": schema.keys() >= {"minimum", "maximum", "format"} or schema.keys() >= {"exclusiveMinimum", "maximum", "format"},
        "array": "maxItems" in schema,
    }
    return all(held for kind, held in needed.items() if kind in types)


@pytest.mark.parametrize("app", _APPS)
def test_a_summary_is_plain_text(app: str) -> None:
    """Summaries are not rendered as Markdown, so they hold none of its marks."""
    assert [operation["summary"] for _, _, operation in _operations(_document(app)) if "`" in operation["summary"]] == []


def test_every_error_code_stands_with_its_status() -> None:
    """The envelope of each status lists exactly the codes of the catalogue that come with it; details list all of theirs."""
    schemas = _document("library")["components"]["schemas"]
    told = {
        (int(name.removeprefix("error.")), code)
        for name, schema in schemas.items()
        if re.fullmatch(r"error\.\d+", name)
        for code in schema["properties"]["error"]["properties"]["code"]["enum"]
    }
    assert told == {(each.status, each.code) for each in CATALOGUE.values()} | {(409, "version_conflict")}
    assert schemas["error.detail"]["properties"]["code"]["enum"] == list(DETAIL_CODES)


def test_a_change_needs_a_version_only_where_the_resource_says_so() -> None:
    """428 stands with PUT, PATCH and DELETE of a resource that requires versions, and with the batch that can hold them."""
    told = {operation["operationId"] for _, _, operation in _operations(_document("everything")) if "428" in operation["responses"]}
    assert told == {"replace_thing", "patch_thing", "delete_thing", "replace_user", "patch_user", "delete_user", "apply_batch"}


def test_what_was_read_can_be_sent_back() -> None:
    """The body of PUT takes every member that is shown; what cannot be changed is marked as read-only."""
    schemas = _document("everything")["components"]["schemas"]
    sent, shown = schemas["Thing.replace"]["properties"], schemas["Thing"]["properties"]
    assert shown.keys() - sent.keys() == {"shelf"}
    assert {name for name, each in sent.items() if each.get("readOnly")} == {
        "id", "created_at", "updated_at", "created_by_id", "code", "made_by"
    }  # fmt: skip
    assert schemas["Thing.patch"].get("required", []) == schemas["Thing.replace"].get("required", []) == []


def test_secret_members_are_written_and_never_shown() -> None:
    """A secret field is in the bodies, marked as write-only, and in nothing that is shown, filtered or sorted."""
    document = _document("everything")
    schemas, parameters = document["components"]["schemas"], document["components"]["parameters"]
    assert schemas["Thing.create"]["properties"]["password"]["writeOnly"] is True
    for name in ("Thing", "Thing.part", "Thing.filter"):
        assert "password" not in json.dumps(schemas[name])
    assert not any("password" in json.dumps(each) for each in parameters.values())


def test_what_only_some_may_read_is_not_required() -> None:
    """A whole record need not have the members with a rule of their own."""
    schema = _document("everything")["components"]["schemas"]["Thing"]
    assert "hidden" in schema["properties"]
    assert "hidden" not in schema["required"]


def test_defaults_and_examples_stand_in_their_json_form() -> None:
    """A default is told in words, as the API writes the value; one that a function makes is not told."""
    properties = _document("everything")["components"]["schemas"]["Thing.create"]["properties"]
    told = {name: properties[name].get("description") for name in ("price", "first", "opens", "lasts", "note", "tags")}
    assert told == {
        "price": 'Default: `"1.50"`.',
        "first": 'Default: `"2020-01-01"`.',
        "opens": 'Default: `"09:30:00.000000"`.',
        "lasts": 'Default: `"P0DT1H0M0.000000S"`.',
        "note": "Free text. Default: `null`.",
        "tags": None,
    }
    assert _document("everything")["components"]["schemas"]["Shelf.create"]["properties"]["label"]["examples"] == ["A1"]


@pytest.mark.parametrize("app", _APPS)
def test_every_parameter_of_a_list_is_one_that_lists_read(app: str) -> None:
    """A value made from the schema of each query parameter is understood by the reader of that list."""
    catalog, document = _catalog(app), _document(app)
    for resource in catalog.resources.values():
        reader = ListReader(catalog, resource, Cursors(lambda _: bytes(16)))
        references = document["paths"][f"/api/v1/{resource.path}"]["get"]["parameters"]
        for each in references:
            parameter = document["components"]["parameters"][each["$ref"].rpartition("/")[2]]
            if parameter["in"] == "query" and parameter["name"] != "after":
                reader.read_query(f"{quote(parameter['name'])}={quote(_sample(parameter['schema'], document))}")


def _sample(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """The plainest text that a schema of a query parameter allows."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return str(schema["enum"][0])
    formats = {"uuid": "0190b8f0-0000-7000-8000-000000000000", "date": "2024-02-29", "date-time": "2024-02-29T10:00:00Z"}
    if "format" in schema and schema["format"] in formats:
        return formats[schema["format"]]
    by_type = {"integer": "7", "number": "0.5", "boolean": "true"}
    return by_type.get(schema["type"]) or next(text for text in _TEXTS if re.search(schema.get("pattern", ""), text))


_TEXTS = (
    "id", "shelf", "above", "author", "a", "1.5", "1", "1.5,1.5", "1,2", "true", "2024-02-29,2024-03-01", "09:30:00", "P1D", "P1D,PT2H",
    "09:30:00,10:30:00", "2024-02-29T10:00:00Z,2024-03-01T00:00:00.5+02:00", "plain,plain", "draft,draft",
    "0190b8f0-0000-7000-8000-000000000000,0190b8f0-0000-7000-8000-000000000001",
)  # fmt: skip


@seed(1)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_every_text_of_several_values_that_fits_its_pattern_is_read(data: st.DataObject) -> None:
    """Whatever matches the pattern of `in`, `nin` or `between` is understood (Hypothesis, derandomized)."""
    parameter = data.draw(st.sampled_from(_SEVERAL))
    text = data.draw(st.from_regex(re.compile(parameter["schema"]["pattern"].replace("$", r"\Z"), re.ASCII)))
    try:
        _EVERYTHING_READER.read_query(f"{quote(parameter['name'])}={quote(text)}")
    except Refused as error:
        if "9999" not in error.message:  # an offset can lead beyond the first or last year
            raise


_EVERYTHING, _EVERYTHING_DOCUMENT = _catalog("everything"), _document("everything")
_EVERYTHING_READER = ListReader(_EVERYTHING, _EVERYTHING.resources["things"], Cursors(lambda _: bytes(16)))
_SEVERAL = [
    each
    for name, each in _EVERYTHING_DOCUMENT["components"]["parameters"].items()
    if name.startswith(("Thing.", "list.")) and name.endswith((".in", ".nin", ".between"))
]


@dataclass
class Point:
    """A nested object."""

    x: int
    y: int = 0
    label: str | None = None


_POINT = Nested(
    "Point",
    (Member("x", Integer()), Member("y", Integer(), required=False, default=0), Member("label", Text(), nullable=True, required=False)),
    Point,
)

_ANYTHING = [None, True, False, 0, -1, 5, 2.0, "", "5", "true", [], {}, [1], {"a": 1}, 2**63, -(2**63) - 1, 1.5]

_CORPUS: list[tuple[FieldType, list[Any]]] = [
    (Text(min_length=1, max_length=3), ["a", "abc", "abcd", "a\n", "\0", "aé字", "😀😀😀", "😀😀😀😀"]),
    (Text(pattern="^[a-c]+$"), ["a", "abc", "abd", "a\n"]),
    (Text(format=TextFormat.EMAIL), ["a@example.org", "a@b", "@example.org", "a b@example.org", "zoë@exämple.org", "a@b.c@d"]),
    (Text(format=TextFormat.URL), ["https://example.org", "http://example.org:80/a?b=c#d", "example.org", "//example.org", "https://a b"]),
    (Integer(), [2**63 - 1, -(2**63), 5.0, 1e3, 5.5]),
    (Integer(ge=2, le=8, multiple_of=3), [2, 3, 6, 8, 9]),
    (Float(), [1e308, -1e308, 1e-320, 3]),
    (Float(gt=0, lt=2), [0, 0.0001, 1.9999, 2]),
    (Float(ge=0, le=2), [-0.0001, 0, 2, 2.0001]),
    (Boolean(), [0, 1, "true"]),
    (Number(2, 5), ["1", "1.5", "1.50", "1.505", "999.99", "1000", "-999.99", "-1000", ".5", "1.", "1e2", 1.5, 1.25, 999.99, 1000, 1e2]),
    (Number(2, 5, gt=Decimal(0)), ["0", "0.00", "0.01", "-1", 0, 0.01]),
    (Number(2, 5, ge=Decimal("-1.5"), le=Decimal("2.25")), ["-1.5", "-1.51", "2.25", "2.26", "2", -1.5, -1.51, 2.25, 2.26]),
    (Number(2, 5, lt=Decimal(3)), ["2.99", "3", "3.00", 2.99, 3]),
    (Number(0, 3), ["0", "999", "1000", "1.0", 999, 1000, 1.5]),
    (Date(), ["2024-02-29", "2023-02-29", "2024-2-9", "2024-02-30", "20240229", "2024-02-29T00:00:00Z"]),
    (Time(), ["00:00:00", "23:59:59.999999", "24:00:00", "12:00", "12:00:00Z", "12:00:60", "12:00:00.", "12:00:00.1234567"]),
    (Timestamp(), ["2024-02-29T10:00:00Z", "2024-02-29t10:00:00.5z", "2024-02-29T10:00:00+14:00", "2024-02-29T10:00"]),
    (Timestamp(), ["2023-02-29T10:00:00Z", "2024-02-29"]),
    (Duration(), ["P1D", "P1DT2H3M4.5S", "-P1D", "+P1D", "P2W", "P", "PT", "P1Y", "P1M", "P1DT", "PT0.000001S", "PT1H1S", "PT1S1H"]),
    (Uuid(), ["0190b8f0-0000-7000-8000-000000000000", "0190B8F0-0000-7000-8000-000000000000", "0190b8f0-0000-7000-8000-00000000000", "x"]),
    (Choice(("a", "b")), ["a", "b", "c", "A"]),
    (Items(Integer(ge=0), min_length=1, max_length=2), [[0], [0, 1], [0, 1, 2], [-1], [None], ["a"]]),
    (Items(Text(max_length=1), item_nullable=True), [["a", None], ["ab"]]),
    (Mapping(Integer(), min_length=1, max_length=2), [{"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, {"a": None}, {"\0": 1}, {"a": "b"}]),
    (Mapping(Number(1, 3), value_nullable=True), [{"a": None, "b": "1.5", "c": 1.5}, {"a": "1.55"}]),
    (_POINT, [{"x": 1}, {"x": 1, "y": 2, "label": "a"}, {"x": 1, "label": None}, {"x": 1, "y": None}, {"y": 1}, {"x": 1, "z": 1}]),
    (Items(_POINT), [[{"x": 1}], [{}]]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values"), _CORPUS, ids=lambda each: repr(each)[:60])
def test_a_schema_accepts_what_validation_accepts(kind: FieldType, values: list[Any]) -> None:
    """For every value of the corpus, schema and validation give the same verdict."""
    schema = jsonschema_rs.Draft202012Validator(build_schema(kind, Use.SENT), validate_formats=True)
    for value in (*values, *_ANYTHING):
        assert schema.is_valid(value) == _is_read(field_reader(kind), value), value


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (_POINT, [{}, {"x": 1}, {"x": None}, {"y": None}, {"label": None}, {"z": 1}, {"y": "a"}]),
        (Mapping(Integer(), min_length=1, max_length=2), [{}, {"a": None}, {"a": 1, "b": 2, "c": 3}, {"a": "b"}]),
        (Mapping(_POINT), [{"a": {}}, {"a": None}, {"a": {"x": None}}]),
    ],
    ids=repr,
)
def test_a_merge_schema_accepts_what_a_merge_patch_may_say(kind: Mapping | Nested, values: list[Any]) -> None:
    """For every value of the corpus, the schema within a merge patch and its reader give the same verdict."""
    schema = jsonschema_rs.Draft202012Validator(build_schema(kind, Use.MERGED))
    for value in (*values, *_ANYTHING):
        assert schema.is_valid(value) == _is_read(patch_reader(kind), value), value


def _is_read(read: Any, value: Any) -> bool:
    """Whether a reader takes a value, which arrives as JSON would bring it: numbers with a point as Decimal."""
    if value is None:
        return False  # null is judged by the member, not by its type
    try:
        read(_as_sent(value))
    except ValueError:
        return False
    return True


def _as_sent(value: Any) -> Any:
    """The value written with as few digits as it takes: a schema knows values alone, and cannot tell 2.0 from 2."""
    return json.loads(json.dumps(value), parse_float=lambda text: Decimal(text).normalize())


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Text(max_length=5), "a"),
        (Integer(), 2**63 - 1),
        (Float(), 1.5),
        (Boolean(), True),
        (Number(2, 5), Decimal("-999.99")),
        (Number(0, 5), Decimal(7)),
        (Number(2, 2), Decimal("0.50")),
        (Date(), date(2024, 2, 29)),
        (Time(), time(23, 59, 59, 5)),
        (Timestamp(), datetime(1, 1, 1, tzinfo=UTC)),
        (Duration(), timedelta(days=-106_751_991)),
        (Uuid(), "0190b8f0-0000-7000-8000-000000000000"),
        (Items(Number(1)), [Decimal("1.5")]),
        (Mapping(Date()), {"a": date(2024, 2, 29)}),
        (_POINT, Point(1)),
    ],
    ids=repr,
)
def test_a_schema_describes_what_is_shown(kind: FieldType, value: Any) -> None:
    """The JSON form of a value fits the schema of what is shown, and null fits where null is accepted."""
    shown = value if isinstance(kind, Uuid) else to_json(kind, value)
    schema = maybe(build_schema(kind, Use.SHOWN), null=True)
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    assert validator.is_valid(shown), schema
    assert validator.is_valid(None), schema


def test_a_rule_that_cannot_refuse_says_no_403() -> None:
    """What asks the row alone hides records; what asks the caller can refuse them."""

    class Holder(User):
        limit: int | None = None

        access = Access(read=owner)

    def forbids(rule: Rule) -> bool:
        class Thing(Resource):
            size: int = 0
            access = Access(read=rule)

        catalog = Backend(Holder, Thing).catalog
        document = build_openapi(catalog, routes=build_routes(catalog))
        return "403" in document["paths"]["/api/v1/things"]["get"]["responses"]

    refusing = (user.limit == 5, is_null(user.limit), role("a") & signed_in, ~role("a"), role("a") | (user.limit == 5))
    hiding = (this.size > 5, is_in(this.size, 1, 2), role("a") | (this.size == 1), ~(this.size == 1), is_null(this.size) | signed_in)
    assert [forbids(each) for each in refusing] == [True] * len(refusing)
    assert [forbids(each) for each in hiding] == [False] * len(hiding)


def test_what_refers_to_a_hidden_record_needs_a_token() -> None:
    """A list of what refers to a record is as closed as that record."""

    class Rack(Resource):
        access = Access(read=signed_in)

    class Thing(Resource):
        rack: Ref[Rack] | None = None
        access = Access(read=anyone)

    catalog = Backend(Rack, Thing).catalog
    paths = build_openapi(catalog, routes=build_routes(catalog))["paths"]
    told = [paths[each]["get"]["security"] for each in ("/api/v1/things", "/api/v1/racks/{id}/things")]
    assert told == [[{}, {"bearer": []}], [{"bearer": []}]]
