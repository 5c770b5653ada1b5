"""Search text in any script: what is put into the index and what is asked of it, folded the same way.

Folding takes case and accents away (Zürich -> zurich) and cuts at whatever is no letter, digit or mark. Scripts that are written
without spaces (Chinese, Japanese, Korean, Thai...) are indexed one character at a time, so that any run of them is found as a phrase.
The index itself (FTS5 with the `ascii` tokenizer) only splits at spaces: every decision about letters is made here, once, by the
Unicode tables of Python, because the tables of a database engine are older and differ between engines.
"""

import re
from collections.abc import Iterable, Mapping
from unicodedata import category, combining, normalize

FIELD_BREAK = "¶"
"""Stands between two fields in the index text. No query can hold it, so that no phrase is found across two fields."""

# Scripts without spaces between words; punctuation inside the ranges has been cut away before they are looked at.
_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1100-\u11ff"  # Hangul letters
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3035"  # radicals and marks of Chinese and Japanese
    "\u3040-\u312f"  # Hiragana, Katakana, Bopomofo
    "\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # ideographs
    "\uac00-\ud7ff"  # Hangul
    "\U00020000-\U0003ffff"  # ideographs of the supplementary planes
)
_RUNS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]+")

# Letters whose stroke or joining Unicode does not decompose, as people type them on a plain keyboard.
_PLAIN_LETTERS = str.maketrans(
    {"æ": "ae", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "œ": "oe", "þ": "th", "ŧ": "t"},
)

# Canonical combining classes of accents and of the points of Hebrew and Arabic. All others belong to their letter: nukta, virama,
# the voicing marks of kana, vowels and tones of Thai, Lao, Telugu, Tibetan.
_ACCENTS = frozenset({1, *range(10, 37), *range(200, 256)})

_CACHED_BELOW = 0x3000  # the table remembers alphabets; ideographs are too many to keep


class _Folds(dict[int, str | None]):
    """What becomes of a code point of a decomposed text without case, for str.translate: a letter stays, an accent goes, else a space."""

    def __missing__(self, code_point: int) -> str | None:
        folded = _fold_one(chr(code_point))
        if code_point < _CACHED_BELOW:
            self[code_point] = folded
        return folded


def _fold_one(character: str) -> str | None:
    if combining(character) in _ACCENTS:
        return None
    return character if category(character)[0] in "LNM" else " "


_FOLDS = _Folds(_PLAIN_LETTERS)
_FOLDS_ASCII = {code_point: _fold_one(chr(code_point).lower()) for code_point in range(128)}


def fold_case(text: str) -> str:
    """Fold the case of a text by Unicode, and nothing else; for `icontains`."""
    return text.casefold()


def fold_text(text: str) -> str:
    """Turn a text into index text: folded words with one space between them, unspaced scripts one character at a time."""
    folded = _fold_letters(text)
    if not folded.isascii():
        folded = _UNSPACED_RUN.sub(_space_out, folded)
    return " ".join(folded.split())


def fold_fields(texts: Iterable[str | None]) -> str:
    """Turn the searched fields of a record into its index text; a field without a value is left out."""
    return f" {FIELD_BREAK} ".join(fold_text(text) for text in texts if text)


def fold_stored(values: Mapping[str, object], members: Iterable[str]) -> str:
    """The index text of a record: those of its stored values that are searched."""
    return fold_fields([None if (value := values[member]) is None else str(value) for member in members])


def fold_query(query: str) -> tuple[str, ...]:
    """Cut a query into folded words. A run of an unspaced script is one word. Empty if nothing can be searched."""
    return tuple(run for chunk in _fold_letters(query).split() for run in _RUNS.findall(chunk))


def match_expression(words: Iterable[str]) -> str:
    """Write folded words as an FTS5 MATCH expression: every word, the last one by its beginning, a run as a phrase.

    Every word is quoted, so that nothing in it is read as an operator. At least one word is needed.
    """
    phrases = [_quoted(_spaced(word)) for word in words]
    phrases[-1] += " *"
    return " AND ".join(phrases)


def start_expression(words: Iterable[str]) -> str:
    """Write folded words as an FTS5 MATCH expression for texts that begin with them, as one phrase, the last word by its beginning."""
    return "^ " + _quoted(" ".join(map(_spaced, words))) + " *"


def _fold_letters(text: str) -> str:
    """Take case and accents away, and put a space for what stands in no word.

    Compatibility forms (full width, ligatures) become plain; voiced kana and Hangul stay whole. Nothing that is composed at the end was
    folded before: no letter of _PLAIN_LETTERS and no separator is composed with a mark that is not an accent.
    """
    if text.isascii():
        return text.translate(_FOLDS_ASCII)
    return normalize("NFC", normalize("NFKD", normalize("NFKD", text).casefold()).translate(_FOLDS))


def _space_out(run: re.Match[str]) -> str:
    return f" {' '.join(run[0])} "


def _spaced(word: str) -> str:
    return " ".join(word) if _UNSPACED_RUN.match(word) else word


def _quoted(phrase: str) -> str:
    return '"' + phrase.replace('"', '""') + '"'
