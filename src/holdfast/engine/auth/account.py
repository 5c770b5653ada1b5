"""One's own account: who one is, one's password, one's sessions."""

from collections.abc import Awaitable
from typing import Any

from holdfast.base.errors import Refused
from holdfast.base.instant import format_instant
from holdfast.core.exchange import Reply
from holdfast.core.plan import ReadOne, Row, Update, Write
from holdfast.core.record_reply import RecordReplies
from holdfast.core.view import View
from holdfast.engine.auth.desk import Desk, email_of
from holdfast.engine.auth.events import Event
from holdfast.engine.request import Request
from holdfast.ports.accounts import Session
from holdfast.ports.store import Store


class Account:
    """The handlers of me, password and sessions. `whole` is the view of all that is shown of a user."""

    def __init__(self, desk: Desk, whole: View, store: Store) -> None:
        self._desk, self._view, self._store = desk, whole, store
        self._records = RecordReplies(whole.resource, desk.replies.policy)

    def me(self, request: Request, _body: bytes) -> Reply | Awaitable[Reply]:
        """The record of the user who asks."""
        found = self._store.read_one(ReadOne(self._desk.require(request).user_id, self._view))
        return self._show(request, found) if found is None or isinstance(found, Row) else self._show_later(request, found)

    async def change_password(self, request: Request, body: bytes) -> Reply:
        """Change one's password, known the present one. Every other session of the user ends."""
        desk = self._desk
        asker = desk.require(request)
        user = desk.require_credentials(asker)
        email = email_of(user)
        sent = desk.bodies.read_password(desk.read(request, body), email)
        desk.take_account(request, email)
        if not await desk.secrets.verify(user.password, sent.current):
            desk.events.tell(Event.PASSWORD_REFUSED, request, user_id=user.user_id)
            raise Refused("invalid_credentials")
        step = Update(
            user.user_id, self._view, {"password": await desk.secrets.seal("hashed", sent.new)}, version=user.user_version, stale=409
        )
        write = Write((step,), user.user_id, request.request_id, desk.now(), request.deadline_s, caller=asker.caller)
        await request.time_store(self._store.write(write))
        desk.events.tell(Event.PASSWORD_CHANGED, request, user_id=user.user_id)
        return desk.answer(request, None)

    def list_sessions(self, request: Request, _body: bytes) -> Reply:
        """The living sessions of the user who asks."""
        desk = self._desk
        user_id, own, _ = desk.require(request)
        shown = [_show_session(each, own) for each in desk.sessions.list_sessions(user_id, desk.now())]
        return desk.answer(request, shown)

    async def revoke_session(self, request: Request, _body: bytes) -> Reply:
        """End one of one's own sessions."""
        desk = self._desk
        user_id = desk.require(request).user_id
        if not await request.time_store(desk.sessions.revoke(user_id, request.record_id, desk.now(), request.deadline_s)):
            raise Refused("not_found")
        desk.events.tell(Event.SESSION_REVOKED, request, user_id=user_id, session_id=request.record_id)
        return desk.answer(request, None)

    def _show(self, request: Request, row: Row | None) -> Reply:
        if row is None:
            raise Refused("unauthenticated")
        return self._records.read(row, self._view, request.request_id, request.head.header("if-none-match"))

    async def _show_later(self, request: Request, waiting: Awaitable[Row | None]) -> Reply:
        return self._show(request, await request.time_store(waiting))


def _show_session(session: Session, own: str | None) -> dict[str, Any]:
    def shown(at: Any) -> str | None:
        return None if at is None else format_instant(at)

    return {
        "id": session.id,
        "kind": session.kind,
        "name": session.name,
        "current": session.id == own,
        "created_at": shown(session.created_at),
        "seen_at": shown(session.seen_at),
        "expires_at": shown(session.expires_at),
        "agent": session.agent,
        "address": session.address,
    }
