"""kill -9 under load. `make chaos` kills many more times."""

from pathlib import Path

import pytest
from chaos.kills import kill
from chaos.report import describe

KILLS = 20


@pytest.mark.parametrize("seed", [1])
def test_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    """Workers, the supervisor and everything at once are killed under load: histories are linearizable and increments all there.

    `kill` waits a minute for the service to be ready again, beside other tests; `make chaos` holds it to 5 s.
    """
    print(describe("kills", seed))  # noqa: T201  # shown if it fails
    toll = kill(seed, KILLS, tmp_path)

    assert sum(toll.kills.values()) == KILLS
    assert set(toll.kills) == {"worker", "supervisor", "all"}
    assert toll.told["unknown"] > 0, "no kill met a request"
    assert toll.told["stale"] > 0, "no two clients met"
    assert toll.increments > 0
