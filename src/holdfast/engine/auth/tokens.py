"""Tokens: 32 random bytes behind a prefix that says what they are. They are kept as keyed hashes, so a stolen database opens nothing."""

from holdfast.base.base64url import encode_base64url
from holdfast.base.instant import Instant
from holdfast.ports.accounts import NewToken
from holdfast.ports.world import Entropy, Secrets

PREFIXES = {"access": "hfa_", "refresh": "hfr_", "key": "hf_", "ticket": "hft_"}
"""What tokens begin with, so that people and secret scanners know them; engine.redact does."""

_BYTES = 32


class Tokens:
    """Makes tokens, and finds the hash by which each is kept."""

    def __init__(self, secrets: Secrets, entropy: Entropy) -> None:
        self._secrets, self._entropy = secrets, entropy

    def make(self, kind: str, expires_at: Instant | None = None) -> tuple[str, NewToken]:
        """A new token, and what is kept of it."""
        raw = self._entropy.bits(_BYTES * 8).to_bytes(_BYTES, "big")
        text = PREFIXES[kind] + encode_base64url(raw)
        return text, NewToken(self.hash(text), kind, expires_at)

    def hash(self, text: str) -> bytes:
        """The hash by which a token is kept."""
        return self._secrets.sign("tokens", text.encode("utf-8", "replace"))
