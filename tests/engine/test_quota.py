"""Quotas in the engine: who is counted, what every answer says, what is never counted, and what a batch costs."""

import errno
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from engine_harness import Desk, body_of, head, now, run

from holdfast.base.errors import Refused
from holdfast.core.exchange import Reply
from holdfast.core.plan import CallerChanged
from holdfast.core.rate import Rate, Verdict, limit_key
from holdfast.core.routes import Action, Route
from holdfast.engine.quota import LoginLimits
from holdfast.engine.request import Request

POLICY = ("ratelimit-policy", '"default";q=3;w=60')


@dataclass
class Counter:
    """A limiter in memory, whose clock stands still unless it is set."""

    rate: Rate | None = field(default_factory=lambda: Rate.of(3, 60))
    now_ns: int = 10**15
    due: dict[bytes, int] = field(default_factory=dict)
    taken: list[list[bytes]] = field(default_factory=lambda: [[]])

    def take(self, key: bytes, cost: int = 1) -> Verdict:
        """Take from the quota of a key."""
        assert self.rate is not None
        self.due[key], verdict = self.rate.take(self.due.get(key, 0), self.now_ns, cost)
        self.taken[-1].append(key)
        return verdict

    @contextmanager
    def together(self) -> Iterator[None]:
        """Note what is taken within."""
        self.taken.append([])
        yield
        self.taken.append([])


def answer(request: Request, body: bytes) -> Reply:
    """Count as many more as the body says, then answer as the query does."""
    if body:
        request.charge_more(int(body))
    if request.query:
        raise Refused(request.query)
    return Reply(200, b"")


ROUTES = {
    Route("GET", "/healthz", Action.HEALTH): answer,
    Route("GET", "/readyz", Action.READY): answer,
    Route("GET", "/metrics", Action.METRICS): answer,
    Route("GET", "/books", Action.LIST): answer,
    Route("POST", "/books", Action.CREATE): answer,
}


@pytest.fixture
def desk() -> Desk:
    """An engine that gives three requests a minute."""
    return Desk(ROUTES, Counter())


def limits_of(reply: Reply) -> list[tuple[str, str]]:
    """The headers that tell of quotas, as they are sent."""
    made = [(name, value) for name, _, value in (line.partition(": ") for line in reply.lines.decode().split("\r\n") if line)]
    return [each for each in (*reply.headers, *made) if each[0].startswith("ratelimit") or each[0] == "retry-after"]


def test_every_counted_answer_tells_what_is_left(desk: Desk) -> None:
    """Successes and refusals; the first request too many is 429, whose RateLimit and Retry-After agree."""
    assert limits_of(now(desk.ask("GET", "/books"))) == [POLICY, ("ratelimit", '"default";r=2;t=20')]
    assert limits_of(now(desk.ask("GET", "/books?forbidden"))) == [POLICY, ("ratelimit", '"default";r=1;t=40')]
    assert limits_of(now(desk.ask("HEAD", "/books"))) == [POLICY, ("ratelimit", '"default";r=0;t=60')]

    refused = now(desk.ask("GET", "/books"))
    assert (refused.status, body_of(refused)["error"]["code"]) == (429, "rate_limited")
    assert sorted(limits_of(refused)) == sorted([POLICY, ("ratelimit", '"default";r=0;t=20'), ("retry-after", "20")])
    assert desk.told[-1].code == "rate_limited"


def test_another_address_has_its_own_quota(desk: Desk) -> None:
    """Signed-out callers are counted by their address, IPv6 by its network."""
    for peer in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8::3"):
        assert now(desk.ask("GET", "/books", peer=peer)).status == 200

    assert now(desk.ask("GET", "/books", peer="2001:db8::4")).status == 429
    assert now(desk.ask("GET", "/books", peer="192.0.2.2")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/metrics", 200), ("OPTIONS", "/books", 204), ("GET", "/no", 404)],
)
def test_health_metrics_and_preflights_are_never_counted(desk: Desk, method: str, path: str, status: int) -> None:
    """Nor is what has no route, which is refused before."""
    for _ in range(5):
        reply = now(desk.ask(method, path))
        assert (reply.status, limits_of(reply)) == (status, [])
    assert limits_of(now(desk.ask("GET", "/books")))[-1] == ("ratelimit", '"default";r=2;t=20')


@pytest.mark.parametrize(("more", "left"), [("0", 2), ("1", 1), ("2", 0), ("199", 0)])
def test_a_request_can_turn_out_to_be_many(desk: Desk, more: str, left: int) -> None:
    """It counts as all of them; one that is more than the quota counts as the whole of it, or it could never pass."""
    reply = now(desk.ask("POST", "/books", more.encode()))

    assert (reply.status, limits_of(reply)) == (200, [POLICY, ("ratelimit", f'"default";r={left};t={60 - 20 * left}')])


def test_what_turns_out_to_be_too_much_is_refused(desk: Desk) -> None:
    """And costs what it was let in for; the headers stand once, and say when the whole of it would pass."""
    now(desk.ask("POST", "/books", b"0"))
    refused = now(desk.ask("POST", "/books", b"2"))

    assert refused.status == 429
    assert sorted(limits_of(refused)) == sorted([POLICY, ("ratelimit", '"default";r=1;t=40'), ("retry-after", "40")])


@pytest.mark.parametrize("more", ["1", "2", "199"])
def test_who_comes_again_as_told_is_let_in(desk: Desk, more: str) -> None:
    """However many requests it turns out to be, and although each attempt costs one."""
    counter = desk.limiter
    assert isinstance(counter, Counter)
    for _ in range(2):
        now(desk.ask("GET", "/books"))
    statuses: list[int] = []
    while len(statuses) < 3 and 200 not in statuses:
        reply = now(desk.ask("POST", "/books", more.encode()))
        statuses.append(reply.status)
        counter.now_ns += int(dict(limits_of(reply)).get("retry-after", "0")) * 10**9

    assert statuses == [429, 200]


@pytest.mark.parametrize(
    ("attempts", "left"),
    [
        ([(3,), (3,)], 6),
        ([(3, 2), (3, 2)], 4),
        ([(3, 2), (3,)], 4),
        ([(3,), (3, 2)], 4),
        ([(3,), (5,), (0,), (6,)], 3),
        ([(8, 8), (8, 8)], 0),
    ],
)
def test_an_answer_that_is_made_anew_counts_only_what_goes_beyond(attempts: list[tuple[int, ...]], left: int) -> None:
    """Who asks may change under a request, so that it is answered again: what it turned out to be is counted once."""
    rest = list(attempts)

    def answer_anew(request: Request, body: bytes) -> Reply:
        for cost in rest.pop(0):
            request.charge_more(cost)
        if rest:
            raise CallerChanged
        return Reply(200, b"")

    desk = Desk({Route("POST", "/books", Action.CREATE): answer_anew}, Counter(Rate.of(10, 60)))
    waiting = desk.ask("POST", "/books")
    assert not isinstance(waiting, Reply)
    reply = run(_wait(waiting))

    assert (reply.status, dict(limits_of(reply))["ratelimit"]) == (200, f'"default";r={left};t={60 - 6 * left}')


async def _wait(waiting: Awaitable[Reply]) -> Reply:
    return await waiting


def test_what_arrives_together_is_counted_together(desk: Desk) -> None:
    """In the order in which it came, once; the first beyond the quota is refused, and so are those behind it."""
    counter = desk.limiter
    assert isinstance(counter, Counter)
    opened = [desk.open("GET", "/books") for _ in range(4)]
    assert counter.taken == [[]]
    with desk.engine.moment(opened):
        answers = [now(each.answer(b"")) for each in opened]

    assert [len(each) for each in counter.taken] == [0, 4, 0]
    assert [each.status for each in answers] == [200, 200, 200, 429]
    assert [limits_of(each)[1] for each in answers[:3]] == [("ratelimit", f'"default";r={left};t={60 - 20 * left}') for left in (2, 1, 0)]


def test_where_nothing_can_be_counted_together_each_answer_counts() -> None:
    """What is broken then is an answer's own: none is left without one."""

    class Broken(Counter):
        """Cannot be locked, as a file may be on a network disk."""

        @contextmanager
        def together(self) -> Iterator[None]:
            raise OSError(errno.ENOLCK, "No locks available")
            yield

    desk = Desk(ROUTES, Broken())
    opened = [desk.open("GET", "/books") for _ in range(4)]
    with desk.engine.moment(opened):
        assert [now(each.answer(b"")).status for each in opened] == [200, 200, 200, 429]


def test_credentials_in_a_url_are_counted(desk: Desk) -> None:
    """Before they are refused, like every other request of a route; of who has no quota left they are not even looked at."""
    replies = [now(desk.ask("GET", "/books?token=x")) for _ in range(4)]
    assert [each.status for each in replies] == [400, 400, 400, 429]
    assert limits_of(replies[0]) == [POLICY, ("ratelimit", '"default";r=2;t=20')]
    assert now(desk.ask("GET", "/healthz?token=x")).status == 400


def test_a_body_is_not_read_of_who_has_no_quota_left(desk: Desk) -> None:
    """It is refused by its head; so is what nobody may do, which counts all the same."""
    for _ in range(3):
        desk.open("POST", "/books", has_body=True)

    assert isinstance(desk.engine.open(head("POST", "/books", has_body=True)), Reply)
    assert desk.told[-1].code == "rate_limited"


def test_without_a_limit_nothing_is_said() -> None:
    """No header, however many."""
    desk = Desk(ROUTES)
    for _ in range(10):
        assert limits_of(now(desk.ask("POST", "/books", b"199"))) == []


def test_attempts_to_sign_in_are_counted_by_address_and_by_account() -> None:
    """An account however it is written; a refusal says how long, and of which quota."""
    counter = Counter()
    limits = LoginLimits(counter)
    for email in ("Ann@example.org", " ann@EXAMPLE.org", "ann@example.org"):
        limits.take_address("192.0.2.1")
        limits.take_account(email)

    with pytest.raises(Refused) as refused:
        limits.take_account("ann@example.org")
    assert (refused.value.code, refused.value.headers["retry-after"]) == ("rate_limited", "20")
    assert refused.value.headers["ratelimit-policy"] == '"login";q=3;w=60'
    limits.take_account("bob@example.org")
    limits.take_address("192.0.2.2")
    with pytest.raises(Refused):
        limits.take_address("192.0.2.1")
    assert limit_key(None, "192.0.2.1") not in counter.due
