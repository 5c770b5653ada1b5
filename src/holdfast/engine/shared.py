"""Shared: what several ask for in the same words is found once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Shared(Generic[Question, Answer]):
    """The newest answers of one loop, as many as are kept, for whoever asks the same. An answer must follow from its question alone."""

    def __init__(self, kept_max: int) -> None:
        self._kept_max = kept_max
        self._kept: dict[Question, Answer | asyncio.Future[Answer]] = {}

    async def ask(self, question: Question, find: Callable[[], Answer | Awaitable[Answer]]) -> Answer:
        """The answer, by `find` where nobody has asked so far; who asks meanwhile waits for the same one, however many leave."""
        answer = self._kept.get(question)
        if answer is None:
            found = find()
            answer = self._follow(question, found) if isinstance(found, Awaitable) else found
            self._keep(question, answer)
        return await asyncio.shield(answer) if isinstance(answer, asyncio.Future) else answer

    def clear(self) -> None:
        """Let every answer go."""
        self._kept.clear()

    def _keep(self, question: Question, answer: Answer | asyncio.Future[Answer]) -> None:
        if len(self._kept) >= self._kept_max:
            del self._kept[next(iter(self._kept))]
        self._kept[question] = answer

    def _follow(self, question: Question, found: Awaitable[Answer]) -> asyncio.Future[Answer]:
        """An answer that is not there yet; a failure is for those who wait for it already, and the next is tried anew."""

        def drop_failed(done: asyncio.Future[Answer]) -> None:
            if (done.cancelled() or done.exception() is not None) and self._kept.get(question) is done:
                del self._kept[question]

        answer = asyncio.ensure_future(found)
        answer.add_done_callback(drop_failed)
        return answer
