"""Nearest-name hints."""

import pytest

from holdfast.base.hint import find_nearest, quote, suggest

NAMES = ("title", "price", "published_on")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("titel", "title"), ("PRICE", "price"), ("publishedOn", "published_on"), ("xyz", None), ("", None), ("p" * 10_000, None)],
)
def test_the_nearest_name_is_found(name: str, nearest: str | None) -> None:
    """Upper and lower case do not matter, and what is not like any name finds none."""
    assert nearest == find_nearest(name, NAMES)


def test_a_suggestion_is_a_sentence() -> None:
    """The nearest, or else what there is, or else that there is none."""
    assert suggest("titel", NAMES) == "Did you mean `title`?"
    assert suggest("xyz", NAMES) == "Known here: `title`, `price`, `published_on`."
    assert suggest("xyz", ()) == "There is none here."
    assert suggest("nam", ("name",), prefix="author.") == "Did you mean `author.name`?"
    assert suggest("??", [f"n{n:02}" for n in range(20)]).endswith("`n11`, ...")


def test_a_long_name_is_shortened() -> None:
    """A caller's name of any length makes no long message."""
    assert quote("abc") == "`abc`"
    assert f"`{'x' * 64}...`" == quote("x" * 65)
