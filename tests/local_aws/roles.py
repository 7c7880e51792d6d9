"""What the role of a service may do: state machines and rules act under theirs."""

from __future__ import annotations

from patching import ministack


def denial(role_arn: str, session: str, action: str, resource: str) -> str | None:
    """Say, in IAM's words, that the role may not do this; None if it may, or without ``--auth``."""
    if not ministack("app").AUTH:
        return None
    evaluator = ministack("core.iam_evaluator")
    account = ministack("core.responses").get_account_id()
    role = role_arn.rpartition("/")[2]
    principal = f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
    context = evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=ministack("core.responses").get_region(),
    )
    policies = evaluator._gather_role_policies(role, account)
    if evaluator.evaluate(context, policies).decision == "Allow":
        return None
    return f"User: {principal} is not authorized to perform: {action} on resource: {resource}"
