"""Identities: credentials are looked up once, however they are spelled, and forgotten under every spelling."""

from dataclasses import dataclass, field

import pytest
from engine_harness import head

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant, after
from holdfast.core.exchange import Head
from holdfast.core.permit import Permit
from holdfast.engine.identity import TOKENS, Identities
from holdfast.model.catalog import Catalog
from holdfast.ports.accounts import Identity
from holdfast.world.clock import SystemClock
from holdfast.world.vault import Vault

TOKEN = "hf_token"  # noqa: S105  # of nobody
SPELLINGS = [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN}", *(f"Bearer{' ' * spaces}{TOKEN}" for spaces in range(2, 20))]
NOW = SystemClock().now()


@dataclass
class Accounts:
    """Where one token is known, and every look at it is counted."""

    known: dict[bytes, Identity]
    looks: int = 0

    def epoch(self) -> int:
        """It never moves."""
        return 1

    def identify(self, token_hash: bytes) -> Identity | None:
        """What the token stands for."""
        self.looks += 1
        return self.known.get(token_hash)

    def touch(self, session_id: str, now: Instant) -> None:
        """No session is used."""


@dataclass
class Watch:
    """A clock that is set by hand."""

    time: Instant = NOW

    def now(self) -> Instant:
        """The present."""
        return self.time

    def monotonic_s(self) -> float:
        """It stands still."""
        return 0.0


@dataclass
class Place:
    """Identities of one user, whose token ends in a minute."""

    clock: Watch = field(default_factory=Watch)
    accounts: Accounts = field(init=False)
    identities: Identities = field(init=False)

    def __post_init__(self) -> None:
        vault = Vault(bytes(32))
        user = RecordId("01890a5d-ac96-774b-bcce-b302099a8057")
        identity = Identity(user, 1, '{"id":"x","roles":"[]"}', "session", after(NOW, 60), None)
        self.accounts = Accounts({vault.sign(TOKENS, TOKEN.encode()): identity})
        self.identities = Identities(self.accounts, Permit(Catalog({})), secrets=vault, clock=self.clock, tell_first_use=lambda *_: None)

    def refuses(self, sent: str) -> bool:
        """Whether nobody is found by these credentials."""
        with pytest.raises(Refused) as refused:
            self.identities.find(asking(sent))
        return refused.value.code == "unauthenticated"


def asking(sent: str) -> Head:
    """A request with these credentials."""
    return head("GET", "/books", authorization=sent)


@pytest.mark.parametrize("first", SPELLINGS[:4])
def test_a_token_is_kept_once_however_it_is_spelled(first: str) -> None:
    """Any case of the scheme and any number of spaces behind it are the same credentials, and take no place of others."""
    place = Place()
    found = place.identities.find(asking(first))

    assert [place.identities.find(asking(sent)) is found for sent in SPELLINGS] == [True] * len(SPELLINGS)
    assert place.accounts.looks == 1


@pytest.mark.parametrize("first", SPELLINGS[:4])
def test_what_is_found_again_is_found_under_every_spelling(first: str) -> None:
    """Whoever was found anew is, whichever spelling it was found by."""
    place = Place()
    known = place.identities.find(asking(SPELLINGS[0]))
    again = place.identities.find_again(asking(first), known)

    assert again is not known
    assert all(place.identities.find(asking(sent)) is again for sent in SPELLINGS)
    assert place.accounts.looks == 2


@pytest.mark.parametrize("first", SPELLINGS[:4])
def test_what_was_revoked_is_forgotten_under_every_spelling(first: str) -> None:
    """Once one request has seen it."""
    place = Place()
    known = place.identities.find(asking(SPELLINGS[0]))
    place.accounts.known.clear()
    with pytest.raises(Refused):
        place.identities.find_again(asking(first), known)

    assert all(place.refuses(sent) for sent in SPELLINGS)


@pytest.mark.parametrize("first", SPELLINGS[:4])
def test_what_has_expired_is_forgotten_under_every_spelling(first: str) -> None:
    """It is looked up anew by the next request, and good for no one."""
    place = Place()
    place.identities.find(asking(SPELLINGS[0]))
    place.clock.time = after(NOW, 60)
    assert place.refuses(first)
    assert place.accounts.looks == 1

    place.accounts.known.clear()
    assert all(place.refuses(sent) for sent in SPELLINGS)
    assert place.accounts.looks == 1 + len(SPELLINGS)


@pytest.mark.parametrize(
    "sent", ["", "Bearer", "Bearer ", "Bearer   ", f"Basic {TOKEN}", f"Bearer{TOKEN}", "Bearer é", "Bearer " + "x" * 513]
)
def test_what_is_no_bearer_token_is_refused(sent: str) -> None:
    """Without a look into the store."""
    place = Place()

    assert place.refuses(sent)
    assert place.accounts.looks == 0
