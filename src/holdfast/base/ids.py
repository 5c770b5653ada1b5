"""Record ids: UUID version 7 text (RFC 9562), made by us or sent by the client as version 4 or 7.

Nothing here reads a clock or throws dice: the engine passes both in.
"""

import re
from typing import NewType

RecordId = NewType("RecordId", str)
"""Lower-case UUID text of 36 characters."""

ABSENT_ID = RecordId("")
"""Stands for an id that is malformed: no record has it, so it is missed where any other would be."""

# Both cases are spelled out: re.IGNORECASE takes twice as long, and every read by id passes here.
_HEX = "[0-9a-fA-F]"
_ANY_UUID = re.compile(rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\Z")
_CLIENT_UUID = re.compile(rf"{_HEX}{{8}}-{_HEX}{{4}}-[47]{_HEX}{{3}}-[89abAB]{_HEX}{{3}}-{_HEX}{{12}}\Z")


def build_uuid7(unix_ms: int, random_bits: int) -> RecordId:
    """Make the UUIDv7 text of a millisecond and 74 random bits."""
    high = (random_bits >> 62) & 0xFFF
    low = (random_bits & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
    stamp, tail = f"{unix_ms:012x}", f"{low:016x}"
    return RecordId(f"{stamp[:8]}-{stamp[8:]}-7{high:03x}-{tail[:4]}-{tail[4:]}")


def parse_uuid(text: str) -> RecordId | None:
    """Read any UUID text; None if it is not one."""
    return RecordId(text.lower()) if _ANY_UUID.match(text) else None


def parse_client_id(text: str) -> RecordId | None:
    """Read an id that a client may choose at creation: version 4 or 7 of the RFC 9562 variant; else None."""
    return RecordId(text.lower()) if _CLIENT_UUID.match(text) else None
