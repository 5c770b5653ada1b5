"""Linearizability of versioned registers: is there one order of all operations, true to real time, that explains every answer?

The search of Wing and Gong with the memory of Lowe: an operation may come next if it was invoked before any operation that is still to
be placed has returned; a set of placed operations together with the state they led to is tried once. Registers are independent of each
other, so each is judged by itself. An operation whose answer never came may be placed anywhere after its invocation, or nowhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from chaos.history import FOREVER, Content, Op

STATES_MAX = 2_000_000  # beyond, the search would not end in useful time; a history of ours takes some hundreds


class State(NamedTuple):
    """A register: never made, alive, or gone; what it holds (what it last held, once it is gone)."""

    life: Literal["never", "alive", "gone"]
    content: Content


NEVER = State("never", Content(0, 0, ""))


class Undecided(Exception):
    """The search was given up: the history is neither good nor bad."""


class Verdict(NamedTuple):
    """Whether a history is linearizable; if not, the longest order that was found and what could not be placed after it."""

    holds: bool
    placed: tuple[Op, ...] = ()
    stuck: tuple[Op, ...] = ()

    def __str__(self) -> str:
        if self.holds:
            return "linearizable"
        lines = ["not linearizable; the longest order that explains its answers:", *map(_show, self.placed), "then none of:"]
        return "\n".join((*lines, *map(_show, self.stuck)))


def judge_all(ops: Mapping[str, Sequence[Op]]) -> Verdict:
    """Judge each register; the verdict of the first that does not hold."""
    return next((verdict for verdict in map(judge, ops.values()) if not verdict.holds), Verdict(holds=True))


def judge(ops: Sequence[Op], start: State = NEVER) -> Verdict:
    """Judge the operations of one register. Raises Undecided."""
    return _Search(ops).run(start)


class _Node(NamedTuple):
    """A place in the search: what is placed (as bits, the certain operations first), what the state is then, and how it was reached."""

    placed: int
    state: State
    op: Op | None
    parent: "_Node | None"


class _Search:
    def __init__(self, ops: Sequence[Op]) -> None:
        ordered = sorted(ops, key=lambda each: each.invoked)
        self._certain = [each for each in ordered if each.returned != FOREVER]
        self._doubtful = [each for each in ordered if each.returned == FOREVER]
        self._all_certain = (1 << len(self._certain)) - 1

    def run(self, start: State) -> Verdict:
        best, most = _Node(0, start, None, None), -1
        waiting = [best]
        seen: set[tuple[int, State]] = set()
        while waiting:
            node = waiting.pop()
            if node.placed & self._all_certain == self._all_certain:
                return Verdict(holds=True)
            if (node.placed, node.state) in seen:
                continue
            seen.add((node.placed, node.state))
            if len(seen) > STATES_MAX:
                raise Undecided(f"{len(seen):,} states for {len(self._certain):,} operations")
            if (count := node.placed.bit_count()) > most:
                best, most = node, count
            waiting.extend(self._next(node))
        return Verdict(holds=False, placed=_walk(best), stuck=tuple(op for _, op in self._candidates(best.placed)))

    def _next(self, node: _Node) -> list[_Node]:
        """The nodes after one, the most promising last. Who is certain goes before who is not; what changes nothing is placed at once."""
        certain: list[_Node] = []
        doubtful: list[_Node] = []
        for bit, op in self._candidates(node.placed):
            state = apply(node.state, op)
            if state is None:
                continue
            following = _Node(node.placed | bit, state, op, node)
            if op.returned == FOREVER:
                doubtful.append(following)
            elif state == node.state:
                return [following]  # whatever comes next could as well come after it
            else:
                certain.append(following)
        certain.sort(key=lambda each: -each.op.returned if each.op else 0)
        return doubtful + certain

    def _candidates(self, placed: int) -> Iterator[tuple[int, Op]]:
        """The operations that may come next: invoked before any that is left has returned."""
        horizon, left = FOREVER, []
        index = (~placed & (placed + 1)).bit_length() - 1  # the first that is not placed
        while index < len(self._certain) and self._certain[index].invoked <= horizon:
            if not placed >> index & 1:
                left.append((1 << index, self._certain[index]))
                horizon = min(horizon, self._certain[index].returned)
            index += 1
        for position, op in enumerate(self._doubtful, start=len(self._certain)):
            if not placed >> position & 1:
                left.append((1 << position, op))
        return ((bit, op) for bit, op in left if op.invoked <= horizon)


def apply(state: State, op: Op) -> State | None:
    """The state after an operation, or None where its answer cannot have been given in this one."""
    match op.answer.told:
        case "ok" | "unknown":
            after = _change(state, op)
            shown = op.answer.content
            return after if after is None or shown is None or shown == after.content else None
        case "missing":
            fits = op.ask.kind != "create" and state.life != "alive"
        case "stale":
            fits = state.life == "alive" and op.ask.expected not in (None, state.content.version)
        case "taken":
            fits = op.ask.kind == "create" and state.life != "never"
        case _:
            fits = False
    return state if fits else None


def _change(state: State, op: Op) -> State | None:
    """What an operation that is carried out makes of a register, or None where it cannot be carried out."""
    ask, held = op.ask, state.content
    if ask.kind == "create":
        return State("alive", Content(1, ask.number, ask.text)) if state.life == "never" else None
    if state.life != "alive" or ask.expected not in (None, held.version):
        return None
    match ask.kind:
        case "read":
            return state
        case "replace":
            return State("alive", Content(held.version + 1, ask.number, ask.text))
        case "patch":
            return State("alive", Content(held.version + 1, ask.number, held.text))
        case "delete":
            return State("gone", held)


def _walk(node: _Node) -> tuple[Op, ...]:
    """How a node was reached, in order."""
    ops: list[Op] = []
    at: _Node | None = node
    while at is not None:
        if at.op is not None:
            ops.append(at.op)
        at = at.parent
    return tuple(reversed(ops))


def _show(op: Op) -> str:
    ask, until = op.ask, "..." if op.returned == FOREVER else str(op.returned)
    asked = f"{ask.kind} expected={ask.expected} number={ask.number} text={ask.text!r}"
    return f"  [{op.invoked} {until}] {asked} -> {op.answer.told} {op.answer.content or ''}"
