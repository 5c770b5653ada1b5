"""Real dice."""

import secrets


class SystemEntropy:
    """Random bits from the operating system."""

    __slots__ = ()

    def bits(self, count: int) -> int:
        """A random number of `count` bits."""
        return secrets.randbits(count)
