"""The public face of the package is exactly what it lists."""

import holdfast


def test_face_lists_every_public_name() -> None:
    """Every public name of the package is in __all__, and __all__ is sorted."""
    public = {name for names in holdfast._HOMES.values() for name in names}

    assert public == set(holdfast.__all__) == set(dir(holdfast))
    assert all(getattr(holdfast, name) is not None for name in public)
    assert sorted(holdfast.__all__) == holdfast.__all__


def test_face_has_nothing_else() -> None:
    """A name that is not listed is no attribute of the package."""
    assert not hasattr(holdfast, "freeze")


def test_face_is_documented() -> None:
    """Every public class and function says in its docstring what it promises."""
    silent = [name for name in holdfast.__all__ if callable(getattr(holdfast, name)) and not getattr(holdfast, name).__doc__]

    assert silent == []
