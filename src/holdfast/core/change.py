"""Changes: what an update means for the record as it is stored now. Pure; the store calls it inside the transaction."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from holdfast.base.errors import Detail, Refused, detail
from holdfast.core.condition import Stored
from holdfast.core.invalid import move, refusal
from holdfast.core.plan import Update
from holdfast.core.texts import kept_for_keys
from holdfast.core.validate import validate_merged
from holdfast.model.catalog import FieldSpec
from holdfast.model.user import KEY_DOMAIN, is_key_address

_ABSENT = object()


def settle(step: Update, before: Mapping[str, Stored], locked: Collection[str] = (), unseen: Collection[str] = ()) -> dict[str, Stored]:
    """The members that change and their new stored values.

    before  the record's image: member -> stored value, without its secrets
    locked  the members that may not change now
    unseen  the members whose values the caller may not know

    Raises Refused validation_failed (422) with every fault at once: read_only where `equal` or the value of a locked member differs from
    the record, or is unseen, whatever it is; and what is wrong with a document once its merge patch is applied.
    """
    changed = dict(step.assign)
    if not step.equal and not step.merge and not locked:
        return changed
    fixed = {**step.equal, **{member: changed[member] for member in locked if member in changed}}
    faults = [detail(member, "read_only") for member, value in fixed.items() if member in unseen or before.get(member, _ABSENT) != value]
    for member, patch in step.merge.items():
        if member in locked and member in unseen:
            faults.append(detail(member, "read_only"))
            continue
        settled = _merge_document(step.resource.by_member[member], before.get(member), patch)
        if isinstance(settled, list):
            faults.extend(settled)
        elif member in locked and settled != before.get(member):
            faults.append(detail(member, "read_only"))
        else:
            changed[member] = settled
    if faults:
        raise Refused("validation_failed", details=faults)
    return changed


def doubt_address(changed: dict[str, Stored], before: Mapping[str, Stored]) -> dict[str, Stored]:
    """The changes of a user: a new e-mail address was shown to nobody, unless the very change says so.

    Raises Refused validation_failed where it would become that of an API key.
    """
    email = changed.get("email", before["email"])
    if email == before["email"]:
        return changed
    if is_key_address(str(email)):
        raise refusal(list(move(".email", kept_for_keys(KEY_DOMAIN).faults)))
    return changed if "email_verified" in changed else {**changed, "email_verified": 0}


def _merge_document(spec: FieldSpec, stored: Stored, patch: Any) -> Stored | list[Detail]:
    document = None if stored is None else msgspec.json.decode(str(stored))
    return validate_merged(spec, merge(document, patch), spec.member)


def merge(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396, section 2): objects are merged member by member, null takes a member away, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged
