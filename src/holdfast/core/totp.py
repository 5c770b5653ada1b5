"""Codes that an authenticator shows (TOTP, RFC 6238): six digits of SHA-1 in steps of thirty seconds, as every authenticator knows them."""

import hmac
from base64 import b32decode
from urllib.parse import quote, urlencode

from holdfast.base.instant import SECOND_US, Instant

STEP_S = 30
SECRET_BITS = 160  # as RFC 4226 advises
_DIGITS = 6
_STEPS_AROUND = (0, -1, 1)  # clocks differ, and people type slowly


def build_code(secret: str, step: int) -> str:
    """The code of a step; `secret` is base32."""
    digest = hmac.digest(b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)


def find_step(secret: str, code: str, now: Instant) -> int | None:
    """The step whose code was sent, of now, just before or just after; None if it is of none of them."""
    present = now // (STEP_S * SECOND_US)
    sent = code.replace(" ", "").encode()
    found = None
    for around in _STEPS_AROUND:
        if hmac.compare_digest(build_code(secret, present + around).encode(), sent):
            found = present + around
    return found


def build_uri(secret: str, account: str, issuer: str) -> str:
    """What an authenticator reads as a QR code."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
