"""Which routes lead to what refers here: GET /authors/{id}/books for every Ref[Author]."""

from collections.abc import Mapping

from holdfast.model.catalog import FieldSpec, ReverseSpec
from holdfast.model.freeze.mistakes import Mistakes
from holdfast.model.names import RESERVED_SEGMENTS, is_segment
from holdfast.model.types import Reference


def freeze_reverses(
    fields: Mapping[str, tuple[FieldSpec, ...]], names: Mapping[str, str], mistakes: Mistakes
) -> dict[str, tuple[ReverseSpec, ...]]:
    """The reverse routes of each resource; `fields` by the path and `names` the class of each."""
    reverses: dict[str, dict[str, ReverseSpec]] = {path: {} for path in fields}
    for source, members in fields.items():
        for spec in members:
            if isinstance(spec.type, Reference):
                reverse = ReverseSpec(spec.reverse or source, source, spec.member)
                _add(f"{names[source]}.{spec.name}", reverse, reverses[spec.type.target], mistakes)
    return {path: tuple(found.values()) for path, found in reverses.items()}


def _add(place: str, reverse: ReverseSpec, found: dict[str, ReverseSpec], mistakes: Mistakes) -> None:
    taken = found.get(reverse.name)
    if not is_segment(reverse.name):
        mistakes.note(
            place, f"reverse {reverse.name!r} cannot be part of a path.", 'Write reverse="edited_books": a-z, 0-9, single - or _.'
        )
    elif reverse.name in RESERVED_SEGMENTS:
        mistakes.note(place, f"The route {reverse.name} belongs to Holdfast.", 'Choose another name: field(reverse="...").')
    elif taken is not None:
        mistakes.note(
            place,
            f"The route {reverse.name} to what refers there is taken by {taken.member} of {taken.source}.",
            'Name this one: field(reverse="...").',
        )
    else:
        found[reverse.name] = reverse
