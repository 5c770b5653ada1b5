"""Time, dice and secrets, so that what is below stays free of them."""

from typing import Protocol

from holdfast.base.instant import Instant


class Clock(Protocol):
    """The only source of time above the core."""

    def now(self) -> Instant:
        """Wall clock, microseconds since 1970, never going backwards within a process."""
        ...

    def monotonic_s(self) -> float:
        """Seconds on a clock that never jumps; for deadlines and durations."""
        ...


class Entropy(Protocol):
    """The only source of dice above the core."""

    def bits(self, count: int) -> int:
        """A random number of that many bits, from the operating system."""
        ...


class Secrets(Protocol):
    """What needs the master key or a slow hash."""

    def sign(self, purpose: str, message: bytes) -> bytes:
        """A keyed 16-byte digest; `purpose` separates uses (cursors, seals...)."""
        ...

    async def seal(self, kind: str, text: str) -> str:
        """Turn the value of a secret field into what is stored: kind "hashed" (Argon2id) or "encrypted" (AES-256-GCM).

        Raises Unavailable (overloaded) where too many hashes wait already; so does `verify`, for which places are kept.
        """
        ...

    def unseal(self, sealed: str) -> str:
        """Decrypt what was "encrypted"."""
        ...

    async def verify(self, sealed: str | None, text: str) -> bool:
        """Whether a text has a hash that was made by `seal`. Without a hash it takes as long, and is false."""
        ...

    def needs_rehash(self, sealed: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        ...
