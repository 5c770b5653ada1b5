"""Holdfast: the backend you declare, with the reliability engineer built in."""

from holdfast.model.access import Access
from holdfast.model.backend import Backend
from holdfast.model.field import Email, Url, field
from holdfast.model.ref import Ref
from holdfast.model.resource import Resource
from holdfast.model.rule import anyone, is_in, is_null, now, owner, role, signed_in, this, user

__all__ = [
    "Access",
    "Backend",
    "Email",
    "Ref",
    "Resource",
    "Url",
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
