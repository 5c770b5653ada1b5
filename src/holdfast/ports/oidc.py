"""OpenID providers: what the engine needs of who vouches for a user."""

from typing import NamedTuple, Protocol


class Vouched(NamedTuple):
    """Whom a provider vouches for, by an ID token that was verified.

    subject  its name of the user, which never changes
    email    the address that it says is verified; None: it says so of none
    """

    subject: str
    email: str | None


class Provider(Protocol):
    """One OpenID provider. Both methods raise Unavailable where it does not answer as it should.

    issuer      whose subjects its users are
    deadline_s  monotonic time until when it may take
    """

    issuer: str

    async def begin(self, state: str, nonce: str, challenge: str, deadline_s: float) -> str:
        """The URL at which a user signs in; `challenge` is the S256 challenge of PKCE."""
        ...

    async def finish(self, code: str, verifier: str, nonce: str, deadline_s: float) -> Vouched:
        """Trade a code for whom it stands for. Raises Refused invalid_credentials where that is not shown beyond doubt."""
        ...
