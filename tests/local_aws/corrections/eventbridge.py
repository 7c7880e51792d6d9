"""EventBridge: a rule starts executions under its role, and what it cannot deliver is not lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces
from roles import denial

eventbridge = ministack("services.eventbridge")
stepfunctions = ministack("services.stepfunctions")


@replaces("services.eventbridge", "_invoke_target")
def a_state_machine_is_started_under_the_role_of_its_target(
    original: Callable[..., None],
    target: dict[str, Any],
    event: dict[str, Any],
    rule: dict[str, Any],
    view: Any = None,
) -> None:
    """The target's role needs states:StartExecution; an event that is refused goes to the target's
    dead-letter queue.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html#target-permissions
    """
    arn = target.get("Arn", "")
    if not arn.startswith("arn:aws:states:"):
        original(target, event, rule, view)
        return
    refusal = denial(target.get("RoleArn", ""), "events", "states:StartExecution", arn)
    if refusal:
        _dead_letter(target, event, rule, "NO_PERMISSIONS", refusal)
    elif stepfunctions._resolve_state_machine_arn(arn) is None:
        _dead_letter(target, event, rule, "NO_RESOURCE", f"State Machine Does Not Exist: {arn}")
    else:
        original(target, event, rule, view)


def _dead_letter(
    target: dict[str, Any],
    event: dict[str, Any],
    rule: dict[str, Any],
    code: str,
    message: str,
) -> None:
    """Send the event with the attributes that EventBridge gives it, if the queue's policy lets it.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html ("Granting permissions
    to the dead-letter queue" and "Considerations")
    """
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    sqs = ministack("services.sqs")
    account = ministack("core.responses").get_account_id()
    if not queue or not sqs.queue_policy_allows(queue, "events.amazonaws.com", rule.get("Arn", ""), account):
        return
    attributes = {
        "RULE_ARN": rule.get("Arn", ""),
        "TARGET_ARN": target.get("Arn", ""),
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message,
    }
    view = eventbridge._pattern_event_view(event)
    sqs._act_send_message(
        {
            "MessageBody": json.dumps(view.event_with_detail()),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        },
        sqs._queue_url(queue.rpartition(":")[2]),
    )
