"""User: who can sign in. Every backend serves users; a class of one's own derived from User adds to them."""

from holdfast.model.access import Access
from holdfast.model.field import Email, field
from holdfast.model.resource import Resource
from holdfast.model.rule import role

PATH = "users"
"""The path of users, whatever the class is called."""

KEY_DOMAIN = "key.invalid"
"""Where the addresses of the users are as whom keys act: nowhere, by RFC 2606. Nobody else may have an address there."""


def is_key_address(email: str) -> bool:
    """Whether an address is that of a user as whom a key acts."""
    return email.endswith(f"@{KEY_DOMAIN}")


ACCOUNT_FIELDS = frozenset(("email", "password", "roles", "active", "email_verified"))
"""The fields of every User: whoever registers gives the first two, and Holdfast sets the others."""


class User(Resource, path=PATH):
    """Who can sign in, and what they may do.

    email           unique whatever its case: kept in lower case
    password        write-only, kept as an Argon2id hash; None: cannot sign in by password
    roles           of those that the rules name, and admin
    active          False: may not sign in, and every session ends at once
    email_verified  whether the address was shown to be theirs

    Admins alone may see and change users, unless a derived class says otherwise in its `access`; roles, active, email_verified and
    password are for admins in any case. On users `owner` means oneself.
    """

    email: Email = field(unique=True)
    password: str | None = field(default=None, secret="hashed", writable_by=role("admin"))  # noqa: S106  # no password: a kind of secret
    roles: list[str] = field(default_factory=list[str], writable_by=role("admin"))
    active: bool = field(default=True, writable_by=role("admin"))
    email_verified: bool = field(default=False, writable_by=role("admin"))

    access = Access()
