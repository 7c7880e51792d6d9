"""Who makes the request at hand, for what a service checks beside the call itself."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping
from typing import Any

from patching import ministack, replaces

evaluator = ministack("core.iam_evaluator")
iam_actions = ministack("core.iam_actions")
responses = ministack("core.responses")
router = ministack("core.router")

_access_key: contextvars.ContextVar[str] = contextvars.ContextVar("access key of the request", default="")


@replaces("core.iam_evaluator", "pin_request_caller")
def remember_the_access_key(
    original: Callable[..., None], headers: dict[str, str], query_params: dict[str, Any] | None = None
) -> None:
    """Remember it for :func:`refusal`; MiniStack remembers the caller's ARN only, which has no policies."""
    original(headers, query_params)
    _access_key.set(router.extract_access_key_id(headers, query_params))


def refusal(action: str, resource: str, context: Mapping[str, object] | None = None) -> str | None:
    """Say, in IAM's words, that the caller may not do this; None if it may, or if nobody is asked."""
    if not ministack("app").AUTH or not _access_key.get():
        return None
    service = action.partition(":")[0]
    denied = evaluator.enforce(
        _access_key.get(),
        action,
        service,
        responses.get_region(),
        resource_arn=resource,
        service_context=dict(context or {}),
    )
    if denied is None:
        return None
    if isinstance(denied, evaluator.AuthError):
        return str(denied.message)
    return str(iam_actions.identity_denial_message(action, denied.principal_arn, resource, denied.decision == "Deny"))
