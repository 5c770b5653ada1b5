"""kill -9 at random moments, of a worker, of the supervisor, of everything, while clients read and write over real sockets.

What must hold: the history of each register is linearizable, up to what is in the database at the end; the acknowledged increments are
the value of each counter; the service is ready again within seconds; no answer is a 500; and `holdfast verify` finds nothing.
The seed decides what is asked and whom the kills meet; when exactly they meet them the machine decides.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.client import Client
from chaos.history import Answer, Ask, Content, History, Kind, Op
from chaos.linear import judge_all
from chaos.server import Server, run_server, verify_data
from chaos.store import Failed, make_id, read_all

CLIENTS = 24
REGISTERS = 20
COUNTERS = 3
READY_AGAIN_WITHIN_S = 5.0
_PAUSE_S = 0.02  # of a client between two asks, at most: so a register has hundreds of operations, and judging them takes seconds
_RETRY_S = 0.2
_VICTIMS = (*("worker",) * 16, "supervisor", "all")


@dataclass(slots=True)
class Toll:
    """What a run was: kills of each kind, operations judged, what was told how often, increments, seconds until ready again."""

    kills: dict[str, int] = field(default_factory=dict)
    operations: int = 0
    told: dict[str, int] = field(default_factory=dict)
    increments: int = 0
    ready_s: list[float] = field(default_factory=list)


class _Load:
    """The clients, and all that they know."""

    def __init__(self, dice: random.Random, port: int) -> None:
        self._dice = dice
        self._port = port
        self.history = History()
        self.registers: list[str] = [make_id(dice) for _ in range(REGISTERS)]
        self.counters: list[str] = [make_id(dice) for _ in range(COUNTERS)]
        self.increments = dict.fromkeys(self.counters, 0)
        self.ended = False
        self.errors: list[dict[str, Any]] = []

    async def make(self) -> None:
        """Make registers and counters."""
        client = Client(self._port)
        for register in (*self.registers, *self.counters):
            await self.history.perform(client.do, Ask("create", register))
        client.close()

    async def run(self) -> None:
        """Ask until the end, from many connections."""
        async with asyncio.TaskGroup() as group:
            for index in range(CLIENTS):
                group.create_task(self._ask_on(index, random.Random(self._dice.random())))

    async def _ask_on(self, index: int, dice: random.Random) -> None:
        client = Client(self._port)
        seen: dict[str, Content] = {}
        count = 0
        try:
            while not self.ended:
                count += 1
                if dice.random() < 0.2:
                    await self._increment(client, dice.choice(self.counters), f"{index}-{count}")
                else:
                    await self._ask(client, dice, seen)
                await asyncio.sleep(dice.random() * _PAUSE_S)
        finally:
            client.close()
            self.errors.extend(client.errors)

    async def _ask(self, client: Client, dice: random.Random, seen: dict[str, Content]) -> None:
        """One ask of some register, by the version that this client has last seen, which may be stale."""
        slot = dice.randrange(REGISTERS)
        register = self.registers[slot]
        kinds: tuple[Kind, ...] = ("read", "read", "read", "replace", "patch", "patch", "patch", "delete", "create")
        kind = dice.choices(kinds, weights=(4, 4, 4, 4, 4, 4, 4, 0.3, 0.2))[0]
        if kind != "create" and register not in seen:
            kind = "read"
        expected = seen[register].version if kind in ("replace", "patch", "delete") else None
        if kind == "patch" and dice.random() < 0.05:
            expected = None
        text = f"{dice.getrandbits(32):x}" if kind in ("replace", "create") else ""
        number = dice.randrange(1_000_000) if kind in ("replace", "patch", "create") else 0
        answer = await self.history.perform(client.do, Ask(kind, register, expected, number, text))
        if answer.told == "refused":
            await asyncio.sleep(_RETRY_S)
        elif answer.content is not None:
            seen[register] = answer.content
        elif answer.told == "stale":
            seen.pop(register, None)
        elif answer.told == "missing" and self.registers[slot] == register:
            self.registers[slot] = fresh = make_id(dice)
            await self.history.perform(client.do, Ask("create", fresh, number=number, text=text))

    async def _increment(self, client: Client, counter: str, key: str) -> None:
        """Read, and write one more under the version that was read; asked again under the same key until its fate is known."""
        before = await self.history.perform(client.do, Ask("read", counter))
        if before.content is None:
            await asyncio.sleep(_RETRY_S)
            return
        ask = Ask("patch", counter, before.content.version, before.content.number + 1)
        answer = await self.history.perform(lambda each: _insist(client, each, key), ask)
        self.increments[counter] += answer.told == "ok"


async def _insist(client: Client, ask: Ask, key: str) -> Answer:
    while True:
        answer = await client.do(ask, key)
        if answer.told not in ("unknown", "refused"):
            return answer
        await asyncio.sleep(_RETRY_S)


def kill(seed: int, kills: int, folder: Path) -> Toll:
    """Kill so many times under load and check everything. Raises Failed."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)
    with run_server(folder) as server:
        load = _Load(dice, server.port)
        toll = asyncio.run(_kill_on(load, server, dice, kills))
        server.stop()
    verify_data(server.data)
    _judge(load, read_all(server.data), seed)
    toll.operations = sum(map(len, load.history.ops.values()))
    toll.told, toll.increments = dict(load.history.told), sum(load.increments.values())
    return toll


async def _kill_on(load: _Load, server: Server, dice: random.Random, kills: int) -> Toll:
    toll = Toll()
    await server.await_ready()
    await load.make()
    clients = asyncio.create_task(load.run())
    victims: dict[str, Callable[[], None]] = {
        "worker": lambda: server.kill_worker(dice.randrange(2)),
        "supervisor": server.kill_supervisor,
        "all": server.kill_all,
    }
    for number in range(kills):
        await _sleep_while(clients, 0.05 + dice.random() * 0.25)
        victim = ("worker", "supervisor", "all")[number] if number < len(victims) else dice.choice(_VICTIMS)
        victims[victim]()
        toll.kills[victim] = toll.kills.get(victim, 0) + 1
        toll.ready_s.append(await server.await_ready(again=victim != "worker", whole=victim != "worker"))
    await _sleep_while(clients, 0.3)
    load.ended = True
    await clients
    return toll


async def _sleep_while(clients: "asyncio.Task[None]", seconds: float) -> None:
    """Sleep while the clients ask; what ends them early ends the run."""
    done, _ = await asyncio.wait([clients], timeout=seconds)
    if done:
        await clients
        raise Failed("the clients ended early")


def _judge(load: _Load, found: dict[str, Content], seed: int) -> None:
    """Judge the histories, ended by what is in the database. Raises Failed."""
    if load.errors:
        raise Failed(f"seed {seed}: answers that nobody should get: {load.errors[:3]}")
    for counter, increments in load.increments.items():
        if (found[counter].number, found[counter].version) != (increments, increments + 1):
            raise Failed(f"seed {seed}: {increments} acknowledged increments, the counter is {found[counter]}")
    end = time.monotonic_ns()
    for register in {*load.history.ops, *found}:
        answer = Answer("ok", found[register]) if register in found else Answer("missing")
        load.history.ops[register].append(Op(Ask("read", register), answer, end, end + 1))
    verdict = judge_all(load.history.ops)
    if not verdict.holds:
        raise Failed(f"seed {seed}: {verdict}")
