"""Idempotency keys: how a caller makes a write happen once, however often it is sent.

A key belongs to whoever asks (signed out: their address), a method and a concrete path. Beside it the fingerprint of the request is
kept, so that a repeat is told from another request under the same key. Pure; the key is claimed by the store, in the transaction of
the write.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from holdfast.base.errors import Refused
from holdfast.base.limits import IDEMPOTENCY_KEY_LENGTH_MAX
from holdfast.core.condition import ALWAYS, NEVER, Condition, conjoin
from holdfast.core.exchange import Head, Reply
from holdfast.core.plan import Claim, Delete, Kept, Row, Shown, WriteStep, told_where
from holdfast.core.view import View

HEADER = "idempotency-key"
REPLAYED = ("idempotency-replayed", "true")

Answer = Callable[[tuple[Row | None, ...]], Reply]
"""Makes the reply to a write from one Row for each step. Pure."""

_MADE_ANEW = frozenset({"x-request-id"})
"""Headers that belong to the request that is answered, not to the answer that is kept."""


def read_key(head: Head) -> str | None:
    """The idempotency key of a request without its surrounding quotes, None if it has none; refuses malformed_request."""
    sent = head.header(HEADER)
    if sent is None:
        return None
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if not 1 <= len(key) <= IDEMPOTENCY_KEY_LENGTH_MAX or not _is_visible(key):
        raise Refused(
            "malformed_request",
            f"Idempotency-Key is 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} visible ASCII characters, sent once.",
            hint="Send a new random key, such as a UUID, for each write, and the same one when you send that write again.",
        )
    return key


def _is_visible(key: str) -> bool:
    """Whether it is one key: of a header that is sent twice the values are joined by a comma and a space."""
    return key.isascii() and key.isprintable() and " " not in key


def build_claim(
    key: str,
    head: Head,
    *,
    path: str,
    query: str,
    body: Any,
    actor_id: str | None,
    sign: Callable[[bytes], bytes],
    steps: Sequence[WriteStep],
    answer: Answer,
) -> Claim:
    """The claim of a request for its steps.

    path, query  as the request has them; the path is decoded
    body         the parsed JSON value; None where there is none
    actor_id     who asks; None for a caller who is not signed in
    sign         a keyed 16-byte digest, so that the database alone tells nothing of keys, addresses and bodies: they hold secrets
    """
    caller = ("address", head.peer) if actor_id is None else ("actor", actor_id)
    asked = (head.method, path, query, head.header("if-match"), head.header("prefer"), _encode_body(body))
    return Claim(
        key_hash=sign(_encode((caller, head.method, path, key))),
        fingerprint=sign(_encode(asked)),
        keep=None if is_in_journal(steps) else lambda rows: _keep(answer(rows)),
        shows=lambda kept: list_shown(steps, kept),
    )


def is_in_journal(steps: Sequence[WriteStep]) -> bool:
    """Whether the answer to a write can be told again from the journal alone, so that none has to be kept.

    Each step but a deletion leaves one entry, which holds the record as it was answered; what is included beside it, or decides what
    is shown of it, may be in no entry. A deletion may leave more entries, but there is nothing to tell of it.
    """
    if len(steps) == 1 and isinstance(steps[0], Delete):
        return True
    return not any(isinstance(each, Delete) or each.view.includes or each.view.masks for each in steps)


def list_shown(steps: Sequence[WriteStep], kept: Kept) -> Iterator[Shown]:
    """Every record that a kept answer shows, those included in others too, with what the steps say must hold for it and its masks."""
    if not kept.body:  # Prefer: return=minimal
        return
    data = msgspec.json.decode(kept.body)["data"]
    for step, told in zip(steps, data if isinstance(data, list) else [data], strict=True):
        record = told["data"] if isinstance(told, dict) and "id" not in told else told  # a batch tells the status of each beside it
        if record is not None and not isinstance(step, Delete):
            yield from _list_record(step.view, told_where(step), record)


def _list_record(view: View, where: Condition, record: Mapping[str, Any]) -> Iterator[Shown]:
    if record.keys() <= {"id", "version"}:
        return
    masks = {each.field.member: each.where for each in view.masks}
    known = {*(each.member for each in view.fields), *masks, *(each.field.name for each in view.includes)}
    hidden = () if record.keys() <= known else (NEVER,)  # what the caller could see then, and now in no row
    followed = (each.where for each in view.includes if each.where is not None and record[each.field.name] is not None)
    needed = conjoin(where, *hidden, *(mask for member, mask in masks.items() if member in record), *followed)
    if needed != ALWAYS:
        yield Shown(view.resource, record["id"], needed)
    for include in view.includes:
        inner = record[include.field.name]
        if inner is not None:
            yield from _list_record(include.view, ALWAYS if include.guard is None else include.guard, inner)


def _keep(reply: Reply) -> Kept:
    assert isinstance(reply.body, bytes), "the answer to a write is no stream"
    return Kept(reply.status, tuple(each for each in reply.headers if each[0] not in _MADE_ANEW), reply.body)


def build_headers(kept: Kept, request_id: str) -> tuple[tuple[str, str], ...]:
    """The headers of a kept answer, sent to the request of that id."""
    return (("x-request-id", request_id), *kept.headers)


def mark_replayed(reply: Reply) -> None:
    """Say that an earlier request has made what is answered."""
    reply.headers = (*reply.headers, REPLAYED)


_encode = msgspec.msgpack.Encoder().encode
_encode_body = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode  # members in any order are the same body
