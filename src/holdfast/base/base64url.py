"""base64url without padding (RFC 4648, section 5): how bytes stand in URLs, headers and cookies."""

import base64


def encode_base64url(raw: bytes) -> str:
    """Write bytes as text of letters, digits, `-` and `_`."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Read what `encode_base64url` writes, in that one spelling: no padding, no stray bits, no other alphabet. Raises ValueError."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if encode_base64url(raw) != text:
        raise ValueError("another spelling of the same bytes")
    return raw
