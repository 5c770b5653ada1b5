"""Names: how a class becomes a path and a table, and which names are not free."""

import re

from holdfast.base.limits import NAME_LENGTH_MAX

RESERVED_PATHS = frozenset({"auth", "batch", "changes", "users"})
"""First route segments that belong to Holdfast itself."""

RESERVED_SEGMENTS = frozenset({"bulk", "history", "query", "undelete"})
"""Segments below a resource that belong to Holdfast itself."""

RESERVED_FIELDS = frozenset({"id", "version", "created_at", "updated_at", "created_by", "created_by_id", "access", "ref"})
"""Names that every resource has already."""

RESERVED_COLUMNS = frozenset({"cmax", "cmin", "ctid", "oid", "rowid", "tableoid", "xmax", "xmin"})
"""Columns that a database keeps for itself."""

RESERVED_PARAMETERS = ("sort", "fields", "page", "limit", "count", "q", "include", "after", "as_of", "version")
"""Query parameters of every list; a field of that name is filtered as `limit[eq]=`."""

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*")
_PATH = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_SEGMENT = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*\Z")
_MEMBER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def to_path(class_name: str) -> str:
    """The default path of a class: its plural in kebab-case (BlogPost -> blog-posts)."""
    words = [word.lower() for word in _WORDS.findall(class_name)]
    return "-".join((*words[:-1], to_plural(words[-1]))) if words else ""


def to_plural(word: str) -> str:
    """The plural by three rules: consonant+y -> ies; s x z ch sh -> es; else s."""
    if re.search(r"[^aeiou]y\Z", word):
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    return word + "s"


def to_table(path: str) -> str:
    """The table of a path."""
    return path.replace("-", "_")


def is_path(name: str) -> bool:
    """Whether a name can be the path of a resource."""
    return len(name) <= NAME_LENGTH_MAX and _PATH.match(name) is not None


def is_segment(name: str) -> bool:
    """Whether a name can be the segment of a nested route."""
    return len(name) <= NAME_LENGTH_MAX and _SEGMENT.match(name) is not None


def is_member(name: str) -> bool:
    """Whether a name can be a field: an ASCII identifier without a leading underscore."""
    return len(name) <= NAME_LENGTH_MAX and _MEMBER.match(name) is not None
