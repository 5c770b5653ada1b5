"""Revocations against writes, on two workers: a few hundred races here, ten thousand in `make chaos`; and a planted bug is noticed."""

from pathlib import Path

import pytest
from chaos.report import describe
from chaos.revoke import REVOKES, race
from chaos.store import Failed

from holdfast.store.sqlite import steps

SEED, RACES = 1, 200


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
