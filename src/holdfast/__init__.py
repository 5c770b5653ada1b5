"""The backend you declare, with the reliability engineer built in."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.model.access import Access
    from holdfast.model.backend import Backend
    from holdfast.model.field import Email, Url, field
    from holdfast.model.ref import Ref
    from holdfast.model.resource import Resource
    from holdfast.model.rule import anyone, is_in, is_null, now, owner, role, signed_in, this, user
    from holdfast.model.user import User

__all__ = [
    "Access",
    "Backend",
    "Email",
    "Ref",
    "Resource",
    "Url",
    "User",
    "anyone",
    "field",
    "is_in",
    "is_null",
    "now",
    "owner",
    "role",
    "signed_in",
    "this",
    "user",
]

# Each name is imported on its first use: every command imports this package, and `holdfast --help` has no time for the model.
_HOMES = {
    "access": ("Access",),
    "backend": ("Backend",),
    "field": ("Email", "Url", "field"),
    "ref": ("Ref",),
    "resource": ("Resource",),
    "user": ("User",),
    "rule": ("anyone", "is_in", "is_null", "now", "owner", "role", "signed_in", "this", "user"),
}


if not TYPE_CHECKING:  # a checker would take any name for granted

    def __getattr__(name: str) -> object:
        for module, names in _HOMES.items():
            if name in names:
                from importlib import import_module  # noqa: PLC0415 - as above

                value: object = getattr(import_module(f"holdfast.model.{module}"), name)
                globals()[name] = value
                return value
        raise AttributeError(f"module 'holdfast' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __all__
