"""Post: the mails of accounts. They are sent behind the answer, so that its time tells nothing of whether there is something to send."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from holdfast.base.errors import HoldfastError
from holdfast.ports.mail import Mail, Mailer

UNDERWAY_MAX = 1_000  # what is more is not sent, and said so in the log
CLOSE_S = 5.0  # so long a stop waits for what is under way


class Post:
    """Sends mails of one worker.

    app_url  where the pages are that take a token; None: a mail holds the token alone
    say      engine.log.Log.say
    """

    def __init__(self, mailer: Mailer, title: str, app_url: str | None, say: Callable[..., None]) -> None:
        self._mailer, self._title, self._app_url, self._say = mailer, title, app_url, say
        self._underway: set[asyncio.Task[None]] = set()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something behind the answer."""
        if len(self._underway) >= UNDERWAY_MAX:
            self._say("error", "a mail was not sent: too many are under way")
            return
        task = asyncio.get_running_loop().create_task(self._guard(work))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)

    async def verify(self, to: str, token: str) -> None:
        """Ask whether an address is theirs."""
        await self._send(to, "Confirm your e-mail address", "To confirm that this is your address, use", "verify-email", token)

    async def reset(self, to: str, token: str) -> None:
        """Let someone choose a new password."""
        await self._send(to, "Choose a new password", "To choose a new password within 30 minutes, use", "reset", token)

    async def tell_known(self, to: str) -> None:
        """Tell someone who has an account that it was registered for again."""
        text = "Someone, perhaps you, registered with this address. You have an account already; if you forgot its password, reset it."
        await self._mailer.send(Mail(to, f"{self._title}: you have an account", text))

    async def close(self) -> None:
        """Wait for what is under way, for a while."""
        if self._underway:
            await asyncio.wait(self._underway, timeout=CLOSE_S)
        for each in self._underway:
            each.cancel()

    async def _send(self, to: str, subject: str, ask: str, page: str, token: str) -> None:
        # Behind a # the token stays in the browser: no server, and no log, ever sees it in a URL.
        place = token if self._app_url is None else f"{self._app_url.rstrip('/')}/{page}#token={token}"
        text = f"{ask}\n\n    {place}\n\nIf you did not ask for this, do nothing.\n"
        await self._mailer.send(Mail(to, f"{self._title}: {subject[0].lower()}{subject[1:]}", text))

    async def _guard(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except (OSError, HoldfastError) as error:
            self._say("error", f"a mail was not sent: {error}")
