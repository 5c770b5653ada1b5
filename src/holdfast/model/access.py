"""Access: who may do what with the records of a resource."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Never

from holdfast.model.rule import Rule

ADMIN = "admin"
"""The role that is granted everything, and is bound by validation, versions and limits like everyone."""

VERBS = ("list", "read", "create", "update", "update_to", "delete")
"""What can be granted on its own."""


@dataclass(frozen=True, slots=True, init=False)
class Access:
    """The rules of a resource, by verb. What no rule grants is denied, except to the role admin.

    read       grants list too, unless `list` says otherwise
    write      grants create, update and delete, unless they say otherwise
    update     must hold for the row as it was; update_to (default: update) for the row as it would be
    """

    given: Mapping[str, object]

    def __init__(
        self,
        *,
        list: Rule | None = None,  # noqa: A002  # the contract's word
        read: Rule | None = None,
        write: Rule | None = None,
        create: Rule | None = None,
        update: Rule | None = None,
        update_to: Rule | None = None,
        delete: Rule | None = None,
        **unknown: Never,
    ) -> None:
        known = {
            "list": list,
            "read": read,
            "write": write,
            "create": create,
            "update": update,
            "update_to": update_to,
            "delete": delete,
        }
        given = {verb: rule for verb, rule in known.items() if rule is not None}
        object.__setattr__(self, "given", {**given, **unknown})
