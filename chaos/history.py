"""Histories: what clients asked of registers, what they were told, and when."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

FOREVER = 2**63
"""When an operation ends whose answer never came: it may still take effect after everything else."""

Kind = Literal["create", "read", "replace", "patch", "delete"]
Told = Literal["ok", "missing", "stale", "taken", "refused", "unknown"]
"""What a client was told: done, no such record, another version, id in use, not done for some other reason, or nothing certain."""


class Content(NamedTuple):
    """A register as it is read."""

    version: int
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a register.

    expected  the version it must have (replace, patch, delete); None: any
    number    the new number (create, replace, patch)
    text      the new text (create, replace); a patch leaves it as it is
    """

    kind: Kind
    register: str
    expected: int | None = None
    number: int = 0
    text: str = ""


class Answer(NamedTuple):
    """What a client was told; `content` is what it was shown, None where nothing was."""

    told: Told
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Op:
    """An ask, its answer, and the nanoseconds (one clock) between which it took effect, if it did."""

    ask: Ask
    answer: Answer
    invoked: int
    returned: int


Do = Callable[[Ask], Awaitable[Answer]]
"""Performs an ask; raises nothing."""


class History:
    """Everything that was asked, by register, and how often each was told."""

    def __init__(self) -> None:
        self.ops: defaultdict[str, list[Op]] = defaultdict(list)
        self.told: defaultdict[str, int] = defaultdict(int)

    async def perform(self, do: Do, ask: Ask) -> Answer:
        """Perform an ask and note it. What was refused did not happen and is not noted; were it seen later, no history explained it."""
        invoked = time.monotonic_ns()
        answer = await do(ask)
        returned = FOREVER if answer.told == "unknown" else time.monotonic_ns()
        self.told[answer.told] += 1
        if answer.told != "refused" and not (answer.told == "unknown" and ask.kind == "read"):
            self.ops[ask.register].append(Op(ask, answer, invoked, returned))
        return answer
