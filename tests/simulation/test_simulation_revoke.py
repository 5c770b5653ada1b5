"""Revocations and ends of sessions against writes, on two workers: some here, thousands in `make chaos`; and a planted bug is noticed."""

from pathlib import Path

import pytest
from chaos.report import describe
from chaos.revoke import REVOKES, race
from chaos.sessions import ENDS, race_sessions
from chaos.store import Failed

from holdfast.store.sqlite import steps

SEED, RACES, SESSION_RACES = 1, 200, 60  # a session costs two hashes of a password


def test_no_write_is_committed_after_its_revocation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the order of the journal; every way to revoke met writes that landed before it and writes that were refused."""
    toll = race(SEED, RACES, tmp_path)

    with capsys.disabled():
        print(f"\n{describe('revoke', SEED, f'--count {RACES}')}: {toll}")  # noqa: T201  # the seed of a run is worth knowing
    assert set(toll.races) == set(REVOKES)
    assert toll.races.total() == RACES
    assert toll.landed > RACES / 4
    assert toll.late > RACES / 4


def test_a_store_that_does_not_look_at_the_caller_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the comparison in the transaction of the write, writes come after their revocation."""
    monkeypatch.setattr(steps, "check_identity", lambda *_: None)

    with pytest.raises(Failed, match="whose right was revoked by entry"):
        race(SEED, RACES, tmp_path)


def test_no_write_of_a_session_is_committed_after_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """However it ends: some writes landed before, some were refused, none came after."""
    toll = race_sessions(SEED, SESSION_RACES, tmp_path)

    with capsys.disabled():
        print(f"\n{describe('sessions', SEED, f'--count {SESSION_RACES}')}: {toll}")  # noqa: T201  # as above
    assert set(toll.races) == set(ENDS)
    assert toll.landed > SESSION_RACES / 4
    assert toll.late > SESSION_RACES / 4


def test_a_session_that_nobody_looks_at_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the comparison in the transaction of the write, writes come after the end of their session."""
    monkeypatch.setattr(steps, "check_identity", lambda *_: None)

    with pytest.raises(Failed, match="is a write of a session that ended"):
        race_sessions(SEED, SESSION_RACES, tmp_path)
