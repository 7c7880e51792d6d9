"""CloudFormation: what a stack keeps when one of its resources cannot be deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from patching import ministack, replaces

cloudformation = ministack("services.cloudformation")
stacks = ministack("services.cloudformation.stacks")

# By stack, the resources that a deletion must leave alone, until it ends.
kept: dict[str, dict[str, Any]] = {}


@replaces("services.cloudformation.provisioners", "_delete_resource")
def what_a_resource_depends_on_outlives_it(
    original: Callable[..., None],
    resource_type: str,
    physical_id: str,
    props: dict[str, Any],
    stack_name: str | None = None,
    logical_id: str | None = None,
) -> None:
    """A resource is deleted before those that it depends on, so these stay when it cannot be deleted.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html
    """
    try:
        original(resource_type, physical_id, props, stack_name, logical_id)
    except Exception:
        stack = cloudformation._stacks.get(stack_name)
        forced = stack and stack.get("DeletionMode") == "FORCE_DELETE_STACK"
        if stack and stack["StackStatus"] == "DELETE_IN_PROGRESS" and not forced:
            there = stack["_resources"]
            needed = stacks._with_dependencies([logical_id], stack["_template"]["Resources"], set(there))
            for each in needed - {logical_id}:
                kept.setdefault(stack["StackId"], {})[each] = there.pop(each)
        raise


@replaces("services.cloudformation.stacks", "_delete_stack_async")
async def kept_resources_stay_in_the_stack(
    original: Callable[..., Awaitable[None]], stack_name: str, stack_id: str, *more: Any, **named: Any
) -> None:
    """The next deletion finds them again."""
    try:
        await original(stack_name, stack_id, *more, **named)
    finally:
        if stack_id in kept:
            cloudformation._stacks[stack_name]["_resources"].update(kept.pop(stack_id))
