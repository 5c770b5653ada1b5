"""People of the stories: users who can sign in, and the tokens that they hold."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from story_case import Story

from holdfast import Access, Backend, Resource, anyone, role
from holdfast.app.accounts import open_roster
from holdfast.app.store import open_audit
from holdfast.engine.auth.roster import Roster
from holdfast.engine.verify import Finding
from holdfast.model.catalog import Catalog
from holdfast.settings import Settings
from holdfast.testing import Response

Value = TypeVar("Value")

PASSWORD = "correct horse battery"  # noqa: S105  # of nobody
OTHER = "a second passphrase"
LOGIN = "/auth/login"


class Note(Resource):
    """Something to write."""

    text: str

    access = Access(read=anyone, write=role("editor"))


BACKEND = backend = Backend(Note)


@dataclass
class Person:
    """A user who can sign in, and the story they are in."""

    story: Story
    email: str
    id: str

    def sign_in(self, password: str = PASSWORD) -> "Held":
        """Sign in, to be answered 200."""
        answer = self.story.ask("POST", LOGIN, json={"email": self.email, "password": password})
        assert answer.status == 200, answer
        return Held(self.story, answer.data["access_token"], answer.data["refresh_token"])


@dataclass
class Held:
    """The tokens of one session."""

    story: Story
    access: str
    refresh: str

    def ask(self, method: str, path: str, **parts: Any) -> Response:
        """Ask with the access token."""
        return self.story.ask(method, path, headers={"authorization": f"Bearer {self.access}"}, **parts)

    def trade(self) -> Response:
        """Trade the refresh token."""
        return self.story.ask("POST", "/auth/refresh", json={"refresh_token": self.refresh})

    @property
    def lives(self) -> bool:
        """Whether the access token still opens anything."""
        return self.ask("GET", "/auth/me").status == 200


async def _with_roster(data: Path, work: Callable[[Roster], Awaitable[Value]], catalog: Catalog) -> Value:
    async with open_roster(Settings(data=data), catalog, request_id="operator", create=True) as roster:
        return await work(roster)


def operate(data: Path, work: Callable[[Roster], Awaitable[Value]], catalog: Catalog = BACKEND.catalog) -> Value:
    """Do what a command does on a data folder, beside what serves it."""
    return asyncio.run(_with_roster(data, work, catalog))


def add_person(
    story: Story, data: Path, *roles: str, password: str | None = PASSWORD, catalog: Catalog = BACKEND.catalog, **members: Any
) -> Person:
    """Add a user as `holdfast user add` does."""
    email = f"{story.unique('person')}@example.org"
    made = operate(data, lambda roster: roster.add_user(email, password, roles, members), catalog)
    return Person(story, email, made["id"])


def change(data: Path, email: str, **members: Any) -> None:
    """Change a user as `holdfast user revoke`, `password` and the like do."""
    operate(data, lambda roster: roster.change(email, members))


def verify(data: Path, catalog: Catalog = BACKEND.catalog) -> Sequence[Finding]:
    """What `holdfast verify` finds, beside what serves the folder."""
    with open_audit(Settings(data=data), catalog, (), lambda _progress: None) as verifier:
        verifier.run()
        return verifier.findings
