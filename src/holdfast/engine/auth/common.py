"""The passwords that are guessed first: the 10,000 most frequent of at least eight characters in zxcvbn's lists (MIT), in lower case."""

from functools import lru_cache
from importlib.resources import files


def is_common(text: str) -> bool:
    """Whether a text in lower case is one of them."""
    return text in _load()


@lru_cache(1)
def _load() -> frozenset[str]:
    return frozenset(files("holdfast.engine.auth").joinpath("common_passwords.txt").read_text("ascii").split("\n")) - {""}
