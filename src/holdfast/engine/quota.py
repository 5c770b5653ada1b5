"""Quotas: what a limiter says about a caller, as headers or as a refusal (IETF draft on RateLimit header fields)."""

from contextlib import AbstractContextManager

from holdfast.base.errors import Refused
from holdfast.core.rate import Verdict, limit_key
from holdfast.ports.limits import Limiter


class Quota:
    """Charges requests to a limiter, under the name by which callers see it."""

    def __init__(self, limiter: Limiter, name: str) -> None:
        self._limiter, self._rate = limiter, limiter.rate
        self._policy = "" if self._rate is None else f'"{name}";q={self._rate.quota};w={self._rate.window_s}'
        self._state = f'"{name}";r=%d;t=%d'
        self._lines = f"ratelimit-policy: {self._policy}\r\nratelimit: {self._state}\r\n".encode("ascii")

    def charge(self, key: bytes, cost: int = 1) -> bytes:
        """Count `cost` requests of a caller: the header lines that his answer carries; none where there is no limit.

        Raises Refused (rate_limited), which carries them too.
        """
        return b"" if self._rate is None else self._tell(self._limiter.take(key, cost))

    def together(self) -> AbstractContextManager[None]:
        """What is charged within it costs less than one by one; it must be short, because nobody else is charged meanwhile."""
        return self._limiter.together()

    def charge_more(self, key: bytes, charged: int, whole: int) -> bytes:
        """Count a request that was counted as `charged` as the `whole` that it turned out to be; more than a quota counts as a whole one.

        A refusal says when the whole of it would pass: whoever comes again pays for all of it.
        """
        if self._rate is None:
            return b""
        whole = min(whole, self._rate.quota)
        verdict = self._limiter.take(key, whole - min(charged, whole))
        return self._tell(verdict if verdict.allowed else self._limiter.take(key, whole))

    def _tell(self, verdict: Verdict) -> bytes:
        if not verdict.allowed:
            raise self._refuse(verdict)
        return self._lines % (verdict.remaining, verdict.reset_s)

    def _refuse(self, verdict: Verdict) -> Refused:
        state = self._state % (verdict.remaining, verdict.reset_s)
        return Refused("rate_limited", headers={"retry-after": str(verdict.retry_s), "ratelimit-policy": self._policy, "ratelimit": state})


class LoginLimits:
    """Guards signing in against guessing: `take_address` before anything is looked at, `take_account` before a password is compared,
    `take_ticket` before that of a registration is, which none but its own mailed token leads to.

    All raise Refused (rate_limited). An account is counted whether there is one or not, so that a refusal tells nothing.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._quota = Quota(limiter, "login")

    def take_address(self, peer: str) -> None:
        """Count an attempt from an address."""
        self._quota.charge(b"address:" + limit_key(None, peer))

    def take_account(self, email: str) -> None:
        """Count an attempt on an account."""
        self._quota.charge(b"account:" + email.strip().casefold().encode("utf-8", "replace"))

    def take_ticket(self, ticket_hash: bytes) -> None:
        """Count an attempt on what a mailed token opens."""
        self._quota.charge(b"ticket:" + ticket_hash)
