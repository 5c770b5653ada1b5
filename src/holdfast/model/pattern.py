"""Patterns of texts: searched in linear time, whatever the pattern and whatever the text, and meaning here what they mean in JSON Schema.

Python's `re` tries one way after another: `^(a+)+$` takes longer than the universe for sixty characters, and even `a+$` takes seconds for
a text of the default length. RE2 cannot do either (docs/decisions/012-patterns-in-linear-time.md).
"""

import re
from collections.abc import Callable
from functools import lru_cache

import re2

_STEP = re.compile(r"\\x\{|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[]+", re.DOTALL)
_OTHERWISE = re.compile(r"\\[AzQECa]|\\x\{|\[\^?\]|\[.*\[:|(?!\[).*\(\?(?!:|<[A-Za-z])", re.DOTALL).match
"""What RE2 reads otherwise than ECMA-262 does, or alone: other anchors, literal quotes, POSIX classes, flags, `]` first in a class."""


class PatternError(ValueError):
    """A pattern that cannot be searched, or would mean something else to those who read the document."""


@lru_cache(maxsize=1_024)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Whether a pattern is found in a text. `$` is the very end, `\\d \\w \\b` know ASCII alone, as in ECMA-262.

    Raises PatternError.
    """
    foreign = next(filter(_OTHERWISE, _STEP.findall(pattern)), None)
    if foreign is not None:
        raise PatternError(f"{foreign!r} means something else in JSON Schema")
    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(pattern, options).search
    except re2.error as error:
        raise PatternError(str(error.args[0], "utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)) from None
    find = _build_finder(pattern, options)

    def is_found(text: str) -> bool:
        return bool(find(text)) or search(text) is not None  # the quick one also says no where it ran out of memory

    return is_found


def _build_finder(pattern: str, options: "re2.Options") -> Callable[[str], object]:
    """A search that tells no places, at a fifth of the time."""
    one = re2.Set.SearchSet(options)
    one.Add(pattern)
    one.Compile()
    find: Callable[[str], object] = one.Match
    return find
