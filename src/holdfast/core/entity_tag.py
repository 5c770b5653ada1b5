"""Entity tags: `"<version>-<hash>"`, made for every answer with one record and read back from If-Match and If-None-Match.

The hash covers what is shown (View.etag_salt) and the versions of what is included. A proxy that compresses may weaken a tag
(`W/"3-abc"`) or add its coding (`"3-abc-gzip"`, `"3-abc;br"`); such a tag still names the version that the caller has read.
Source: RFC 9110, 8.8.3 and 13.1.
"""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

from holdfast.base.errors import Refused
from holdfast.core.plan import Row
from holdfast.core.view import View

STALE_HEADER = 412
"""The status of a stale version that came in If-Match."""

STALE_BODY = 409
"""The status of a stale version that came in the body or the query."""

STALE_UNSAID = 428
"""The status where the caller had to say a version and said none: no record has the version that then is expected."""

_NO_VERSION = 0  # no record has it, so a tag that names none of our versions never matches
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"\s*(?:,\s*)*{_TAG}\s*(?:,\s*(?:{_TAG}\s*)?)*\Z")
_OPAQUE = re.compile(r'"([^"]*)"')
_VERSION = re.compile(r"([1-9][0-9]{0,17})(?:[-;].*)?\Z")
_CODING = re.compile(r"[-;]+(?:gzip|br|zstd|deflate)\Z")


class Precondition(NamedTuple):
    """The version that a record must have (None: any), and the status of the refusal where it has another."""

    version: int | None
    stale: int


def format_tag(row: Row, view: View) -> str:
    """The entity tag of a record as it is shown."""
    return f'"{row.version}-{_hash_included(row, view)}"' if row.included else f'"{row.version}-{view.etag_salt}"'


def _hash_included(row: Row, view: View) -> str:
    return blake2b(f"{view.etag_salt}\n{row.included}".encode(), digest_size=4).hexdigest()


def read_precondition(
    if_match: str | None, query_version: int | None, body_version: int | None, *, required: bool, if_none_match: str | None = None
) -> Precondition:
    """Say which version a change expects.

    Of several tags in If-Match the highest version counts: a caller who has seen it knows that the older ones are gone.
    Where none is given and one is `required`, a version that no record has: so a missing record is still told before the missing version.
    So it is with `If-None-Match: *`, which no record that is there fulfils.
    Refuses malformed_request (If-Match that is no list of tags; versions that differ; If-None-Match that is not `*`).
    """
    if if_none_match is not None:
        return _read_if_none_match(if_none_match)
    said = {each for each in (query_version, body_version) if each is not None}
    if if_match is None:
        if not said and required:
            return Precondition(_NO_VERSION, STALE_UNSAID)
        return Precondition(_agree(said), STALE_BODY)
    if if_match.strip() == "*":
        return Precondition(_agree(said), STALE_BODY)
    return Precondition(_agree({*said, _read_if_match(if_match)}), STALE_HEADER)


def refuse_stale(stale: int, version: int, etag_salt: str) -> Refused:
    """The refusal of a change whose caller has read another version than the record has now; `stale` as in Precondition."""
    if stale == STALE_UNSAID:
        return Refused("precondition_required")
    return Refused("version_conflict", status=stale, headers={"etag": f'"{version}-{etag_salt}"'})


def refuse_preconditions(headers: Mapping[str, str], mend: str) -> None:
    """Refuse what could be compared with no record here: malformed_request, never passed over. `If-Match: *` asks for nothing."""
    if "if-none-match" in headers or headers.get("if-match", "*").strip() != "*":
        raise Refused("malformed_request", "There is no ETag here that If-Match or If-None-Match could be compared with.", hint=mend)


def _read_if_none_match(header: str) -> Precondition:
    if header.strip() != "*":
        raise Refused("malformed_request", "If-None-Match takes `*` alone in a change.", hint="Send the ETag that you read as If-Match.")
    return Precondition(_NO_VERSION, STALE_HEADER)


def _agree(versions: set[int]) -> int | None:
    if len(versions) > 1:
        raise Refused(
            "malformed_request", "The versions given are not equal.", hint="Send the version once: in If-Match, the body or the query."
        )
    return next(iter(versions), None)


def _read_if_match(header: str) -> int:
    if not _TAGS.match(header):
        raise Refused("malformed_request", "If-Match is no list of entity tags.", hint='Send the ETag as it came: If-Match: "3-0a1b2c3d".')
    matches = (_VERSION.match(tag) for tag in _OPAQUE.findall(header))
    return max((int(match[1]) for match in matches if match), default=_NO_VERSION)


def is_unchanged(if_none_match: str, tag: str) -> bool:
    """Whether a read may be answered 304: the header is `*` or lists the tag, weakened or suffixed or not.

    A malformed header matches nothing, so that the caller gets the whole record.
    """
    if if_none_match == tag:
        return True
    if if_none_match.strip() == "*":
        return True
    if not _TAGS.match(if_none_match):
        return False
    return tag[1:-1] in {_CODING.sub("", each) for each in _OPAQUE.findall(if_none_match)}
