"""Search text: what is folded together, what is cut apart."""

from unicodedata import combining, decomposition, normalize

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.search import FIELD_BREAK, fold_case, fold_fields, fold_query, fold_stored, fold_text, match_expression, start_expression


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Zürich", "zurich"),
        ("São Paulo", "sao paulo"),
        ("Łódź, Đà Nẵng & Tromsø", "lodz da nang tromso"),
        ("Straße", "strasse"),
        ("İstanbul Iğdır", "istanbul igdir"),
        ("O'Brien-Smith_3", "o brien smith 3"),
        ("東京都", "東 京 都"),
        ("東京tower 2", "東 京 tower 2"),
        ("が・ガ", "が ガ"),
        ("서울", "서 울"),
        ("ｱﾊﾞ", "ア バ"),
        ("Москва́ Йошкар", "москва иошкар"),
        ("Ἀθῆναι", "αθηναι"),
        ("ﬁn Ⅳ", "fin iv"),
        ("القَاهِرَة", "القاهرة"),
        ("दिल्ली", "दिल्ली"),
        ("กรุงเทพ", " ".join("กรุงเทพ")),
        ("𠮷野", "𠮷 野"),
        ("", ""),
        ("!? ¶ …", ""),
    ],
)
def test_fold_text_takes_case_and_accents_away(text: str, folded: str) -> None:
    """Index text is folded words, one space apart, unspaced scripts by character."""
    assert fold_text(text) == folded


def test_fold_text_is_the_same_for_both_ways_to_write_an_accent() -> None:
    """A composed and a decomposed letter are one word in the index."""
    assert fold_text("Z\u00fcrich") == fold_text("Zu\u0308rich")
    assert fold_text("\u304c") == fold_text("\u304b\u3099")


def test_folding_before_composing_loses_no_letter() -> None:
    """What Unicode composes of a separator or a plain letter takes an accent alone, which is gone by then: the order does not matter."""
    composed = (normalize("NFD", chr(each)) for each in range(0x110000) if decomposition(chr(each))[:1] not in ("", "<"))
    folded_first = [each for each in composed if fold_text(each[0]) != normalize("NFC", each[0]).casefold()]
    kept = [each for each in folded_first if len(each) > 1 and fold_text("a" + each[1]) != "a" and combining(each[1])]
    assert len(folded_first) > 10
    assert kept == []


def test_fold_query_keeps_an_unspaced_run_as_one_word() -> None:
    """A query is cut into words; a run of ideographs is one of them."""
    assert fold_query("Tōkyō 東京 x") == ("tokyo", "東京", "x")
    assert fold_query("plain ASCII") == ("plain", "ascii")


def test_fold_fields_stands_a_break_between_fields() -> None:
    """Fields are joined by a token that no query holds; empty ones are left out."""
    assert fold_fields(["Ab", None, "", "Cd"]) == f"ab {FIELD_BREAK} cd"
    assert fold_query(FIELD_BREAK) == ()


def test_fold_case_folds_case_alone() -> None:
    """icontains is about case: accents stay."""
    assert fold_case("Zürich STRASSE ß") == "zürich strasse ss"


def test_match_expression_quotes_every_word() -> None:
    """All words, the last by its beginning, a run as a phrase, a quote doubled."""
    assert match_expression(("new", "東京", 'y"or')) == '"new" AND "東 京" AND "y""or" *'


@given(st.text(max_size=40))
def test_folding_is_stable(text: str) -> None:
    """Folding folded text changes nothing, so that what is indexed and what is asked meet."""
    assert fold_text(fold_text(text)) == fold_text(text)


@given(st.text(min_size=1, max_size=30), st.text(max_size=10))
def test_every_text_is_found_by_its_own_words(text: str, before: str) -> None:
    """Any text that has a word is found by itself in the index, whatever script it is in."""
    words = fold_query(text)
    if words:
        index = apsw.Connection(":memory:")
        index.execute("create virtual table t using fts5(text, tokenize='ascii')")
        index.execute("insert into t values(?)", (fold_fields([before, text]),))
        assert index.execute("select count(*) from t where text match ?", (match_expression(words),)).get == 1


def test_the_start_of_a_text_is_asked_for_as_one_quoted_phrase() -> None:
    """Whatever the words hold, nothing in them is an operator."""
    assert start_expression(("new", "york")) == '^ "new york" *'
    assert start_expression(("東京",)) == '^ "東 京" *'


def test_the_index_text_of_a_record_is_of_what_is_searched() -> None:
    """Of its stored values, those that it has."""
    assert fold_stored({"a": "Zürich", "b": None, "c": "x", "d": 5}, ("a", "b", "d")) == fold_fields(["Zürich", "5"])
