"""The matrix of permissions: what is declared is what is observed, cell by cell; and any one rule that is turned over is noticed.

What stands on the sides: access_rules.py the declaration, access_oracle.py what it says, access_matrix.py what is asked.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from access_matrix import Matrix, filled, served
from access_rules import FIELDS, VERBS, Ruled, tame, timely, turned
from story_case import ABSENT_ID, API

from holdfast.model.rule import Negation
from holdfast.store.sqlite.lane import Lane
from holdfast.store.sqlite.transaction import Transaction

CELLS_MIN = 10_000
"""In all; each part has its share."""

PARTS: dict[str, tuple[list[Ruled], int]] = {
    "as people write them": (tame(), 3_000),
    "asking what time it is": (timely(), 600),
    **{f"every kind at every place, {part + 1} of 4": (turned()[part::4], 2_000) for part in range(4)},
}

assert sum(cells for _, cells in PARTS.values()) >= CELLS_MIN


@pytest.mark.parametrize("part", PARTS)
def test_what_is_declared_is_what_is_observed(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every cell equals the oracle's: by role, verb, resource, field, owner and relation; hidden rows answer as missing ones do."""
    ruled, cells_min = PARTS[part]
    with filled(tmp_path / "data", ruled) as matrix:
        matrix.run(every_other=part.startswith("every kind"))

    with capsys.disabled():
        print(f"\n{part}: {matrix.cells.total():,} cells, {len(matrix.wrong)} wrong")  # noqa: T201  # what was compared is worth knowing
    assert not matrix.wrong, str(matrix)
    assert matrix.cells.total() >= cells_min, str(matrix)


# Any one rule turned over


TURNED_OVER = [each for each in tame() if each.path in ("masked-sheets", "own-sheets", "shared-sheets")]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Matrix, Path]:
    """A small matrix, and its data folder."""
    folder = tmp_path_factory.mktemp("matrix") / "data"
    with filled(folder, TURNED_OVER) as matrix:
        made = replace(matrix, whole=True, callers=[each for each in matrix.callers if each.name in ("nobody", "ann", "eve", "kim")])
    return made, folder


def turn_over(ruled: Ruled, place: str) -> Ruled:
    """The same declaration with one rule turned over, and nothing else: what stood for other places still stands there."""
    rules = {each: ruled.rule(each) for each in (*VERBS, *FIELDS)}
    return Ruled(ruled.path, {**rules, place: Negation(rules[place])})


@pytest.mark.xdist_group("matrix-turned-over")
def test_the_small_matrix_has_nothing_wrong(small: tuple[Matrix, Path]) -> None:
    """What the next tests find is found because of what they turn over."""
    made, folder = small
    with served(made, folder, TURNED_OVER) as matrix:
        matrix.run(for_real=False, until_noticed=True)

    assert not matrix.wrong, str(matrix)


@pytest.mark.xdist_group("matrix-turned-over")
@pytest.mark.parametrize("place", [*VERBS, *FIELDS])
def test_any_one_rule_that_is_turned_over_is_noticed(place: str, small: tuple[Matrix, Path]) -> None:
    """One rule of each resource is another than the oracle's: each resource has cells that differ."""
    made, folder = small
    with served(made, folder, [turn_over(each, place) for each in TURNED_OVER]) as matrix:
        matrix.run(for_real=False, until_noticed=True)

    noticed = {each.path for each in TURNED_OVER if any(f" /{each.path} " in wrong for wrong in matrix.wrong)}
    assert noticed == {each.path for each in TURNED_OVER}, str(matrix)


# What takes the same way takes the same time


WAYS: dict[str, tuple[str, str, Any]] = {
    "read": ("GET", "", None),
    "read some fields": ("GET", "?fields=text", None),
    "as of": ("GET", "?as_of=2201-01-01T00:00:00Z", None),
    "history": ("GET", "/history", None),
    "patch": ("PATCH", "", {"text": "open"}),
    "patch of a reference": ("PATCH", "", {"team_id": ABSENT_ID}),
    "put": ("PUT", "", {"text": "open"}),
    "delete": ("DELETE", "", None),
    "undelete": ("POST", "/undelete", None),
}


@pytest.mark.xdist_group("matrix-turned-over")
@pytest.mark.parametrize("way", WAYS)
def test_a_hidden_record_costs_the_statements_of_a_missing_one(
    way: str, small: tuple[Matrix, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very same statements, in the same order: a clock has nothing to tell."""
    made, folder = small
    method, suffix, body = WAYS[way]
    ran: list[str] = []
    for kind, name in ((Lane, "fetch"), (Transaction, "fetch"), (Transaction, "change")):
        _note(kind, name, ran, monkeypatch)
    with served(made, folder, TURNED_OVER) as matrix:
        ann = next(each for each in matrix.callers if each.name == "ann")
        hidden = next(key for key, row in matrix.rows["own-sheets"].items() if row["created_by"] != ann.id)
        told = []
        for key in (hidden, ABSENT_ID, hidden, ABSENT_ID):
            ran.clear()
            answer = matrix.client.request(method, f"{API}/own-sheets/{key}{suffix}", headers=ann.headers, json=body)
            assert answer.status in (404, 422 if "reference" in way else 404), answer
            told.append(list(ran))

    assert told[0], "nothing was noted"
    assert told[2] == told[3]


def _note(kind: type[Any], name: str, ran: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    real = getattr(kind, name)

    def noting(self: Any, statement: Any) -> Any:
        ran.append(statement.text)
        return real(self, statement)

    monkeypatch.setattr(kind, name, noting)
