"""Puts the handlers of accounts to their actions."""

from collections.abc import Awaitable, Mapping

from holdfast.core.ask.query import check_no_parameters
from holdfast.core.exchange import Reply
from holdfast.core.routes import Action
from holdfast.core.view import View
from holdfast.engine.auth.account import Account
from holdfast.engine.auth.desk import Desk
from holdfast.engine.auth.factor import SecondFactor
from holdfast.engine.auth.login import Login
from holdfast.engine.auth.oidc import Oidc
from holdfast.engine.auth.post import Post
from holdfast.engine.auth.recovery import Recovery
from holdfast.engine.auth.registration import Registration
from holdfast.engine.request import Handler, Request
from holdfast.ports.store import Store


def account_handlers(desk: Desk, whole: View, store: Store, post: Post, factor: SecondFactor, oidc: Oidc) -> Mapping[Action, Handler]:
    """The handler of each action below /auth. `whole` is the view of all that is shown of a user."""
    login, account = Login(desk, factor), Account(desk, whole, store)
    registration, recovery = Registration(desk, whole, store, post), Recovery(desk, whole, store, post)
    handlers: Mapping[Action, Handler] = {
        Action.LOGIN: login.login,
        Action.REFRESH: login.refresh,
        Action.LOGOUT: login.logout,
        Action.ME: account.me,
        Action.PASSWORD: account.change_password,
        Action.SESSIONS: account.list_sessions,
        Action.REVOKE_SESSION: account.revoke_session,
        Action.REGISTER: registration.register,
        Action.VERIFY_EMAIL: registration.verify,
        Action.RESET: recovery.ask,
        Action.CONFIRM_RESET: recovery.confirm,
        Action.ENROL_TOTP: factor.enrol,
        Action.CONFIRM_TOTP: factor.confirm,
        Action.DISABLE_TOTP: factor.disable,
    }
    plain = {action: _without_parameters(handler) for action, handler in handlers.items()}
    return {**plain, Action.OIDC_START: oidc.start, Action.OIDC_CALLBACK: oidc.callback}


def _without_parameters(handler: Handler) -> Handler:
    """A handler of a route whose query string says nothing."""

    def handle(request: Request, body: bytes) -> Reply | Awaitable[Reply]:
        check_no_parameters(request.query)
        return handler(request, body)

    return handle
