"""Anchors: the last seal of the journal told to the log, outside the database, so that a journal that was cut off is found."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from holdfast.core.journal import Seal
from holdfast.engine.log import FOLDER
from holdfast.engine.verify import Anchor

INTERVAL_S = 600.0  # what was committed since the last anchor could be cut off unseen by who holds the key folder too
MESSAGE = "journal sealed"

Say = Callable[[Seal], None]


class Anchors:
    """Tells the last seal now and then, and when it is closed; never the same twice."""

    def __init__(self, read: Callable[[], Seal | None], say: Say) -> None:
        self._read, self._say = read, say
        self._told: Seal | None = None
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._beat)

    def close(self) -> None:
        """Tell the last seal. Idempotent."""
        self._timer.cancel()
        self._tell()

    def _beat(self) -> None:
        self._tell()
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._beat)

    def _tell(self) -> None:
        seal = self._read()
        if seal is not None and seal != self._told:
            self._told = seal
            self._say(seal)


def find_anchors(data: Path) -> list[Anchor]:
    """The newest seal that each log file of a data folder tells; files that cannot be read are passed over."""
    found = []
    for path in sorted((data / FOLDER).glob("requests-*.jsonl*")):
        newest = max(_read_anchors(path), key=lambda each: each.seq, default=None)
        if newest is not None:
            found.append(newest)
    return found


class _Facts(msgspec.Struct):
    seq: int
    seal: str


class _Line(msgspec.Struct):
    message: str
    facts: _Facts


_decode = msgspec.json.Decoder(_Line).decode


def _read_anchors(path: Path) -> Iterator[Anchor]:
    mark = f'"{MESSAGE}"'.encode()
    try:
        with path.open("rb") as file:
            for raw in file:
                if mark in raw:
                    line = _decode(raw)
                    yield Anchor(line.facts.seq, bytes.fromhex(line.facts.seal), f"{FOLDER}/{path.name}")
    except (OSError, ValueError, msgspec.MsgspecError):
        return  # a log is read as far as it can be: an anchor that is not there proves nothing, for or against
