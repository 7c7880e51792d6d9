"""What the role of a service may do: state machines and rules act under theirs."""

from __future__ import annotations

import json
from typing import Any

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


def trusts(role: dict[str, Any], service: str) -> bool:
    """Whether the role's trust policy lets the service assume it; conditions are taken to be met."""
    policy = role.get("AssumeRolePolicyDocument") or {}
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement") or []
    return any(
        statement["Effect"] == "Allow" and service in _services(statement.get("Principal"))
        for statement in (statements if isinstance(statements, list) else [statements])
    )


def _services(principal: Any) -> list[str]:
    named = principal.get("Service", []) if isinstance(principal, dict) else []
    return [named] if isinstance(named, str) else list(named)
