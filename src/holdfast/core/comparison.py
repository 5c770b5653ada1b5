"""What is wrong with a change beside the record that it means, judged from the record as it is shown.

`core.change` judges a whole change inside its transaction; this judges what was sound of a change that is refused already.
"""

from collections.abc import Mapping
from typing import Any

from holdfast.base.errors import Detail, detail
from holdfast.core.change import merge
from holdfast.core.slots import equal_reader
from holdfast.core.validate import Changed, validate_merged
from holdfast.model.catalog import ResourceSpec


def compare(resource: ResourceSpec, changed: Changed, shown: Mapping[str, Any]) -> list[Detail]:
    """A detail for each member that may only be equal and is not, and for what is wrong with each document once it is merged.

    shown  every member of the record that its caller may read, in its JSON form. What is sent for another is not compared with it
    """
    faults = [
        detail(member, "read_only")
        for member, value in changed.equal.items()
        if member not in shown or equal_reader(resource.by_member[member])(shown[member]) != value
    ]
    for member, patch in changed.merge.items():
        if member not in shown:
            continue
        settled = validate_merged(resource.by_member[member], merge(shown[member], patch), member)
        if isinstance(settled, list):
            faults.extend(settled)
    return faults
