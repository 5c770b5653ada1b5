"""The public face of the package is exactly what it lists."""

import types

import holdfast


def test_face_lists_every_public_name() -> None:
    """Every public name of the package is in __all__, and __all__ is sorted."""
    public = sorted(name for name, value in vars(holdfast).items() if not name.startswith("_") and not isinstance(value, types.ModuleType))

    assert public == holdfast.__all__
    assert sorted(holdfast.__all__) == holdfast.__all__


def test_face_is_documented() -> None:
    """Every public class and function says in its docstring what it promises."""
    silent = [name for name in holdfast.__all__ if callable(getattr(holdfast, name)) and not getattr(holdfast, name).__doc__]

    assert silent == []
