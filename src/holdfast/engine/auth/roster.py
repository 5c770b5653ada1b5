"""The roster: users and keys as the operator sees to them, from the command line."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant, after
from holdfast.base.limits import PAGE_LIMIT_MAX, REQUEST_DEADLINE_S
from holdfast.core.condition import Stored
from holdfast.core.passwords import PasswordRules
from holdfast.core.plan import Create, Update, Write, WriteStep
from holdfast.core.slots import let_keys
from holdfast.core.validate import BodyReader
from holdfast.core.view import View
from holdfast.engine.auth.tokens import Tokens
from holdfast.engine.commit import only_row
from holdfast.engine.reads import read_all
from holdfast.engine.sealing import Sealing
from holdfast.model.catalog import ResourceSpec
from holdfast.model.user import KEY_DOMAIN
from holdfast.ports.accounts import Credentials, NewSession, Session, Sessions
from holdfast.ports.store import Store
from holdfast.ports.world import Clock, Secrets


class Roster:
    """Adds, lists, changes and revokes users and keys. Raises Refused as the routes do; each change is journaled with `request_id`."""

    def __init__(
        self,
        users: ResourceSpec,
        *,
        store: Store,
        sessions: Sessions,
        secrets: Secrets,
        clock: Clock,
        make_id: Callable[[], RecordId],
        tokens: Tokens,
        rules: PasswordRules,
        request_id: str,
    ) -> None:
        self._users, self._store, self._sessions, self._clock = users, store, sessions, clock
        self._make_id, self._tokens, self._rules, self._request_id = make_id, tokens, rules, request_id
        self._secrets = secrets
        self._reader, self._key_reader, self._sealing = BodyReader(users), BodyReader(let_keys(users)), Sealing(users, secrets)
        self._view = View(users, users.shown_fields)

    async def add_user(self, email: str, password: str | None, roles: Sequence[str], more: Mapping[str, Any]) -> dict[str, Any]:
        """Make a user; who was given their account by the operator has a verified address."""
        if password is not None:
            self._rules.judge_user({"password": password, "email": email})
        body = {**more, "email": email, "roles": list(roles), "email_verified": True}
        return await self._create(self._reader, body if password is None else {**body, "password": password})

    async def change(self, email: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change a user. Raises Refused not_found where there is none."""
        user = self._find(email)
        if isinstance(changes.get("password"), str):
            self._rules.judge_user({**changes, "email": email})
        values = await self._sealing.seal(self._reader.read_patch(dict(changes)).assign)
        return await self._update(user, values)

    async def users(self) -> AsyncIterator[dict[str, Any]]:
        """Every user, by e-mail address; keys have users of their own."""
        async for page in read_all(self._store, self._view, "email", PAGE_LIMIT_MAX):
            for text in page.rows:
                yield msgspec.json.decode(text)

    async def add_key(self, name: str, roles: Sequence[str], expires_at: Instant | None, more: Mapping[str, Any]) -> str:
        """Make a key, or one more for a name whose key was revoked; the key, which is not kept anywhere."""
        email, now = key_address(name), self._clock.now()
        if self.find_key(name) is not None:
            raise Refused("unique_conflict", f"There is a key {name} already.", hint="Revoke it first, or choose another name.")
        user = self._sessions.find_by_email(email)
        if user is not None and self._opens_otherwise(user, now):  # what the key may do, whoever signs in so could do
            message = f"The user {email} is not a key's alone: they can sign in."
            raise Refused("unique_conflict", message, hint="Choose another name, and see to that user.")
        if user is None:
            made = await self._create(self._key_reader, {**more, "email": email, "roles": list(roles)})
            user_id = RecordId(made["id"])
        else:
            user_id = user.user_id
            changes = self._reader.read_patch({**more, "roles": list(roles), "active": True})
            await self._update(user, await self._sealing.seal(changes.assign))
        text, token = self._tokens.make("key", expires_at)
        session = NewSession(self._make_id(), user_id, "key", name, now, expires_at, None)
        if not await self._sessions.open(session, [token], None, self._deadline()):
            raise Refused("not_found")
        return text

    def after_hours(self, hours: int | None) -> Instant | None:
        """The instant so many hours from now; None for never."""
        return None if hours is None else after(self._clock.now(), hours * 3_600)

    def list_keys(self) -> Sequence[Session]:
        """The living keys, SESSIONS_LISTED_MAX of them."""
        return self._sessions.list_keys(self._clock.now())

    def find_key(self, name: str) -> Session | None:
        """The living key of a name."""
        return self._sessions.find_key(name, self._clock.now())

    def roles_of(self, session: Session) -> list[str]:
        """The roles with which a key acts."""
        user = self._sessions.find_by_id(session.user_id)
        return [] if user is None else list(msgspec.json.decode(msgspec.json.decode(user.image)["roles"]))

    async def revoke_key(self, name: str) -> None:
        """End a key and the user as whom it acts. Raises Refused not_found."""
        key = self.find_key(name)
        user = None if key is None else self._sessions.find_by_id(key.user_id)
        if key is None or user is None:
            raise Refused("not_found", f"There is no key {name}.", hint="`holdfast key list` shows every key.")
        await self._update(user, {"active": 0})

    def _opens_otherwise(self, user: Credentials, now: Instant) -> bool:
        """Whether anything but a new key lets somebody act as a user: a password, a living session or key, or another provider."""
        if user.password is not None or self._sessions.is_linked(user.user_id):
            return True
        return bool(self._sessions.list_sessions(user.user_id, now))

    async def _create(self, reader: BodyReader, body: Mapping[str, Any]) -> dict[str, Any]:
        created = reader.read_create(dict(body))
        return await self._write(Create(self._make_id(), self._view, await self._sealing.seal(created.values)))

    async def _update(self, user: Credentials, values: Mapping[str, Stored]) -> dict[str, Any]:
        return await self._write(Update(user.user_id, self._view, values))

    async def _write(self, step: WriteStep) -> dict[str, Any]:
        write = Write((step,), None, self._request_id, self._clock.now(), self._deadline())
        shown: dict[str, Any] = msgspec.json.decode(only_row(await self._store.write(write)).text)
        return shown

    def _find(self, email: str) -> Credentials:
        user = self._sessions.find_by_email(email.lower())
        if user is None:
            raise Refused("not_found", f"There is no user {email}.", hint="`holdfast user list` shows every user.")
        return user

    def _deadline(self) -> float:
        return self._clock.monotonic_s() + REQUEST_DEADLINE_S


def key_address(name: str) -> str:
    """The e-mail address of the user as whom a key acts."""
    return f"{name}@{KEY_DOMAIN}"
