"""The four families of errors and the one catalogue of their codes.

    HoldfastError
    ├── Refused        mended by the caller     4xx
    ├── Unavailable    mended by time           503, always with Retry-After
    ├── Misconfigured  mended by the developer  at start, never in a request; exit status 2
    └── Broken         mended by us             500, only a request id leaves the house

A code is stable: it is never renamed and never given a second meaning. A retired code stays listed in RETIRED.
Errors are raised where the fact is known and turned into bytes in `core.reply` alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class Family(Enum):
    """Who can mend an error that becomes an answer."""

    CALLER = "caller"
    TIME = "time"
    US = "us"


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of the catalogue: a stable code, its HTTP status, its default message and the next act."""

    code: str
    status: int
    message: str
    hint: str | None = None

    @property
    def family(self) -> Family:
        """The family follows from the status; Misconfigured never reaches HTTP and has no entry here."""
        if self.status == 503:
            return Family.TIME
        return Family.US if self.status == 500 else Family.CALLER


_PROBLEMS = (
    # 400: what cannot be understood
    Problem(
        "malformed_json",
        400,
        "The body is not valid JSON.",
        "Send one strict JSON document in UTF-8: no duplicate members, no NaN, no lone surrogates.",
    ),
    Problem("malformed_request", 400, "The request could not be understood."),
    Problem("unknown_parameter", 400, "A query parameter is unknown or given twice."),
    Problem("invalid_filter", 400, "The filter could not be understood."),
    Problem("invalid_sort", 400, "The sort could not be understood."),
    Problem(
        "invalid_page",
        400,
        "The page or limit is out of range.",
        "limit is 1 to 200; page starts at 1; beyond offset 100,000 follow meta.next.",
    ),
    Problem(
        "invalid_cursor",
        400,
        "The cursor does not belong to this list.",
        "Start again without `after`; a cursor holds for one filter, sort and caller.",
    ),
    # 401, 403, 404
    Problem("unauthenticated", 401, "This needs a signed-in caller.", "Send `Authorization: Bearer <token>`."),
    Problem("invalid_credentials", 401, "The credentials are not valid."),
    Problem("totp_required", 401, "This account has a second factor.", "Send the code that the authenticator shows as `totp`."),
    Problem("forbidden", 403, "You may not do this."),
    Problem("not_found", 404, "There is nothing here."),
    # 405, 406, 408
    Problem("method_not_allowed", 405, "This method is not available here.", "The Allow header lists the methods that are."),
    Problem("not_acceptable", 406, "This resource is served as application/json.", "Send `Accept: application/json`, or leave Accept out."),
    Problem("request_timeout", 408, "The request did not arrive in time."),
    # 409, 412, 428
    Problem(
        "version_conflict", 412, "The record changed after you read it.", "Read it again, merge your change, and send the new version."
    ),
    Problem("unique_conflict", 409, "A record with this value exists already."),
    Problem("reference_conflict", 409, "Other records still refer to this one.", "Delete or change the records that refer to it first."),
    Problem(
        "idempotency_in_progress",
        409,
        "A request with this Idempotency-Key is still running.",
        "Wait for Retry-After seconds and send it again.",
    ),
    Problem(
        "precondition_required",
        428,
        "This change needs the version you have read.",
        "Send If-Match with the ETag you read, or `version` in the body or as ?version=.",
    ),
    # 413, 414, 415, 431
    Problem("payload_too_large", 413, "The body is too large."),
    Problem("uri_too_long", 414, "The URL is too long.", "Long filters go to POST .../query as JSON."),
    Problem("unsupported_media_type", 415, "The body must be JSON.", "Send `Content-Type: application/json`."),
    Problem("headers_too_large", 431, "The headers are too large."),
    # 422: what is understood and not valid
    Problem("validation_failed", 422, "Some fields are not valid.", "Every invalid field is listed in details."),
    Problem("idempotency_mismatch", 422, "This Idempotency-Key was used for another request.", "Use a new key for a new request."),
    # 429, 503
    Problem("rate_limited", 429, "Too many requests.", "Wait for Retry-After seconds."),
    Problem("overloaded", 503, "The service is at its limit; nothing was done.", "Wait for Retry-After seconds and send it again."),
    Problem("unavailable", 503, "The service is not available now; nothing was done.", "Wait for Retry-After seconds and send it again."),
    Problem(
        "deadline_exceeded",
        503,
        "The request took too long and was stopped; nothing was done.",
        "Ask for less, or wait for Retry-After seconds and send it again.",
    ),
    Problem(
        "outcome_unknown",
        503,
        "It is not known whether the change was made.",
        "Send it again with the same Idempotency-Key, or read the record to find out.",
    ),
    # 500
    Problem(
        "internal_error",
        500,
        "Something broke on our side.",
        "Give the request id to the operator: `holdfast explain REQUEST_ID` shows what happened.",
    ),
)

CATALOGUE: Mapping[str, Problem] = {problem.code: problem for problem in _PROBLEMS}
"""Every code that an answer can carry at `error.code`."""

DETAIL_CODES: Mapping[str, str] = {
    "required": "This member is required.",
    "null_not_allowed": "This may not be null.",
    "unknown_member": "This member is unknown.",
    "wrong_type": "This has the wrong type.",
    "wrong_format": "This is not written as it should be.",
    "too_short": "This is too short.",
    "too_long": "This is too long.",
    "too_small": "This is too small.",
    "too_large": "This is too large.",
    "not_multiple": "This is not a multiple of the step.",
    "too_many_digits": "This has too many digits.",
    "pattern_mismatch": "This does not match the pattern.",
    "not_in_choices": "This is not one of the choices.",
    "nul_character": "U+0000 is not accepted.",
    "read_only": "This may not be changed.",
    "reference_missing": "The record referred to does not exist.",
    "check_failed": "These values do not go together.",
    "too_common": "This is too easily guessed.",
    "unique_conflict": "A record with this value exists already.",
    "reference_conflict": "Records still refer to this one.",
    "not_found": "There is no such record.",
    "method_not_allowed": "This method is not available here.",
    "unauthenticated": "This needs a signed-in caller.",
    "forbidden": "You may not do this.",
    "precondition_required": "This needs the version that was read.",
    "version_conflict": "The record changed after it was read.",
}
"""Every code that an entry of `error.details` can carry, with its default message."""

RETIRED: frozenset[str] = frozenset()
"""Codes that were once sent and must never be given a new meaning."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One invalid field: its dotted path in JSON names, a code of DETAIL_CODES, a sentence for people."""

    field: str
    code: str
    message: str


def detail(field: str, code: str, message: str | None = None) -> Detail:
    """Make a Detail with the default message of its code."""
    return Detail(field, code, message or DETAIL_CODES[code])


class HoldfastError(Exception):
    """The root of everything that Holdfast raises on purpose."""


class Answerable(HoldfastError):
    """An error that becomes an answer: it knows its entry in the catalogue.

    code     a key of CATALOGUE
    message  for people; default: the catalogue's
    details  every invalid field, at once
    hint     the next act; default: the catalogue's
    headers  more headers for the answer, lower-case names (`allow`, `etag`, `retry-after`...)
    status   only where one code has two statuses (version_conflict: 412 for If-Match, 409 for a body version)
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        details: Iterable[Detail] = (),
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        problem = CATALOGUE[code]
        self.code = code
        self.status = problem.status if status is None else status
        self.message = problem.message if message is None else message
        self.details = tuple(details)
        self.hint = problem.hint if hint is None else hint
        self.headers: Mapping[str, str] = headers or {}
        super().__init__(f"{code}: {self.message}")


class Refused(Answerable):
    """The caller can mend this: 4xx."""


class Unavailable(Answerable):
    """Time can mend this: 503, with Retry-After in seconds."""

    def __init__(self, code: str, message: str | None = None, *, retry_after_s: int = 1) -> None:
        super().__init__(code, message, headers={"retry-after": str(retry_after_s)})
        self.retry_after_s = retry_after_s


class Misconfigured(HoldfastError):
    """The developer or operator can mend this, at start: exit status 2.

    place    what is wrong, as the developer names it: "Book.price", "holdfast.toml: prot"
    problem  one sentence
    mend     the next act
    also     more mistakes found at the same time; each is a line of its own in the text
    """

    def __init__(self, place: str, problem: str, mend: str, *, also: "Iterable[Misconfigured]" = ()) -> None:
        self.place, self.problem, self.mend = place, problem, mend
        self.also = tuple(also)
        super().__init__("\n".join((f"{place}: {problem} {mend}", *map(str, self.also))))


class Misused(TypeError):
    """The developer's code asks of a rule or a reference what it cannot do; at import it is told as Misconfigured, with file and line.

    problem  one sentence
    mend     what to write instead
    """

    def __init__(self, problem: str, mend: str) -> None:
        self.problem, self.mend = problem, mend
        super().__init__(f"{problem} {mend}")


class Broken(HoldfastError):
    """We can mend this: 500. Its text goes to the log, never into an answer."""
