"""Stories of the second factor; pyotp is the judge of its codes."""

import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
import time_machine
from story_case import telling
from story_people import BACKEND, LOGIN, PASSWORD, Held, Person, add_person, verify

from holdfast.base.instant import Instant
from holdfast.core.totp import STEP_S, build_code, find_step
from holdfast.testing import Response

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105  # of nobody


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    """A user of a service of their own, whose clock a test may move on."""
    with telling(BACKEND, data=str(tmp_path / "data"), login_rate_limit="off") as story:
        yield add_person(story, tmp_path / "data")


def _login(person: Person, totp: str | None = None) -> Response:
    return person.story.ask("POST", LOGIN, json={"email": person.email, "password": PASSWORD, "totp": totp})


def _enrol(person: Person) -> tuple[Held, pyotp.TOTP, list[str]]:
    """Enrol and confirm: a session, the authenticator, the recovery codes."""
    held = person.sign_in()
    made = held.ask("POST", "/auth/totp/enrol", json={"password": PASSWORD}).data
    authenticator = pyotp.parse_uri(made["uri"])
    assert isinstance(authenticator, pyotp.TOTP)
    assert (authenticator.secret, authenticator.name) == (made["secret"], person.email)
    confirmed = held.ask("POST", "/auth/totp/confirm", json={"totp": authenticator.now()})
    assert confirmed.status == 200, confirmed
    return held, authenticator, confirmed.data["recovery_codes"]


def test_codes_are_those_of_every_authenticator() -> None:
    """Our codes are pyotp's, at any time; those of the step before and after count too, no others."""
    judge = pyotp.TOTP(SECRET)
    for step in (1, 41_152_263, 59_000_000, 666_666_666):
        code, now = judge.at(step * STEP_S), Instant(step * STEP_S * 1_000_000 + 17)
        assert build_code(SECRET, step) == code
        assert find_step(SECRET, code, now) == step
    base = 50_000_000
    found = [find_step(SECRET, judge.at((base + off) * STEP_S), Instant(base * STEP_S * 1_000_000)) for off in (-2, -1, 0, 1, 2)]
    assert found == [None, base - 1, base, base + 1, None]


def test_a_sign_in_needs_the_code(person: Person, tmp_path: Path) -> None:
    """Without it 401 with a code of its own, with a wrong one as with a wrong password, with the right one tokens; each code works once."""
    _, authenticator, _ = _enrol(person)

    assert _login(person).error["code"] == "totp_required"
    assert person.story.ask("POST", LOGIN, json={"email": person.email, "password": "wrong"}).error["code"] == "invalid_credentials"
    assert _login(person, "000000").error["code"] == "invalid_credentials"
    assert _login(person, authenticator.now()).error["code"] == "invalid_credentials"  # the one that confirmed
    with time_machine.travel(time.time() + 60, tick=True):
        code = authenticator.now()
        assert _login(person, code).status == 200
        assert _login(person, code).status == 401
    assert verify(tmp_path / "data") == []


def test_it_counts_once_it_is_confirmed(person: Person) -> None:
    """A secret that was never confirmed is asked for by nobody, and can be made anew; one in force cannot."""
    held = person.sign_in()
    first = held.ask("POST", "/auth/totp/enrol", json={"password": PASSWORD}).data["secret"]
    assert person.sign_in().lives
    assert held.ask("POST", "/auth/totp/confirm", json={"totp": "000000"}).status == 401
    assert held.ask("POST", "/auth/totp/enrol", json={"password": "wrong"}).status == 401

    second = held.ask("POST", "/auth/totp/enrol", json={"password": PASSWORD}).data["secret"]
    assert second != first
    assert held.ask("POST", "/auth/totp/confirm", json={"totp": pyotp.TOTP(second).now()}).status == 200
    assert held.ask("POST", "/auth/totp/enrol", json={"password": PASSWORD}).status == 409


def test_recovery_codes_work_once(person: Person) -> None:
    """Ten of them, each in the place of a code, none twice, none for anybody else."""
    _, _, codes = _enrol(person)

    assert len(set(codes)) == 10
    assert _login(person, codes[0]).status == 200
    assert _login(person, codes[0]).status == 401
    assert _login(person, codes[1].upper()).status == 200


def test_it_is_taken_away(person: Person) -> None:
    """By password and code; then a password is enough, and the recovery codes are dead."""
    held, _, codes = _enrol(person)
    assert held.ask("POST", "/auth/totp/disable", json={"password": PASSWORD, "totp": "000000"}).status == 401
    assert held.ask("POST", "/auth/totp/disable", json={"password": "wrong", "totp": codes[0]}).status == 401

    assert held.ask("POST", "/auth/totp/disable", json={"password": PASSWORD, "totp": codes[0]}).status == 200

    assert person.sign_in().lives
