"""Paths as callers write them: `price`, `author_id`, `author.name`."""

from holdfast.base.errors import Refused
from holdfast.base.limits import PATH_STEPS_MAX
from holdfast.core.ask.visible import Visible
from holdfast.core.condition import Path, Step
from holdfast.core.hint import quote, suggest
from holdfast.model.catalog import Catalog, FieldSpec, ResourceSpec


def read_path(catalog: Catalog, resource: ResourceSpec, text: str, visible: Visible, *, code: str, known: tuple[str, ...] = ()) -> Path:
    """Find the field that `text` names, through at most PATH_STEPS_MAX references.

    code   the refusal of an unknown name: unknown_parameter, invalid_filter, invalid_sort
    known  further names that the first part could have meant, for the hint
    """
    *names, last = text.split(".")
    if len(names) > PATH_STEPS_MAX:
        raise Refused(code, f"{quote(text)} goes through too many references.", hint=f"At most {PATH_STEPS_MAX} can be followed.")
    steps: list[Step] = []
    for name in names:
        spec = find_reference(resource, name, visible)
        if spec is None:
            raise _unknown(resource, text, steps, name, visible, code=code, known=known, followed=True)
        resource = catalog.target(spec)
        steps.append(Step(spec, resource, visible.guard(resource)))
    field = find_field(resource, last, visible)
    if field is None:
        raise _unknown(resource, text, steps, last, visible, code=code, known=known, followed=False)
    return Path(field, tuple(steps))


def find_field(resource: ResourceSpec, member: str, visible: Visible) -> FieldSpec | None:
    """The readable field of that member name; None if the caller may not know of one."""
    spec = resource.by_member.get(member)
    if spec is None or spec.secret is not None or member in visible.hidden_in(resource):
        return None
    return spec


def find_reference(resource: ResourceSpec, name: str, visible: Visible) -> FieldSpec | None:
    """The readable Ref field of that name (`author`, not `author_id`)."""
    spec = resource.by_name.get(name)
    if spec is None or spec.reference is None:
        return None
    return find_field(resource, spec.member, visible)


def reference_names(resource: ResourceSpec, visible: Visible) -> tuple[str, ...]:
    """The names of the readable Ref fields."""
    return tuple(each.name for each in visible.fields(resource) if each.reference is not None)


def _unknown(
    resource: ResourceSpec,
    text: str,
    steps: list[Step],
    name: str,
    visible: Visible,
    *,
    code: str,
    known: tuple[str, ...],
    followed: bool,
) -> Refused:
    prefix = "".join(f"{step.field.name}." for step in steps)
    names = reference_names(resource, visible) if followed else tuple(each.member for each in visible.fields(resource))
    hint = suggest(name, names if steps else (*names, *known), prefix=prefix)
    if followed and find_field(resource, name, visible) is not None:
        return Refused(code, f"{quote(prefix + name)} is no reference that can be followed.", hint=hint)
    return Refused(code, f"{quote(text)} is unknown.", hint=hint)
