"""Mistakes: what is wrong with a declaration, gathered so that all of it is told at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.base.errors import Misconfigured


class Mistakes:
    """Gathers Misconfigured errors and raises them together."""

    def __init__(self) -> None:
        self.found: list[Misconfigured] = []

    def note(self, place: str, problem: str, mend: str) -> None:
        """Write down one mistake: the class and field, what is wrong, what to do."""
        self.found.append(Misconfigured(place, problem, mend))

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Write down what the block raises and go on after it."""
        try:
            yield
        except Misconfigured as error:
            self.found.append(error)

    def settle(self) -> None:
        """Raise what was gathered, if anything was."""
        if self.found:
            first, *others = self.found
            raise Misconfigured(first.place, first.problem, first.mend, also=others)
