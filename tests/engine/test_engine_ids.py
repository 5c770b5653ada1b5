"""The ids of new records."""

import random
from uuid import UUID

from holdfast.base.instant import Instant
from holdfast.engine.ids import RecordIds

AT_US = 1_700_000_000_000_000


class Moment:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.us = AT_US

    def now(self) -> Instant:
        """The moment it stands at."""
        return Instant(self.us)

    def monotonic_s(self) -> float:
        """Not asked for here."""
        raise NotImplementedError


class Dice:
    """Dice that fall the same in every run."""

    def __init__(self) -> None:
        self._random = random.Random(7)  # noqa: S311  # the same in each run

    def bits(self, count: int) -> int:
        """A number of that many bits."""
        return self._random.getrandbits(count)


def test_ids_rise_while_the_clock_stands_still() -> None:
    """Five thousand ids of one microsecond are all different, version 7, and in order; then the clock moves on, and so do they."""
    clock = Moment()
    ids = RecordIds(clock, Dice())
    made = [ids.make() for _ in range(5_000)]
    clock.us += 1_000_000
    made.append(ids.make())

    assert made == sorted(set(made))
    assert {UUID(each).version for each in made} == {7}
    assert {UUID(each).variant for each in made} == {UUID(made[0]).variant}


def test_an_id_says_when_it_was_made() -> None:
    """The first 48 bits are the millisecond, the next 12 the part of it."""
    clock = Moment()
    clock.us += 999
    made = UUID(RecordIds(clock, Dice()).make())

    assert made.int >> 80 == AT_US // 1_000
    assert (made.int >> 64) & 0xFFF == 999 * 4_096 // 1_000


def test_ids_of_one_moment_differ_between_workers() -> None:
    """What is left are dice."""
    first, second = Dice(), Dice()
    second.bits(62)

    assert RecordIds(Moment(), first).make() != RecordIds(Moment(), second).make()
