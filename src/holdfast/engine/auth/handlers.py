"""Puts the handlers of accounts to their actions."""

from collections.abc import Mapping

from holdfast.core.routes import Action
from holdfast.engine.auth.account import Account
from holdfast.engine.auth.desk import Desk
from holdfast.engine.auth.login import Login
from holdfast.engine.request import Handler
from holdfast.model.catalog import ResourceSpec
from holdfast.ports.store import Store


def account_handlers(desk: Desk, users: ResourceSpec, store: Store) -> Mapping[Action, Handler]:
    """The handler of each action below /auth."""
    login, account = Login(desk), Account(desk, users, store)
    return {
        Action.LOGIN: login.login,
        Action.REFRESH: login.refresh,
        Action.LOGOUT: login.logout,
        Action.ME: account.me,
        Action.PASSWORD: account.change_password,
        Action.SESSIONS: account.list_sessions,
        Action.REVOKE_SESSION: account.revoke_session,
    }
