"""Mail: what the engine needs to reach people."""

from typing import NamedTuple, Protocol


class Mail(NamedTuple):
    """A mail of plain text to one address."""

    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail over; raises OSError where it was not taken."""
        ...
