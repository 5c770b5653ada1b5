"""Committing: what every handler that writes does last. Steps go to the store, once for each idempotency key, and become a reply."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from holdfast.core.exchange import Reply
from holdfast.core.idempotency import Answer, build_claim, mark_replayed
from holdfast.core.plan import Row, Write, WriteStep
from holdfast.core.reply import Replies
from holdfast.engine.request import Request
from holdfast.ports.store import Store
from holdfast.ports.world import Clock, Secrets

Tell = Callable[[Request, Sequence[WriteStep]], None]


class Committer:
    """Runs the writes of one worker. `tell` hears of each that was committed, and not of its repeats."""

    def __init__(self, *, store: Store, clock: Clock, secrets: Secrets, replies: Replies, tell: Tell) -> None:
        self._store, self._clock, self._replies, self._tell = store, clock, replies, tell
        self._sign = partial(secrets.sign, "idempotency")

    async def commit(
        self, steps: tuple[WriteStep, ...], answer: Answer, request: Request, *, key: str | None, body: Any, step_prefix: str = ""
    ) -> Reply:
        """Run the steps in one transaction and answer once they are durable.

        answer       the rows of the steps -> the reply; pure
        key          the idempotency key of the request (core.idempotency.read_key); None: nothing is kept
        body         the parsed body, which a repeat must have too
        step_prefix  see core.plan.Write

        Raises what ports.Store.write and write_once raise.
        """
        known = request.known
        write = Write(steps, known.actor.id, request.request_id, self._clock.now(), request.deadline_s, step_prefix, known.caller)
        if key is None:
            rows = await request.time_store(self._store.write(write))
            self._tell(request, steps)
            return answer(rows)
        claim = build_claim(
            key,
            request.head,
            path=request.path,
            query=request.query,
            body=body,
            actor_id=known.actor.id,
            sign=self._sign,
            steps=steps,
            answer=answer,
        )
        done = await request.time_store(self._store.write_once(write, claim))
        reply = answer(done.rows) if done.kept is None else self._replies.kept(done.kept, request.request_id)
        if done.replayed:
            mark_replayed(reply)
        else:
            self._tell(request, steps)
        return reply


def only_row(rows: Sequence[Row | None]) -> Row:
    """The row of a write with one step that shows its record."""
    (row,) = rows
    assert row is not None
    return row
