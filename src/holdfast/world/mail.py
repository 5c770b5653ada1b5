"""Mailers: SMTP, and the terminal for developers."""

import asyncio
import smtplib
import ssl
import sys
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from holdfast.ports.mail import Mail

TIMEOUT_S = 10.0
_PORTS = {"smtp": 587, "smtps": 465}


class SmtpMailer:
    """Sends by an SMTP server: smtp://user:password@host:587 (with STARTTLS where it is offered) or smtps://host:465.

    A password goes over TLS alone, unless the server is on this machine.
    """

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "localhost", parts.port or _PORTS[parts.scheme]
        self._tls = parts.scheme == "smtps"
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender

    def __repr__(self) -> str:
        return f"SmtpMailer({self._host}:{self._port})"

    async def send(self, mail: Mail) -> None:
        """Hand a mail over, in a thread."""
        await asyncio.to_thread(self._send, mail)

    def _send(self, mail: Mail) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message.set_content(mail.text)
        with self._connect() as server:
            if self._user:
                server.login(self._user, self._password)
            server.send_message(message)

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._tls:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        try:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
                return server
        except BaseException:
            server.close()
            raise
        if self._user and not _is_here(self._host):
            server.close()
            raise smtplib.SMTPException("the server offers no TLS, so no password is sent to it")
        return server


class ConsoleMailer:
    """Shows mail on standard error, for developers."""

    async def send(self, mail: Mail) -> None:
        """Show a mail."""
        sys.stderr.write(f"\nMail to {mail.to}: {mail.subject}\n{mail.text}\n")
        sys.stderr.flush()


class NoMailer:
    """There is none: whatever should be sent is not."""

    async def send(self, mail: Mail) -> None:  # noqa: ARG002 - as the others
        """Refuse."""
        raise OSError("no mailer is set: see the setting `smtp`")


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
