"""A mailbox for the stories, behind a real SMTP server on loopback."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_TOKEN = re.compile(r"#token=(hft_[\w-]{43})")


def _text_of(mail: Message) -> str:
    decoded = mail.get_payload(decode=True)
    assert isinstance(decoded, bytes)
    return decoded.decode()


class Box:
    """What arrived."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd calls it so
        """Take a mail."""
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content)
        self.mails.append((envelope.rcpt_tos[0], str(mail["Subject"]), _text_of(mail)))
        return "250 OK"

    def wait(self, to: str, count: int = 1) -> tuple[str, str]:
        """The subject and text of the newest mail to an address; it comes behind the answer."""
        until_s = time.monotonic() + 10
        while time.monotonic() < until_s:
            found = [(subject, text) for address, subject, text in self.mails if address == to]
            if len(found) >= count:
                return found[-1]
            time.sleep(0.02)
        raise AssertionError(f"no mail to {to} in {self.mails}")

    def token(self, to: str, count: int = 1) -> str:
        """The token of the newest mail to an address."""
        found = _TOKEN.search(self.wait(to, count)[1])
        assert found is not None
        return found[1]


@contextmanager
def receiving() -> Iterator[tuple[Box, str]]:
    """A mailbox, and the URL of the SMTP server that leads to it."""
    box = Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()
