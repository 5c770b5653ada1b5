"""The order in which records that refer to each other can be made: each after those that it refers to, a circle at once.

These are the strongly connected components of what refers to what (Tarjan, 1972), without recursion: a chain may be as long as a file.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


def order_groups(refers: Mapping[Key, Collection[Key]]) -> Iterator[list[Key]]:
    """The keys in groups, each group after those that it refers to; a group of several is a circle.

    refers  key -> the other keys that it refers to, all of which are keys
    """
    walk = _Walk(refers)
    for key in refers:
        if key not in walk.found:
            yield from walk.follow(key)


@dataclass(slots=True)
class _Walk(Generic[Key]):
    """One walk over everything.

    found   key -> its number, in the order in which keys were found
    least   key of a group that is not whole yet -> the least number of such a key that it leads to
    opened  the same keys, in the order of their numbers
    """

    refers: Mapping[Key, Collection[Key]]
    found: dict[Key, int] = field(default_factory=dict)
    _least: dict[Key, int] = field(default_factory=dict)
    _opened: list[Key] = field(default_factory=list)

    def follow(self, start: Key) -> Iterator[list[Key]]:
        """Walk wherever a key leads, and yield each group once all that it refers to has been."""
        trail = [(start, self._open(start))]
        while trail:
            key, targets = trail[-1]
            for target in targets:
                if target not in self.found:
                    trail.append((target, self._open(target)))
                    break
                if target in self._least:
                    self._least[key] = min(self._least[key], self.found[target])
            else:
                trail.pop()
                if trail:
                    before = trail[-1][0]
                    self._least[before] = min(self._least[before], self._least[key])
                if self._least[key] == self.found[key]:
                    yield self._close(key)

    def _open(self, key: Key) -> Iterator[Key]:
        self.found[key] = self._least[key] = len(self.found)
        self._opened.append(key)
        return iter(self.refers[key])

    def _close(self, key: Key) -> list[Key]:
        group: list[Key] = []
        while not group or group[-1] != key:
            group.append(self._opened.pop())
            del self._least[group[-1]]
        return group[::-1]
