"""The journal: one entry for each change, and the seals that prove them. Pure; the store writes and reads both.

An entry holds the hashes of its payloads beside the payloads, so that a payload can be erased and the entry still be proved. A seal is
a keyed hash over the seal before it and the heads of the entries since then, in order: who edits, removes, adds or swaps entries would
need the key, which is not in the database, or would have to cut off everything from there on, which an anchor outside shows.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Literal, NamedTuple

import msgspec

Operation = Literal["create", "update", "delete", "undelete", "erase"]
"""What was done to a record. `erase` has no payloads and changes nothing: it says that those of the entries before it were removed."""

Sign = Callable[[bytes], bytes]
"""A keyed 16-byte digest of a message (ports.Secrets.sign under the purpose of the journal)."""

HASH_BYTES = 16
SECRETS = "hf_secrets"
"""The member of an image that stands for all secrets of a record: their digest. No view knows it; no field can have this name."""

NO_SEAL = b""
"""What stands before the first seal."""

_encoder = msgspec.msgpack.Encoder()


class EntryHead(NamedTuple):
    """An entry without its payloads; what a seal is made over. The hashes are those of the images, None where there is none."""

    seq: int
    resource: str
    record_id: str
    version: int
    operation: str
    actor_id: str | None
    request_id: str
    at: str
    before_hash: bytes | None
    after_hash: bytes | None


class Seal(NamedTuple):
    """The proof of the entries from `first_seq` to `last_seq`, `entries` of them, and of every seal before it.

    folded  entries were removed, with the seals between: `seal` is what the next one is chained to, and this proves what is left
    """

    last_seq: int
    first_seq: int
    entries: int
    seal: bytes
    folded: bytes | None = None


def hash_payload(payload: str | None) -> bytes | None:
    """The hash of an image; None where there is none."""
    return None if payload is None else blake2b(payload.encode(), digest_size=HASH_BYTES).digest()


def digest_secrets(*named: str | None) -> str | None:
    """The digest of the secrets of a record as they are stored: a name, its value, the next name, ...; None where no value is there.

    It needs no key, because no value is one that can be guessed: decision 017.
    """
    held = [(name, value) for name, value in zip(named[::2], named[1::2], strict=True) if value is not None]
    return blake2b(_encoder.encode(held), digest_size=HASH_BYTES).hexdigest() if held else None


def sign_unkeyed(message: bytes) -> bytes:
    """A digest without a key: it shows accidents, but whoever can write to the database can make it anew."""
    return blake2b(message, digest_size=HASH_BYTES).digest()


def fingerprint_of(sign: Sign) -> str:
    """What tells one key from another without telling it; no message that a seal is made over is this one."""
    return sign(b"fingerprint").hex()


def make_seal(previous: bytes, heads: Sequence[EntryHead], sign: Sign) -> Seal:
    """Seal entries (at least one, in order) after the previous seal, or after NO_SEAL."""
    return Seal(heads[-1][0], heads[0][0], len(heads), sign(encode_heads(previous, heads)))


def fold_seal(previous: Seal, last: Seal, heads: Sequence[EntryHead], sign: Sign) -> Seal:
    """The seal that stands for those after `previous` up to `last`, once no more than these entries are left of them."""
    first_seq = previous.last_seq + 1
    message = _encoder.encode(("folded", previous.seal, last.seal, first_seq, last.last_seq, tuple(heads)))
    return Seal(last.last_seq, first_seq, len(heads), last.seal, sign(message))


def take_seals(seals: Sequence[Seal], entries_max: int) -> Sequence[Seal]:
    """As many of the first seals as are made over no more entries than that; at least one if there is one."""
    entries = 0
    for count, seal in enumerate(seals):
        entries += seal.entries
        if count and entries > entries_max:
            return seals[:count]
    return seals


def encode_heads(previous: bytes, heads: Iterable[EntryHead]) -> bytes:
    """What is signed: MessagePack, in which no two different inputs are alike."""
    return _encoder.encode((previous, tuple(heads)))
