"""A faulty disk: calls fail from the n-th on, or that one alone, while clients write; then the fault clears.

What must hold: the history of each register is linearizable, with what was refused never having happened and what is unknown having
happened or not; so it is for a process killed in the middle of the fault, and for one started afterwards; reads go on where only writing
fails; writing goes on without a restart once the fault is over; and everything verifies.
"""

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chaos.disk import Call, Disk, Fault, open_disk, write_files
from chaos.disk import Kind as FaultKind
from chaos.history import Answer, Ask, Content, History, Kind, Op
from chaos.linear import judge_all
from chaos.store import Failed, Registers, connect_often, make_id, open_registers, read_all, verify

CHECKPOINT_PAGES = 10
REGISTERS = 5
ROUNDS = 4
ASKS_PER_ROUND = 6
RECOVERED_WITHIN_S = 5.0

_KINDS: tuple[tuple[Call, FaultKind], ...] = (
    ("write", "io"),
    ("write", "full"),
    ("write", "readonly"),
    ("write", "torn"),
    ("write", "late"),
    ("sync", "io"),
    ("sync", "late"),
    ("read", "io"),
    ("any", "io"),
)
FAULTS: tuple[Fault, ...] = tuple(Fault(call, kind, 1, lasting) for call, kind in _KINDS for lasting in (False, True))
"""Every fault, from the first call on."""


def fail_disk(seed: int, fault: Fault, folder: Path) -> int:
    """Run clients against one fault and check everything; how often it fired, 0 if there were fewer calls. Raises Failed."""
    dice = random.Random(seed)
    history = History()
    with open_disk(dice) as disk:
        fired, copied = asyncio.run(_run(_Clients(dice, history), disk, fault, folder))
    places = [("data", history)]
    if fired:
        write_files(copied, folder / "killed")
        places.insert(0, ("killed", _until_copy(history)))
    for name, until in places:
        verify(folder / name)
        _judge(until, read_all(folder / name), f"seed {seed}, {fault}, {name}")
    return fired


class _Clients:
    """Draws what is asked, with what was last seen of each register in mind."""

    def __init__(self, dice: random.Random, history: History) -> None:
        self._dice, self.history = dice, history
        self._seen: dict[str, Content] = {make_id(dice): Content(1, 0, "") for _ in range(REGISTERS)}

    async def make(self, registers: Registers) -> None:
        """Make the registers, and read once, so that the connection that reads is open."""
        for register in self._seen:
            await self.history.perform(registers.do, Ask("create", register))
            await self.history.perform(registers.do, Ask("read", register))

    async def round(self, registers: Registers) -> list[tuple[Ask, Answer]]:
        """Some asks at the same time."""
        asks = [self._draw() for _ in range(self._dice.randint(1, ASKS_PER_ROUND))]
        answers = await registers.do_together([self._starter(registers, each) for each in asks])
        for ask, answer in zip(asks, answers, strict=True):
            if answer.content is not None:
                self._seen[ask.register] = answer.content
        return list(zip(asks, answers, strict=True))

    def _starter(self, registers: Registers, ask: Ask) -> "Callable[[], asyncio.Task[Answer]]":
        return lambda: asyncio.ensure_future(self.history.perform(registers.do, ask))

    def _draw(self) -> Ask:
        kinds: tuple[Kind, ...] = ("create", "read", "read", "replace", "replace", "patch", "patch", "patch", "delete")
        kind = self._dice.choice(kinds)
        number, text = self._dice.randrange(1_000_000), "x" * self._dice.choice((0, 30, 3_000))
        if kind == "create":
            return Ask(kind, make_id(self._dice), number=number, text=text)
        register = self._dice.choice(sorted(self._seen))
        expected = self._dice.choice((self._seen[register].version, self._seen[register].version, None))
        match kind:
            case "replace":
                return Ask(kind, register, expected, number, text)
            case "patch":
                return Ask(kind, register, expected, number)
            case "delete":
                return Ask(kind, register, expected)
            case _:
                return Ask("read", register)


async def _run(clients: _Clients, disk: Disk, fault: Fault, folder: Path) -> tuple[int, dict[str, bytes]]:
    async with open_registers(folder / "data", partial(connect_often, pages=CHECKPOINT_PAGES)) as registers:
        await clients.make(registers)
        disk.fault = fault
        copied: dict[str, bytes] = {}
        for _ in range(ROUNDS):
            answers = await clients.round(registers)
            if fault.call in ("write", "sync"):
                _check_reads(answers, fault)
            if disk.fired and not copied:  # at once, before what failed is written over
                copied = disk.copy()
                clients.history.told["copied at"] = time.monotonic_ns()
        fired = disk.fired
        disk.fault = None
        await _await_recovery(clients, registers, fault)
        for _ in range(ROUNDS):
            await clients.round(registers)
    return fired, copied


def _check_reads(answers: list[tuple[Ask, Answer]], fault: Fault) -> None:
    """Where the disk only fails to write, every read is answered."""
    for ask, answer in answers:
        if ask.kind == "read" and answer.told not in ("ok", "missing"):
            raise Failed(f"{fault}: a read was {answer.told}")


async def _await_recovery(clients: _Clients, registers: Registers, fault: Fault) -> None:
    until = time.monotonic() + RECOVERED_WITHIN_S
    while time.monotonic() < until:
        answers = await clients.round(registers)
        if any(ask.kind != "read" and answer.told == "ok" for ask, answer in answers):
            return
        await asyncio.sleep(0.01)
    raise Failed(f"{fault}: nothing can be written {RECOVERED_WITHIN_S} s after it is over")


def _until_copy(history: History) -> History:
    """The operations that had been answered when the files were copied."""
    earlier = History()
    for register, ops in history.ops.items():
        earlier.ops[register] = [each for each in ops if each.invoked < history.told["copied at"]]
    return earlier


def _judge(history: History, found: dict[str, Content], place: str) -> None:
    """Judge a history that ends with reading everything. Raises Failed."""
    end = time.monotonic_ns()
    for register in {*history.ops, *found}:
        answer = Answer("ok", found[register]) if register in found else Answer("missing")
        history.ops[register].append(Op(Ask("read", register), answer, end, end + 1))
    verdict = judge_all(history.ops)
    if not verdict.holds:
        raise Failed(f"{place}: {verdict}")
