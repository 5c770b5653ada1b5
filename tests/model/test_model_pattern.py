"""Patterns: linear whatever they are, the same as Python's where both can say, refused where JSON Schema would read them otherwise."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.limits import TEXT_LENGTH_MAX
from holdfast.model.pattern import PatternError, compile_pattern


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "a+$", "a*a*a*a*$", "^(.*)*x$", "(a?){50}a{50}$", "^([a-z]+)*@[a-z]+$"]
)
def test_no_pattern_takes_long(pattern: str) -> None:
    """On texts of the default length, where Python's would take seconds, years, or more."""
    is_found = compile_pattern(pattern)
    began_s = time.process_time()
    is_found("a" * (TEXT_LENGTH_MAX - 1) + "!")

    assert time.process_time() - began_s < 2.0


@pytest.mark.filterwarnings("ignore:Possible (nested|set):FutureWarning")
@given(
    st.lists(
        st.sampled_from(["a", "b", ".", "(", ")", "(?:", "|", "*", "+", "?", "[ab]", "[^a]", "^", "$", "{2}", "\\w", "\\b", "\\."])
    ).map("".join),
    st.text("ab.\n!", max_size=8),
)
def test_a_pattern_finds_what_python_finds(pattern: str, text: str) -> None:
    """Wherever both take it, with `$` as the very end."""
    try:
        expected = re.search(pattern.replace("$", r"\Z"), text, re.ASCII)
        is_found = compile_pattern(pattern)
    except (re.error, PatternError):
        return
    assert is_found(text) is (expected is not None)


@pytest.mark.parametrize("pattern", ["^\\p{L}+$", "^[é-ü]$", "^(?<year>[0-9]{4})$", "[(?!]", "\\(?", "^[a\\]]$", "^[\\w-]+$", "😀"])
def test_what_both_read_alike_is_taken(pattern: str) -> None:
    """ECMA-262 with its Unicode flag, as JSON Schema recommends."""
    assert isinstance(compile_pattern(pattern)("é"), bool)


LOOKING_AROUND = ["(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(a)\\1"]
MALFORMED = ["[", "(", "a**", "a{1001}", "((((a{100}){100}){100}){100})"]
READ_OTHERWISE = ["\\Z", "\\A", "a\\z", "(?i)a", "(?P<x>a)", "(?s:.)", "[[:alpha:]]", "[]a]", "[^]a]", "\\Qa.b\\E", "\\C", "\\x{e9}"]


@pytest.mark.parametrize("pattern", [*LOOKING_AROUND, *MALFORMED, *READ_OTHERWISE])
def test_what_would_not_be_linear_or_not_be_true_is_refused(pattern: str) -> None:
    """Look-around and back-references, and what the readers of the document would take for something else."""
    with pytest.raises(PatternError, match=r"\S"):
        compile_pattern(pattern)


def test_a_text_that_no_encoding_has_is_no_crash() -> None:
    """Half a character can only stand in a default of the developer's; it is a ValueError, as every bound's."""
    with pytest.raises(ValueError, match="surrogates"):
        compile_pattern("^a$")("\ud800")


def test_a_search_that_needs_much_memory_still_says_the_truth() -> None:
    """The quick search gives up silently where its states do not fit; the other one decides then."""
    is_found = compile_pattern("[ab]*a[ab]{900}$")

    assert is_found("ab" * 2_000 + "a" + "b" * 900)
    assert not is_found("b" * 3_000)
