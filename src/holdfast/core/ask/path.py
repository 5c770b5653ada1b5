"""Paths as callers write them: `price`, `author_id`, `author.name`."""

from holdfast.base.errors import Refused
from holdfast.base.hint import find_nearest, quote, suggest
from holdfast.base.limits import PATH_STEPS_MAX
from holdfast.core.ask.visible import Visible
from holdfast.core.condition import Path, Step
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
            raise _unknown_step(resource, text, steps, name, visible, code=code)
        resource = catalog.target(spec)
        steps.append(Step(spec, resource, visible.guard(resource)))
    field = find_field(resource, last, visible)
    if field is None:
        raise _unknown_field(catalog, resource, text, steps, visible, code=code, known=known)
    return Path(field, tuple(steps))


def find_field(resource: ResourceSpec, member: str, visible: Visible) -> FieldSpec | None:
    """The field of that member name, readable in every row; None if the caller may not know of one, or not in every row."""
    spec = resource.by_member.get(member)
    if spec is None or spec.secret is not None or member in visible.hidden_in(resource) or member in visible.masks_of(resource):
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


def _unknown_step(resource: ResourceSpec, text: str, steps: list[Step], name: str, visible: Visible, *, code: str) -> Refused:
    """The refusal of a name before a dot, where a reference must stand."""
    names = reference_names(resource, visible)
    hint = suggest(name, names, prefix=_prefix(steps)) if names else "No field here is a reference, so no dot can follow one."
    if find_field(resource, name, visible) is not None:
        return Refused(code, f"{quote(_prefix(steps) + name)} is no reference that can be followed.", hint=hint)
    return Refused(code, f"{quote(text)} is unknown.", hint=hint)


def _unknown_field(
    catalog: Catalog, resource: ResourceSpec, text: str, steps: list[Step], visible: Visible, *, code: str, known: tuple[str, ...]
) -> Refused:
    """The refusal of the last name of a path, where a field must stand."""
    name = text.rpartition(".")[2]
    spec = find_reference(resource, name, visible)
    if spec is not None:
        return Refused(code, f"{quote(text)} is a reference, not a field.", hint=_lead_through(catalog, spec, steps, visible))
    members = tuple(each.member for each in visible.fields(resource))
    pool = members if steps else (*members, *known)
    near = find_nearest(name, (*reference_names(resource, visible), *pool))
    meant = None if near is None or near in pool else find_reference(resource, near, visible)
    hint = suggest(name, pool, prefix=_prefix(steps)) if meant is None else _lead_through(catalog, meant, steps, visible)
    return Refused(code, f"{quote(text)} is unknown.", hint=hint)


def _lead_through(catalog: Catalog, spec: FieldSpec, steps: list[Step], visible: Visible) -> str:
    """What to write for a bare reference: its id, or a field of the record behind it."""
    prefix, target = _prefix(steps), catalog.target(spec)
    told = f"`{prefix}{spec.name}` is a reference: name its id, `{prefix}{spec.member}`"
    if len(steps) == PATH_STEPS_MAX:
        return f"{told}."
    behind = next((each.member for each in visible.fields(target) if not each.system), "id")
    return f"{told}, or a field behind it, such as `{prefix}{spec.name}.{behind}`."


def _prefix(steps: list[Step]) -> str:
    return "".join(f"{step.field.name}." for step in steps)
