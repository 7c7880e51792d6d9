"""What resource types for CloudFormation have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from in_process import RefusedError
from patching import ministack

Properties = dict[str, Any]
Made = tuple[str, Properties]
"""The physical id of a resource, and what ``Fn::GetAtt`` gives."""

Create = Callable[[Properties], Made]
Update = Callable[[str, Properties, Properties], Made | None]
Delete = Callable[[str, Properties], None]

provisioners = ministack("services.cloudformation.provisioners")


def resource_type(name: str, create: Create, delete: Delete, *, update: Update | None = None) -> None:
    """Let templates have resources of this type.

    ``update`` changes a resource in place, or gives None for a change that needs a replacement. Without it every
    change does.
    """

    def create_new(_logical_id: str, props: Properties, _stack_name: str) -> Made:
        return create(props)

    def change(physical_id: str, old_props: Properties, new_props: Properties, _stack_name: str) -> Made:
        changed = update(physical_id, old_props, new_props) if update else None
        if changed is None:
            changed = create(new_props)
            provisioners._delete_predecessor(delete, physical_id, old_props)
        return changed

    provisioners._RESOURCE_HANDLERS[name] = {"create": create_new, "update": change, "delete": delete}


def tags_of(props: Properties) -> list[dict[str, str]]:
    """The tags that a template gives a resource, as the API has them."""
    return [{"Key": tag["Key"], "Value": str(tag["Value"])} for tag in props.get("Tags") or []]


def truth(value: object) -> bool:
    """Read a truth value of a template, which may be a string."""
    return str(value).lower() == "true"


def element(answer: str, name: str) -> str:
    """The content of the first element of this name in a service's answer."""
    found = re.search(rf"<{name}>([^<]+)</{name}>", answer)
    if not found:
        raise RefusedError(f"the answer has no {name}: {answer}")
    return found[1]
