"""Names of paths, tables and members."""

import pytest

from holdfast.model.names import is_member, is_path, is_segment, to_path, to_plural, to_table


@pytest.mark.parametrize(
    ("class_name", "path"),
    [
        ("Book", "books"),
        ("BlogPost", "blog-posts"),
        ("City", "cities"),
        ("Day", "days"),
        ("Box", "boxes"),
        ("Bus", "buses"),
        ("Quiz", "quizes"),
        ("Branch", "branches"),
        ("Dish", "dishes"),
        ("Path", "paths"),
        ("APIKey", "api-keys"),
        ("HTTP2Route", "http2-routes"),
        ("Y", "ys"),
        ("book_page", "book-pages"),
        ("_", ""),
    ],
)
def test_default_path_is_the_plural_in_kebab_case(class_name: str, path: str) -> None:
    """The path follows from the class name by three rules of English and nothing cleverer."""
    assert to_path(class_name) == path


def test_plural_of_words_of_one_letter() -> None:
    """The rule for y needs a consonant before it."""
    assert [to_plural("y"), to_plural("by"), to_plural("key")] == ["ys", "bies", "keys"]


def test_table_is_the_path_in_snake_case() -> None:
    """Hyphens of the path become underscores."""
    assert to_table("blog-posts") == "blog_posts"


@pytest.mark.parametrize(
    ("name", "path", "segment"), [("a-b", True, True), ("a_b", False, True), ("a--b", False, False), ("A", False, False)]
)
def test_paths_are_kebab_case_and_segments_may_be_snake_case(name: str, *, path: bool, segment: bool) -> None:
    """A path has lower-case words and single hyphens; a nested route may have underscores too."""
    assert (is_path(name), is_segment(name)) == (path, segment)


def test_names_have_a_longest_length() -> None:
    """48 characters fit, 49 do not, and a line break at the end never does."""
    for fits in (is_path, is_segment, is_member):
        assert fits("a" * 48)
        assert not fits("a" * 49)
        assert not fits("a\n")
