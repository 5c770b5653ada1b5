"""Accounts in the database: what moves the epoch, what ends, what is let go."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_library import CLOCK, USERS, create, delete, make_id, run, update, write

from holdfast.base.errors import Refused
from holdfast.base.ids import RecordId
from holdfast.base.instant import Instant
from holdfast.base.limits import ACCOUNTS_KEPT_S, SESSIONS_PER_USER_MAX
from holdfast.core.plan import Create, TicketUse, Undelete
from holdfast.ports.accounts import NewSession, NewToken, Ticket, Turned
from holdfast.store.sqlite import account_steps, accounts
from holdfast.store.sqlite.store import SqliteStore

HOUR_US = 3_600_000_000


def _hash(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _soon() -> float:
    return CLOCK.monotonic_s() + 10


def _session(user_id: RecordId, now: Instant) -> NewSession:
    return NewSession(make_id(), user_id, "login", None, now, Instant(now + HOUR_US), Instant(now + HOUR_US))


async def _open(store: SqliteStore, user: Create, *numbers: int) -> NewSession:
    """A session whose tokens have these hashes: an access token, then a refresh token."""
    now = CLOCK.now()
    tokens = [NewToken(_hash(each), kind, Instant(now + HOUR_US)) for each, kind in zip(numbers, ("access", "refresh"), strict=False)]
    session = _session(user.id, now)
    assert await store.accounts.open(session, tokens, None, _soon())
    return session


async def _user(store: SqliteStore) -> Create:
    made = create(USERS, email=f"{make_id()}@example.org", password="hash", roles="[]", active=1, email_verified=0)  # noqa: S106
    await store.write(write(made))
    return made


def _living(store: SqliteStore, numbers: Sequence[int]) -> list[int]:
    return [each for each in numbers if store.accounts.identify(_hash(each)) is not None]


def test_a_session_ends_in_the_write_that_ends_its_user(tmp_path: Path) -> None:
    """Another password, not active, deleted: every token is dead and the epoch has moved; nothing brings them back."""

    async def story(store: SqliteStore) -> None:
        for number, changes in enumerate(({"password": "other"}, {"active": 0}, None), start=1):
            user, bystander = await _user(store), await _user(store)
            await _open(store, user, number)
            await _open(store, bystander, 100 + number)
            epoch = store.accounts.epoch()

            await store.write(write(delete(user) if changes is None else update(user, **changes)))

            assert _living(store, (number, 100 + number)) == [100 + number]
            assert store.accounts.epoch() > epoch
            again = Undelete(user.id, user.view) if changes is None else update(user, active=1)
            await store.write(write(again))
            assert _living(store, (number,)) == []

    run(tmp_path, story)


def test_other_changes_of_a_user_end_nothing(tmp_path: Path) -> None:
    """Roles change what may be done, from the next request on, and nobody has to sign in again."""

    async def story(store: SqliteStore) -> None:
        user = await _user(store)
        await _open(store, user, 1)
        epoch = store.accounts.epoch()
        await store.write(write(update(user, roles='["admin"]')))
        assert _living(store, (1,)) == [1]
        assert store.accounts.epoch() > epoch

    run(tmp_path, story)


def test_nobody_is_signed_in_with_a_password_of_before(tmp_path: Path) -> None:
    """A password that was changed while the old one was compared opens no session; nor does a user who is not active."""

    async def story(store: SqliteStore) -> None:
        user = await _user(store)
        session = _session(user.id, CLOCK.now())
        await store.write(write(update(user, password="other")))  # noqa: S106
        assert not await store.accounts.open(session, [], "hash", _soon())
        await store.write(write(update(user, active=0)))
        assert not await store.accounts.open(session, [], None, _soon())
        assert store.accounts.list_sessions(user.id, CLOCK.now()) == []

    run(tmp_path, story)


def test_the_oldest_sign_ins_go(tmp_path: Path) -> None:
    """A user has a bounded number of living sessions."""

    async def story(store: SqliteStore) -> None:
        user = await _user(store)
        numbers = range(1, SESSIONS_PER_USER_MAX + 4)
        for each in numbers:
            await _open(store, user, each)
        assert _living(store, numbers) == list(numbers)[3:]

    run(tmp_path, story)


def test_a_key_is_found_among_more_than_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, while it lives, however many there are."""
    monkeypatch.setattr(accounts, "SESSIONS_LISTED_MAX", 2)

    async def story(store: SqliteStore) -> None:
        user, now = await _user(store), CLOCK.now()
        for name in ("one", "two", "three"):
            session = NewSession(make_id(), user.id, "key", name, now, Instant(now + HOUR_US), None)
            assert await store.accounts.open(session, [], None, _soon())
        assert [each.name for each in store.accounts.list_keys(now)] == ["one", "two"]
        found = store.accounts.find_key("three", now)
        assert found is not None
        assert (found.name, found.user_id) == ("three", user.id)
        assert store.accounts.find_key("three", Instant(now + HOUR_US)) is None
        assert store.accounts.find_key("four", now) is None

    run(tmp_path, story)


def test_of_many_one_redeems_a_ticket(tmp_path: Path) -> None:
    """However many try at once; not after its end, not as another kind."""

    async def story(store: SqliteStore) -> None:
        now = CLOCK.now()
        await store.accounts.issue(Ticket(_hash(1), "reset", None, "p", Instant(now + HOUR_US)), _soon())
        await store.accounts.issue(Ticket(_hash(2), "reset", None, "p", Instant(now - 1)), _soon())
        assert await store.accounts.redeem(_hash(1), "verify", now, _soon()) is None
        found = await asyncio.gather(*(store.accounts.redeem(_hash(1), "reset", now, _soon()) for _ in range(20)))
        assert [each.payload for each in found if each is not None] == ["p"]
        assert await store.accounts.redeem(_hash(2), "reset", now, _soon()) is None

    run(tmp_path, story)


def _pending(number: int, owner: str, ends: Instant) -> Ticket:
    return Ticket(_hash(number), "register", owner, "", ends)


def _lasting(store: SqliteStore, numbers: Sequence[int]) -> list[int]:
    return [each for each in numbers if store.accounts.find_ticket(_hash(each), "register", CLOCK.now()) is not None]


def test_so_many_tickets_of_an_owner_are_kept(tmp_path: Path) -> None:
    """The newest, of one kind; those of others stay, and one alone takes the place of all."""

    async def story(store: SqliteStore) -> None:
        ends = Instant(CLOCK.now() + HOUR_US)
        await store.accounts.issue(_pending(9, "bob", ends), _soon(), kept=3)
        await store.accounts.issue(Ticket(_hash(8), "reset", "ann", "", ends), _soon())
        for number in range(1, 6):
            await store.accounts.issue(_pending(number, "ann", ends), _soon(), kept=3)
        assert _lasting(store, range(10)) == [3, 4, 5, 9]
        await store.accounts.issue(_pending(6, "ann", ends), _soon())
        assert _lasting(store, range(10)) == [6, 9]
        assert store.accounts.find_ticket(_hash(8), "reset", CLOCK.now()) is not None

    run(tmp_path, story)


def test_a_write_uses_up_all_that_its_owner_holds(tmp_path: Path) -> None:
    """Of that kind, in its own transaction, so of two at once one counts. One that must be alone is refused beside others."""

    async def story(store: SqliteStore) -> None:
        now = CLOCK.now()
        ends = Instant(now + HOUR_US)
        for number, owner, until in ((1, "ann", ends), (2, "ann", ends), (3, "bob", ends), (4, "eve", ends), (5, "eve", Instant(now - 1))):
            await store.accounts.issue(_pending(number, owner, until), _soon(), kept=9)
        for number, kind in ((8, "reset"), (9, "recovery")):
            await store.accounts.issue(Ticket(_hash(number), kind, "bob", "", ends), _soon())

        async def use(number: int, *, alone: bool) -> str:
            made = create(USERS, email=f"{make_id()}@example.org", password=None, roles="[]", active=1, email_verified=1)
            try:
                await store.write(replace(write(made), ticket=TicketUse(_hash(number), alone)))
            except Refused as refused:
                assert store.accounts.find_by_id(made.id) is None
                return refused.code
            return "made"

        assert await use(1, alone=True) == "validation_failed"
        assert _lasting(store, range(6)) == [1, 2, 3, 4]
        assert sorted(await asyncio.gather(use(1, alone=False), use(2, alone=False))) == ["invalid_credentials", "made"]
        assert _lasting(store, range(6)) == [3, 4]
        assert [await use(each, alone=True) for each in (1, 3, 4, 5)] == ["invalid_credentials", "made", "made", "invalid_credentials"]
        assert [store.accounts.find_ticket(_hash(each), kind, now) is None for each, kind in ((8, "reset"), (9, "recovery"))] == [False] * 2

    run(tmp_path, story)


def test_many_who_refresh_at_once_all_get_tokens(tmp_path: Path) -> None:
    """They are one client that was cut off; later it is somebody else, and the session ends, whoever asks then."""

    async def story(store: SqliteStore) -> None:
        user, now = await _user(store), CLOCK.now()
        await _open(store, user, 1, 2)
        turned = await asyncio.gather(
            *(store.accounts.rotate(_hash(2), [NewToken(_hash(each), "access", None)], now, _soon()) for each in range(10, 20))
        )
        assert {each.turned for each in turned} == {Turned.ROTATED}
        assert _living(store, range(10, 20)) == list(range(10, 20))

        late = Instant(now + 10_000_001)
        assert (await store.accounts.rotate(_hash(2), [NewToken(_hash(30), "access", None)], late, _soon())).turned is Turned.REUSED
        assert _living(store, (1, *range(10, 20), 30)) == []

    run(tmp_path, story)


def test_uses_are_noted_together_without_moving_the_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a session is used, it is written once, later; at the latest when the store is closed."""

    async def use(store: SqliteStore) -> tuple[RecordId, Instant]:
        user = await _user(store)
        session = await _open(store, user, 1)
        epoch, now = store.accounts.epoch(), CLOCK.now()
        for _ in range(100):
            store.accounts.touch(session.id, now)
        assert store.accounts.epoch() == epoch
        assert store.accounts.list_sessions(user.id, now)[0].seen_at is None
        return user.id, now

    async def look(store: SqliteStore) -> Instant | None:
        return store.accounts.list_sessions(user_id, CLOCK.now())[0].seen_at

    user_id, now = run(tmp_path, use)
    assert run(tmp_path, look) == now


def test_what_is_long_over_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions, tokens and tickets that ended a day ago go at the end of any group; what lasts stays."""
    monkeypatch.setattr(account_steps, "TIDY_EVERY_S", 0)

    async def story(store: SqliteStore) -> None:
        user = await _user(store)
        past = Instant(CLOCK.now() - (ACCOUNTS_KEPT_S + 60) * 1_000_000)
        over = NewSession(make_id(), user.id, "login", None, past, past, past)
        await store.accounts.open(over, [NewToken(_hash(1), "access", past)], None, _soon())
        await store.accounts.issue(Ticket(_hash(3), "reset", None, "", past), _soon())
        await _open(store, user, 2)

        await store.write(write(update(user, roles="[]")))

        assert _living(store, (1, 2)) == [2]
        assert len(store.accounts.list_sessions(user.id, past)) == 1

    run(tmp_path, story)
