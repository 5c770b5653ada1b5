"""Cursors: the signed place in a list where the next page begins. Opaque to callers, true across restarts.

A cursor holds the sort values of the last row and the number of the page it leads to. Its signature covers them and the
fingerprint of the list - resource, filter, search, sort, caller - so that it fits no other list.
Text form: base64url without padding of 16 bytes of signature and a MessagePack array [page, value, ...].
"""

import hmac
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from holdfast.base.base64url import decode_base64url, encode_base64url
from holdfast.base.errors import Refused
from holdfast.core.condition import Stored

_SIGNATURE_BYTES = 16


class Cursor(NamedTuple):
    """Where a page begins: the number of that page, and the sort values of the row before it."""

    page: int
    values: tuple[Stored, ...]


class Cursors:
    """Writes and reads cursors. `sign` is a keyed digest of at least 16 bytes; the first 16 are used."""

    def __init__(self, sign: Callable[[bytes], bytes]) -> None:
        self._sign = sign

    def encode(self, cursor: Cursor, fingerprint: bytes) -> str:
        """Write a cursor for the list of that fingerprint."""
        payload = _encoder.encode(cursor)
        return encode_base64url(self._signature(payload, fingerprint) + payload)

    def decode(self, text: str, fingerprint: bytes) -> Cursor:
        """Read a cursor; refuses invalid_cursor if it was not made here for this very list."""
        try:
            sealed = decode_base64url(text)
        except ValueError as error:
            raise Refused("invalid_cursor") from error
        signature, payload = sealed[:_SIGNATURE_BYTES], sealed[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(payload, fingerprint)):
            raise Refused("invalid_cursor")
        return _decoder.decode(payload)

    def _signature(self, payload: bytes, fingerprint: bytes) -> bytes:
        """The length in front keeps one pair of payload and fingerprint from reading as another."""
        return self._sign(len(payload).to_bytes(4, "big") + payload + fingerprint)[:_SIGNATURE_BYTES]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Cursor)
