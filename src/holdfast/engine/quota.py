"""Quotas: what a limiter says about a caller, as headers or as a refusal (CONTRACT 2.10; IETF draft on RateLimit header fields)."""

from holdfast.base.errors import Refused
from holdfast.core.rate import Rate, Verdict, limit_key
from holdfast.ports.limits import Limiter

Headers = tuple[tuple[str, str], ...]


class Quota:
    """Charges requests to a limiter, under the name by which callers see it."""

    def __init__(self, limiter: Limiter, name: str) -> None:
        self._limiter, self._name = limiter, name
        self._policy = None if limiter.rate is None else _build_policy(name, limiter.rate)

    def charge(self, key: bytes, cost: int = 1) -> Headers:
        """Count `cost` requests of a caller: the headers that his answer carries. Raises Refused (rate_limited), which carries them too."""
        if self._policy is None:
            return ()
        verdict = self._limiter.take(key, cost)
        if not verdict.allowed:
            shown = dict(self._show(self._policy, verdict))
            raise Refused("rate_limited", headers={"retry-after": str(verdict.retry_s), **shown})
        return self._show(self._policy, verdict)

    def charge_more(self, key: bytes, cost: int) -> Headers:
        """Count what a request turned out to be beside the one it was counted as; more than a quota counts as a whole one."""
        rate = self._limiter.rate
        return () if rate is None else self.charge(key, max(0, min(cost, rate.quota - 1)))

    def _show(self, policy: tuple[str, str], verdict: Verdict) -> Headers:
        return policy, ("ratelimit", f'"{self._name}";r={verdict.remaining};t={verdict.reset_s}')


class LoginLimits:
    """Guards signing in against guessing: `take_address` before anything is looked at, `take_account` before a password is compared.

    Both raise Refused (rate_limited). An account is counted whether there is one or not, so that a refusal tells nothing.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._quota = Quota(limiter, "login")

    def take_address(self, peer: str) -> None:
        """Count an attempt from an address."""
        self._quota.charge(b"address:" + limit_key(None, peer))

    def take_account(self, email: str) -> None:
        """Count an attempt on an account."""
        self._quota.charge(b"account:" + email.strip().casefold().encode("utf-8", "replace"))


def _build_policy(name: str, rate: Rate) -> tuple[str, str]:
    return "ratelimit-policy", f'"{name}";q={rate.quota};w={rate.window_s}'
