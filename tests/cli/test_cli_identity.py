"""`holdfast user` and `holdfast key`: who can sign in, seen to beside whatever serves the database."""

import io
import json
from pathlib import Path

import pytest
from cli_harness import Result, call

ROLES = """
from holdfast import Access, Backend, Resource, User, anyone, role


class Note(Resource):
    text: str

    access = Access(read=anyone, write=role("editor"))


class Member(User):
    name: str
    floor: int = 0


backend = Backend(Note, Member)
"""
PASSWORD = "correct horse battery"  # noqa: S105  # of nobody


@pytest.fixture
def place(folder: Path) -> Path:
    """A working directory with an app whose users have names."""
    (folder / "app.py").write_text(ROLES)
    return folder


def _call(monkeypatch: pytest.MonkeyPatch, *arguments: str, stdin: str = PASSWORD) -> Result:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{stdin}\n"))
    return call(*arguments)


def _add(monkeypatch: pytest.MonkeyPatch, email: str, *more: str) -> Result:
    return _call(monkeypatch, "user", "add", email, "--set", "name=Ann", *more)


@pytest.mark.usefixtures("place")
def test_a_user_is_added_changed_and_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command says what it did; the list shows it; the password is in none of it."""
    added = _add(monkeypatch, "Ann@Example.org", "--role", "editor", "--set", "floor=3", "--json")
    assert (added.status, added.json()["email"], added.json()["roles"], added.json()["floor"]) == (0, "ann@example.org", ["editor"], 3)
    assert added.json()["email_verified"] is True

    for arguments in (("role", "ann@example.org", "--role", "admin"), ("password", "ann@example.org"), ("revoke", "ann@example.org")):
        assert _call(monkeypatch, "user", *arguments, stdin="a second passphrase").status == 0
        assert call("verify").status == 0

    listed = call("user", "list")
    assert listed.out == "ann@example.org  admin  (revoked)\n"
    assert PASSWORD not in added.out + listed.out


@pytest.mark.usefixtures("place")
def test_no_password_at_all_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard input has ended the command says what to do, not that the password is too short; a bad address is told before that."""
    assert _add(monkeypatch, "ann@example.org").status == 0
    monkeypatch.setattr("sys.stdin", io.StringIO())
    added, changed = call("user", "add", "bob@example.org", "--set", "name=Bob"), call("user", "password", "ann@example.org")
    bad = call("user", "add", "nope")

    assert (added.status, changed.status, bad.status) == (2, 2, 2)
    assert "--no-password" in added.err
    assert "Write the new password to it." in changed.err
    assert "'nope' must be an email address" in bad.err


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "said"),
    [
        (("user", "add", "a@example.org", "--set", "name=A", "--role", "edtor"), PASSWORD, 2, "Did you mean `editor`?"),
        (
            ("user", "add", "a@example.org", "--set", "nam=A"),
            PASSWORD,
            2,
            "active, email_verified, name, floor.",
        ),
        (("user", "add", "a@example.org"), PASSWORD, 1, "name: This member is required."),
        (("user", "add", "a@example.org", "--set", "name=A"), "short", 1, "password: This must be at least 15 characters"),
        (("user", "add", "a@example.org", "--set", "name=A"), "passwordpassword", 1, "password: This is too easily guessed."),
        (("user", "add", "no address"), "short", 2, "'no address' must be an email address"),
        (
            ("user", "add", "ci@key.invalid", "--set", "name=A"),
            PASSWORD,
            2,
            "'ci@key.invalid' may not be at key.invalid, which is kept for API keys",
        ),
        (("user", "role", "nobody@example.org"), "", 1, "There is no user nobody@example.org."),
        (("key", "add", "No Name"), "", 2, "A name has 1 to 63 of a-z, 0-9, _ and -."),
        (("key", "add", "ci", "--expires", "soon"), "", 2, "Write days as 90d, hours as 12h."),
        (("key", "add", "ci", "--role", "nobody-knows"), "", 2, "Known here: `admin`, `editor`."),
        (("key", "revoke", "ci"), "", 1, "There is no key ci."),
    ],
)
def test_what_is_refused(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], stdin: str, status: int, said: str) -> None:
    """Wrong use is 2, what does not hold is 1; both say what to do."""
    assert _add(monkeypatch, "other@example.org").status == 0

    refused = _call(monkeypatch, *arguments, stdin=stdin)

    assert refused.status == status
    assert said in " ".join(refused.err.split())


@pytest.mark.usefixtures("place")
def test_an_address_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its case."""
    assert _add(monkeypatch, "ann@example.org").status == 0

    assert _add(monkeypatch, "ANN@example.org").status == 1


@pytest.mark.parametrize(
    "arguments", [("key", "add", "{}", "--set", "name=CI"), ("user", "add", "{}@example.org", "--no-password", "--set", "name=Ann")]
)
def test_who_adds_is_told_to_which_database(place: Path, arguments: tuple[str, ...]) -> None:
    """On standard error, with its whole path, and that it was made where there was none: a server elsewhere knows nobody of these."""
    first, second = (call(*(each.format(name) for each in arguments), "--data", "elsewhere") for name in ("one", "two"))

    path = place / "elsewhere" / "holdfast.db"
    assert (first.status, second.status) == (0, 0)
    assert f"Database: {path}, made now: there was none.\n" in first.err
    assert f"Database: {path}\n" in second.err
    assert len(first.out.splitlines()) == len(second.out.splitlines()) == 1


def test_who_is_refused_is_told_of_a_database_that_was_made(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays, although nobody was added to it."""
    refused = _call(monkeypatch, "user", "add", "ann@example.org", "--set", "name=Ann", stdin="short")

    assert refused.status == 1
    assert f"Database: {place / 'data' / 'holdfast.db'}, made now: there was none.\n" in refused.err


def test_a_key_is_shown_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is the key alone; no list shows it, no file holds it, and a name has one living key."""
    made = _call(monkeypatch, "key", "add", "ci", "--role", "editor", "--set", "name=CI", "--expires", "90d")
    key = made.out.strip()
    assert (made.status, key[:3], len(key)) == (0, "hf_", 46)

    (listed,) = call("key", "list", "--json").json()
    assert (listed["name"], listed["roles"], listed["seen_at"]) == ("ci", ["editor"], None)
    assert key not in json.dumps(listed)
    assert all(key[3:].encode() not in each.read_bytes() for each in (place / "data").rglob("*") if each.is_file())
    assert _call(monkeypatch, "key", "add", "ci", "--set", "name=CI").status == 1
    assert "ci" not in call("user", "list").out

    assert call("key", "revoke", "ci").status == 0
    assert call("key", "list", "--json").json() == []
