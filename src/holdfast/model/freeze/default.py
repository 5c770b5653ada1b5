"""Whether a default is a value that its field may hold."""

from collections.abc import Callable
from typing import Any

from holdfast.base.errors import Misconfigured
from holdfast.model.stored import to_stored
from holdfast.model.types import FieldType


def check_default(place: str, type_: FieldType, default: Any, factory: Callable[[], Any] | None, *, nullable: bool) -> None:
    """Refuse a default that no caller could have sent; a factory is asked once."""
    value = default if factory is None else _make(place, factory)
    if value is None and not nullable:
        raise Misconfigured(
            place, "The default is None, but null is not accepted.", "Write its type as ... | None, or leave the default out."
        )
    try:
        to_stored(type_, value)
    except ValueError as error:
        raise Misconfigured(place, f"The default is not valid: {error}.", "Mend the default or the bounds.") from None


def _make(place: str, factory: Callable[[], Any]) -> Any:
    try:
        return factory()
    except Exception as error:  # the developer's code may raise anything
        raise Misconfigured(place, f"default_factory raises {error!r}.", "Give a callable that needs no argument.") from error
