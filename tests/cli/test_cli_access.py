"""access: which term grants or refuses, and who may do what."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_harness import call, importing_from

from holdfast.find import load_backend
from holdfast.testing import Client

APP = """
from holdfast import Access, Backend, Resource, User, anyone, field, owner, role, this, user


class Person(User):
    team: str | None = None


class Note(Resource):
    text: str = ""
    team: str | None = field(default=None, index=True)
    grade: int | None = field(default=None, readable_by=role("boss"))

    access = Access(
        read=(this.text == "open") | owner,
        create=~role("banned") & (user.team == "blue"),
        update=role("boss"),
        delete=(this.team == user.team) & ~owner,
    )


backend = Backend(Person, Note)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with the app and its data, and the ids of an open and a shut note."""
    folder = tmp_path_factory.mktemp("access")
    (folder / "app.py").write_text(APP, "utf-8")
    with importing_from(folder), pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("HOLDFAST_APP", raising=False)
        assert call("user", "add", "ann@example.org", "--no-password", "--set", "team=blue").status == 0
        assert call("key", "add", "robot", "--role", "boss").status == 0
        with Client(load_backend(str(folder / "app.py")), data=str(folder / "data")) as client:
            client.sign_in("admin")
            made = {text: client.post("/api/v1/notes", json={"text": text, "team": "blue"}).data["id"] for text in ("open", "shut")}
        yield folder, made


@pytest.fixture(autouse=True)
def _here(place: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place[0])


@pytest.mark.parametrize(
    ("who", "verb", "granted", "because"),
    [
        ("nobody", "read", None, "Granted on some rows: it depends on read."),
        ("nobody", "create", False, "Refused by the rule of create: user.team == 'blue'."),
        ("ann@example.org", "create", True, "Granted by the rule of create: ~role('banned') & (user.team == 'blue')."),
        ("ANN@example.org", "update", False, "Refused by the rule of update: role('boss')."),
        ("robot", "update", None, "Granted on some rows: it depends on read."),
        ("nobody", "delete", False, "Refused by the rule of delete: this.team == user.team."),
    ],
)
def test_the_term_that_decides_is_named(who: str, verb: str, granted: bool | None, because: str) -> None:  # noqa: FBT001  # a verdict
    """For users, keys and nobody; the exit status says whether it is refused."""
    result = call("access", "explain", who, verb, "notes", "--json")

    assert result.status == (1 if granted is False else 0)
    told = result.json()
    assert (told["granted"], told["because"]) == (granted, because)


def test_with_a_record_every_term_is_asked_of_it(place: tuple[Path, dict[str, str]]) -> None:
    """By the database: what depended on the row holds or does not."""
    verdicts = {text: call("access", "explain", "nobody", "read", "notes", key, "--json").json() for text, key in place[1].items()}

    assert {text: told["granted"] for text, told in verdicts.items()} == {"open": True, "shut": False}
    first = verdicts["open"]["rules"][0]["term"]["parts"]
    assert [(each["text"], each["holds"]) for each in first] == [("this.text == 'open'", True), ("this.created_by == user", False)]
    told = call("access", "explain", "ann@example.org", "delete", "notes", place[1]["open"])
    assert told.status == 0
    assert "granted  ann@example.org: delete notes" in told.out
    assert "Granted by the rule of delete: (this.team == user.team) & ~(this.created_by == user)." in told.out


def test_the_table_says_yes_no_or_the_rule() -> None:
    """For nobody, for who has no role and for each role; then the fields that have rules."""
    lines = {(each["resource"], each["field"], each["caller"]): each["rules"] for each in call("access", "matrix", "--json").json()}

    assert lines["notes", None, "nobody"]["read"] == "this.text == 'open'"
    assert lines["notes", None, "nobody"]["create"] == "no"
    assert lines["notes", None, "signed in"]["create"] == "user.team == 'blue'"
    assert lines["notes", None, "banned"]["create"] == "no"
    assert lines["notes", None, "boss"]["update"] == "yes"
    assert lines["notes", None, "admin"]["delete"] == "yes"
    assert lines["notes", "grade", "boss"] == {"readable_by": "yes"}
    assert lines["users", None, "signed in"]["read"] == "no"
    text = call("access", "matrix").out
    assert "notes.grade" in text
    assert json.dumps(text)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("nobody", "raed", "notes"), 2, "Did you mean `read`?"),
        (("nobody", "read", "nots"), 2, "Did you mean `notes`?"),
        (("nobody", "read", "notes", "x"), 2, "'x' is no id."),
        (("eve@example.org", "read", "notes"), 1, "There is no user and no key eve@example.org."),
        (("nobody", "read", "notes", "01890a5d-ac96-774b-bcce-b302099a8057"), 1, "There is no record"),
    ],
)
def test_what_is_not_there_is_told(arguments: tuple[str, ...], status: int, told: str) -> None:
    """With the nearest name where it is a name."""
    result = call("access", "explain", *arguments)

    assert result.status == status
    assert told in result.err


def test_who_was_revoked_is_granted_nothing() -> None:
    """It says so, whatever the rules."""
    assert call("key", "add", "gone", "--role", "boss").status == 0
    assert call("key", "revoke", "gone").status == 0
    result = call("access", "explain", "gone", "update", "notes")

    assert result.status == 1
    assert "The user is revoked" in result.out


def test_warnings_are_told_by_doctor() -> None:
    """Beside the app, which holds all the same."""
    checks = {each["check"]: each for each in call("doctor", "--json").json()["checks"]}

    assert checks["app"]["holds"]
    assert "Note.access: Lists look at every row" in checks["app"]["found"]
