"""Retention: what is old and done with goes from the journal; what is left is true, and proved."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from sqlite_library import AUTHORS, BOOKS, CATALOG, create, delete, listing, look, page, refusal, settle, shown, sign, total, update, write

from holdfast.base.errors import Refused
from holdfast.base.instant import SECOND_US, Instant, format_instant
from holdfast.core.plan import Claim, Create, Erase, Row, Undelete, WriteStep
from holdfast.core.readings import ReadAsOf, ReadChanges, ReadHistory, Watched
from holdfast.engine.verify import Anchor, Verifier
from holdfast.ports.world import Clock
from holdfast.store.sqlite.audit import SqliteAudit
from holdfast.store.sqlite.retention import STEP_ENTRIES
from holdfast.store.sqlite.store import SqliteStore
from holdfast.world.clock import SystemClock

DAYS = 2
DAY_US = 86_400 * SECOND_US
START = Instant(1_790_000_000_000_000)


class Day(Clock):
    """A clock that stands until it is moved; deadlines run as they do."""

    def __init__(self) -> None:
        self.days = 0.0
        self._real = SystemClock()

    def now(self) -> Instant:
        """So many days after the start."""
        return Instant(START + int(self.days * DAY_US))

    def monotonic_s(self) -> float:
        """The real one."""
        return self._real.monotonic_s()


class Life:
    """A store through the days. With `days` None nothing ever goes."""

    def __init__(self, data_dir: Path, days: int | None = DAYS) -> None:
        self.clock = Day()
        self.data_dir = data_dir
        self.store = SqliteStore(CATALOG, data_dir, self.clock, create=True, keys=lambda _make: sign, journal_days=days)

    async def write(self, *steps: WriteStep) -> None:
        """Write at the time of the clock."""
        await self.store.write(replace(write(*steps), at=self.clock.now()))

    async def pass_over(self) -> None:
        """Write until a pass has ended; each write is one step of it."""
        self.clock.days += 0.1
        for _ in range(20):
            await self.write(create(AUTHORS))

    def ask(self, query: str) -> int:
        """A number that the database holds."""
        ((number,),) = look(self.data_dir, query)
        return int(number or 0)

    def verify(self, *anchors: Anchor) -> Verifier:
        """A verifier that has run."""
        audit = SqliteAudit(CATALOG, self.data_dir)
        try:
            verifier = Verifier(audit, CATALOG, sign, anchors)
            verifier.run()
            return verifier
        finally:
            audit.close()

    async def as_of(self, made: Create, at: Instant) -> Row | None:
        """A record as it was."""
        return await settle(self.store.journal.read_as_of(ReadAsOf(made.id, made.view, format_instant(at))))


def live(data_dir: Path, story: Callable[[Life], Awaitable[None]], days: int | None = DAYS) -> None:
    """Tell a story and close its store."""

    async def tell() -> None:
        life = Life(data_dir, days)
        try:
            await story(life)
        finally:
            await life.store.close()

    asyncio.run(tell())


def test_what_is_old_and_done_with_goes(tmp_path: Path) -> None:
    """Of each record the newest old entry stays, and everything since; rows, chain and an anchor of before hold."""
    made, gone = create(AUTHORS, name="Ada"), create(AUTHORS, name="Bo")

    async def story(life: Life) -> None:
        await life.write(made, gone)
        await life.write(update(made, name="Grace"))
        await life.write(update(made, name="Hedy"), delete(gone))
        seal = life.store.last_seal()
        assert seal is not None
        life.clock.days = 5
        await life.write(update(made, name="Ida"))
        await life.pass_over()
        assert life.ask("SELECT group_concat(seq) = '4,5,6' FROM hf_journal WHERE seq < 7 ORDER BY seq") == 1
        verifier = life.verify(Anchor(seal.last_seq, seal.seal, "a test"), Anchor(1, b"x", "one that was folded"))
        assert verifier.findings == []
        history = await settle(life.store.journal.read_history(ReadHistory(made.id, made.view, 10)))
        assert history is not None
        assert len(history.entries) == 2

    live(tmp_path, story)


def test_without_the_setting_everything_stays(tmp_path: Path) -> None:
    """None is the default: no entry goes, however old."""

    async def story(life: Life) -> None:
        made = create(AUTHORS)
        await life.write(made)
        await life.write(update(made, name="Grace"))
        life.clock.days = 5_000
        await life.pass_over()
        assert life.ask("SELECT count(*) FROM hf_journal") == 22

    live(tmp_path, story, days=None)


def test_readings_do_not_reach_behind_the_horizon(tmp_path: Path) -> None:
    """as_of and changes refuse what they can no longer tell; a deleted record can be undeleted, and totals are exact."""
    made, gone = create(AUTHORS, name="Ada"), create(AUTHORS, name="Bo")
    authors = {"authors": Watched(made.view)}

    async def story(life: Life) -> None:
        await life.write(made)
        assert await total(life.store, AUTHORS) == 1
        await life.write(gone)
        await life.write(update(made, name="Grace"))
        await life.write(delete(gone))
        life.clock.days = 5
        await life.pass_over()
        error = await refusal(life.as_of(made, START))
        assert (error.code, "tells nothing of before" in error.message) == ("not_found", True)
        assert shown(await life.as_of(made, Instant(START + 4 * DAY_US)))["name"] == "Grace"
        with pytest.raises(Refused) as refused:
            life.store.journal.read_changes(ReadChanges(1, 100, authors))
        error = refused.value
        assert error.code == "invalid_cursor"
        with pytest.raises(Refused, match="no longer kept"):
            life.store.journal.read_touched(1, 5)
        since = await settle(life.store.journal.read_changes(ReadChanges(4, 100, authors)))
        assert len(since.changes) == 20
        assert await total(life.store, AUTHORS) == len((await page(life.store, listing(AUTHORS, limit=200))).rows) == 21
        await life.write(Undelete(gone.id, gone.view))
        assert await total(life.store, AUTHORS) == 22
        assert life.verify().findings == []

    live(tmp_path, story)


def test_a_step_is_short(tmp_path: Path) -> None:
    """One group removes no more than STEP_ENTRIES, however many are old; the next goes on."""
    made = create(AUTHORS)

    async def story(life: Life) -> None:
        await life.write(made)
        for _ in range(6):
            await life.write(*(update(made, name=str(number)) for number in range(STEP_ENTRIES // 2)))
        life.clock.days = 5
        left = [life.ask("SELECT count(*) FROM hf_journal")]
        for _ in range(6):
            await life.write(create(AUTHORS))
            left.append(life.ask("SELECT count(*) FROM hf_journal") - len(left))
        steps = [before - after for before, after in pairwise(left)]
        assert max(steps) <= STEP_ENTRIES
        assert left[-1] == 1
        assert life.verify().findings == []

    live(tmp_path, story)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_left_tells_the_same(tmp_path: Path, seed: int) -> None:
    """Random lives of records over many passes, beside a store that keeps everything: the same past, up to the horizon."""
    dice = random.Random(seed)  # noqa: S311  # a test

    async def story(life: Life) -> None:
        whole = Life(tmp_path / "whole", None)
        made = [create(AUTHORS, email=None) for _ in range(12)]
        alive, dead = set[str](), set[str]()
        try:
            for _ in range(120):
                life.clock.days += dice.random() * 0.4
                whole.clock.days = life.clock.days
                step = _next_step(dice, dice.choice(made), alive, dead)
                for each in (life, whole):
                    await each.write(step)
                if dice.random() < 0.1:
                    assert life.verify().findings == []
            horizon = life.clock.days - DAYS
            for _ in range(200):
                at = Instant(START + int((horizon + dice.random() * DAYS) * DAY_US))
                record = dice.choice(made)
                assert await life.as_of(record, at) == await whole.as_of(record, at)
            assert life.ask("SELECT count(*) FROM hf_journal") < whole.ask("SELECT count(*) FROM hf_journal") / 2
            assert life.verify().findings == []
        finally:
            await whole.store.close()

    live(tmp_path, story)


def _next_step(dice: random.Random, made: Create, alive: set[str], dead: set[str]) -> WriteStep:
    """Something that can be done to a record now, and what it is afterwards."""
    if made.id in alive and dice.random() < 0.7:
        return update(made, name=f"{dice.random()}")
    if made.id in alive:
        alive.discard(made.id)
        dead.add(made.id)
        return delete(made)
    alive.add(made.id)
    return Undelete(made.id, made.view) if made.id in dead else made


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM hf_journal WHERE seq = 3",
        "UPDATE hf_journal SET actor_id = 'somebody' WHERE seq = 4",
        "UPDATE hf_journal SET seq = 1 WHERE seq = 3",
        "UPDATE hf_seal SET seal = zeroblob(16) WHERE folded IS NOT NULL",
        "UPDATE hf_seal SET folded = zeroblob(16)",
        "UPDATE hf_seal SET folded = NULL",
        "UPDATE hf_seal SET first_seq = 0 WHERE folded IS NOT NULL",
        "DELETE FROM hf_seal WHERE folded IS NOT NULL",
        "DELETE FROM hf_journal WHERE seq = 5",
    ],
)
def test_nobody_else_can_remove_or_edit_unseen(tmp_path: Path, statement: str) -> None:
    """What is left under a folded seal is proved as before: each edit is found."""
    made = create(AUTHORS)

    async def story(life: Life) -> None:
        await life.write(made)
        await life.write(update(made, name="Grace"))
        await life.write(update(made, name="Hedy"), create(AUTHORS))
        life.clock.days = 5
        await life.pass_over()
        assert life.verify().findings == []

    live(tmp_path, story)
    look(tmp_path, statement)

    async def check(life: Life) -> None:
        assert [each.check for each in life.verify().findings if each.check == "chain"]

    live(tmp_path, check)


def test_erasure_and_repeats_live_with_it(tmp_path: Path) -> None:
    """An erased record holds while its entries go one by one, and a key of the last day is replayed."""
    made, erased = create(AUTHORS), create(AUTHORS, name="Mallory")
    claim = Claim(b"k" * 16, b"f" * 16)

    async def story(life: Life) -> None:
        await life.write(erased)
        await life.write(update(erased, name="Mallory II"))
        await life.write(delete(erased))
        await life.store.erase(Erase(AUTHORS, erased.id, "request-e", life.clock.now(), life.clock.monotonic_s() + 10))
        life.clock.days = 4.5
        first = await life.store.write_once(replace(write(made, create(BOOKS, author_id=made.id)), at=life.clock.now()), claim)
        await life.pass_over()
        life.clock.days = 5
        await life.pass_over()
        again = await life.store.write_once(replace(write(made, create(BOOKS, author_id=made.id)), at=life.clock.now()), claim)
        assert (again.rows, again.replayed) == (first.rows, True)
        assert life.verify().findings == []

    live(tmp_path, story)
