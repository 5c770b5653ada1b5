"""Power cuts: the power goes at a seeded call to the disk, and what was not synced is lost, kept by chance or torn.

What must hold afterwards: for each client the registers are what it was told, or that and the one write that was under way, whole; and
the journal, the seals and the file verify. Everything is drawn from the seed, and groups are formed under the turn: a run repeats exactly.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from chaos.disk import open_disk, write_files
from chaos.history import Answer, Ask, Content
from chaos.store import Failed, Registers, connect_carelessly, connect_often, make_id, open_registers, plan, read_all, verify
from holdfast.base.errors import Answerable, Unavailable
from holdfast.base.ids import RecordId

CLIENTS = 12
CUT_WITHIN_CALLS = 2_000
ROUNDS_MAX = 2_000

Registered = dict[str, Content]


@dataclass(slots=True)
class _Client:
    """Writes one transaction after another to registers of its own."""

    dice: random.Random
    acknowledged: Registered = field(default_factory=dict)
    pending: Registered | None = None
    """What there would be with the transaction that is under way, or whose fate was never told."""

    async def write(self, registers: Registers) -> Answer:
        """One transaction: most often one step, sometimes several, which stand or fall together."""
        after = dict(self.acknowledged)
        asks = [self._draw(after) for _ in range(self.dice.choice((1, 1, 1, 2, 5)))]
        self.pending = after
        try:
            await registers.store.write(plan(*asks))
        except Unavailable as error:
            if error.code != "outcome_unknown":
                self.pending = None
            return Answer("unknown")
        self.acknowledged, self.pending = after, None
        return Answer("ok")

    def _draw(self, registered: Registered) -> Ask:
        """A step, and what it makes of the registers."""
        number, text = self.dice.randrange(1_000), "x" * self.dice.choice((1, 40, 200, 2_000))
        if not registered or self.dice.random() < 0.5:
            register = make_id(self.dice)
            registered[register] = Content(1, number, text)
            return Ask("create", register, number=number, text=text)
        register = RecordId(self.dice.choice(sorted(registered)))
        held = registered[register]
        if self.dice.random() < 0.2:
            del registered[register]
            return Ask("delete", register, held.version)
        if self.dice.random() < 0.5:
            registered[register] = Content(held.version + 1, number, held.text)
            return Ask("patch", register, held.version, number)
        registered[register] = Content(held.version + 1, number, text)
        return Ask("replace", register, held.version, number, text)


@dataclass(frozen=True, slots=True)
class Cut:
    """A power cut that happened: at which call, after how many acknowledged transactions, how many of them are missing."""

    call: int
    acknowledged: int
    lost: int


def cut_power(seed: int, folder: Path) -> Cut:
    """Cut the power once and check everything. Raises Failed."""
    cut = _cut(seed, folder, connect_often)
    if cut.lost:
        raise Failed(f"seed {seed}: of {cut.acknowledged} acknowledged transactions those of {cut.lost} clients are not there")
    asyncio.run(_write_again(folder / "after"))
    verify(folder / "after")
    return cut


def cut_power_carelessly(seed: int, folder: Path) -> Cut:
    """The control: the same on a store that does not sync each commit."""
    return _cut(seed, folder, connect_carelessly)


def _cut(seed: int, folder: Path, writes_by: Callable[[Path], apsw.Connection]) -> Cut:
    dice = random.Random(seed)
    clients = [_Client(random.Random(dice.random())) for _ in range(CLIENTS)]
    with open_disk(dice) as disk:

        async def story() -> int:
            async with open_registers(folder / "before", writes_by) as registers:
                disk.cut_at = disk.calls + dice.randrange(1, CUT_WITHIN_CALLS)
                told = 0
                for _ in range(ROUNDS_MAX):
                    some = dice.sample(clients, dice.randint(1, CLIENTS))
                    answers = await registers.do_together([_starter(each, registers) for each in some])
                    told += sum(each.told == "ok" for each in answers)
                    if disk.survived is not None:
                        return told
                raise Failed(f"seed {seed}: the power was never cut")

        told = asyncio.run(story())
        calls, survived = disk.calls, disk.survived or {}
    write_files(survived, folder / "after")
    return Cut(calls, told, _count_losers(clients, read_all(folder / "after")))


def _starter(client: _Client, registers: Registers) -> "Callable[[], asyncio.Task[Answer]]":
    return lambda: asyncio.ensure_future(client.write(registers))


def _count_losers(clients: list[_Client], found: Registered) -> int:
    """How many clients do not find what they were told, or that and the whole of what was under way."""
    losers = 0
    for client in clients:
        ids = {*client.acknowledged, *(client.pending or ())}
        here = {register: found.pop(register) for register in sorted(ids) if register in found}
        losers += here not in (client.acknowledged, client.pending)
    return losers + bool(found)  # a register that no client expects: it was deleted, or its making refused


async def _write_again(folder: Path) -> None:
    """The store of after the cut takes writes."""
    async with open_registers(folder) as registers:
        register = make_id(random.Random(0))
        try:
            await registers.store.write(plan(Ask("create", register, number=1)))
        except Answerable as error:
            raise Failed(f"after the cut nothing can be written: {error}") from error
        if await registers.do(Ask("read", register)) != Answer("ok", Content(1, 1, "")):
            raise Failed("after the cut what is written is not read")
