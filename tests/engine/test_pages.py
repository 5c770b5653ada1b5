"""The routes of the service itself, where the stories cannot put the store or the peer."""

import json

import pytest
from engine_harness import Desk, body_of, now

from holdfast.core.reply import Replies
from holdfast.core.routes import Action, Route
from holdfast.engine.pages import Document, Pages
from holdfast.ports.store import Health

ROUTES = {
    Route("GET", "/readyz", Action.READY): Action.READY,
    Route("GET", "/metrics", Action.METRICS): Action.METRICS,
    Route("GET", "/openapi.json", Action.OPENAPI): Action.OPENAPI,
    Route("GET", "/docs/{asset}", Action.DOCS_ASSET): Action.DOCS_ASSET,
}
WELL = Health(readable=True, writable=True)


class Sick:
    """The health of a store that a test can change."""

    def __init__(self) -> None:
        self.state = WELL

    def health(self) -> Health:
        """The state that was set."""
        return self.state


class Ward:
    """Pages on a store whose health can be changed, and how often the document was made."""

    def __init__(self, token: str | None = None) -> None:
        self.store, self.made = Sick(), 0
        replies = Replies()
        self.pages = Pages(
            store=self.store,  # type: ignore[arg-type]  # pages ask a store for its health alone
            replies=replies,
            counts=lambda: ((), 0.0),
            metrics_token=token,
            openapi=self._make,
            docs={"page.css": Document(b"body{}", replies.policy.block(content_type="text/css"))},
        )
        handlers = self.pages.handlers()
        self.desk = Desk({route: handlers[action] for route, action in ROUTES.items()})

    def _make(self) -> bytes:
        self.made += 1
        return b"{}"


@pytest.mark.parametrize(
    "state",
    [
        Health(readable=False, writable=False, reason="the disk of /secret/place is gone"),
        Health(readable=True, writable=False, reason="read-only /secret/place"),
    ],
)
def test_not_ready_without_its_database(state: Health) -> None:
    """Unreadable or not to be written to: 503 with Retry-After, and the reason stays inside."""
    ward = Ward()
    assert now(ward.desk.ask("GET", "/readyz")).status == 200
    ward.store.state = state
    reply = now(ward.desk.ask("GET", "/readyz"))

    assert (reply.status, body_of(reply)["error"]["code"]) == (503, "unavailable")
    assert dict(reply.headers)["retry-after"]
    assert "secret" not in json.dumps(body_of(reply))


def test_not_ready_once_a_stop_has_begun() -> None:
    """Readiness goes first."""
    ward = Ward()
    ward.pages.draining = True

    assert now(ward.desk.ask("GET", "/readyz")).status == 503


@pytest.mark.parametrize(
    ("peer", "status"),
    [("127.0.0.1", 200), ("127.8.8.8", 200), ("::1", 200), ("10.0.0.9", 404), ("::ffff:10.0.0.9", 404), ("", 404), ("unix", 404)],
)
def test_metrics_are_for_loopback(peer: str, status: int) -> None:
    """Who is no address is not local either."""
    assert now(Ward().desk.ask("GET", "/metrics", peer=peer)).status == status


def test_metrics_are_for_who_has_the_token() -> None:
    """From anywhere; without a token in the settings nothing opens them."""
    ward = Ward("0123456789abcdef")
    sent = "Bearer 0123456789abcdef"

    assert now(ward.desk.ask("GET", "/metrics", peer="10.0.0.9", authorization=sent)).status == 200
    assert now(ward.desk.ask("GET", "/metrics", peer="10.0.0.9")).status == 404
    assert now(Ward().desk.ask("GET", "/metrics", peer="10.0.0.9", authorization=sent)).status == 404


def test_the_document_is_made_when_it_is_first_asked_for() -> None:
    """And only then."""
    ward = Ward()
    assert ward.made == 0
    for _ in range(3):
        assert now(ward.desk.ask("GET", "/openapi.json")).body == b"{}"
    assert ward.made == 1


def test_a_file_of_the_docs_page_or_nothing() -> None:
    """Only what the page has."""
    desk = Ward().desk

    assert now(desk.ask("GET", "/docs/page.css")).body == b"body{}"
    assert now(desk.ask("GET", "/docs/other.css")).status == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8000", 200), ("LOCALHOST", 200), ("[::1]", 200), ("[::1", 200), ("", 404), ("evil.test", 404), ("10.0.0.9", 404)],
)
def test_metrics_are_for_who_names_loopback(host: str, status: int) -> None:
    """A page whose own name was bound to loopback sends that name."""
    assert now(Ward().desk.ask("GET", "/metrics", host=host)).status == status
