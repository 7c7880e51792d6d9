"""EventBridge: a rule starts executions under its role, and what it cannot deliver is not lost.

Events of AWS's services nobody else may put, so that ``POST /_ministack/events/of-aws`` with ``{"source": …,
"detailType": …, "detail": …}`` says that a service has sent one.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from patching import ministack, replaces
from roles import denial

from corrections.pipes import at

Answer = tuple[int, dict[str, str], bytes]

eventbridge = ministack("services.eventbridge")
stepfunctions = ministack("services.stepfunctions")

PATH = "/_ministack/events/of-aws"


@replaces("app", "_handle_admin_config_request")
async def services_send_events(
    original: Callable[..., Awaitable[Answer | None]], path: str, method: str, body: bytes
) -> Answer | None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event.html"""
    if (path, method) != (PATH, "POST"):
        return await original(path, method, body)
    sent = json.loads(body)
    entry = {"Source": sent["source"], "DetailType": sent["detailType"], "Detail": json.dumps(sent["detail"])}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    return 204, {}, b""


@replaces("services.eventbridge", "_apply_input_transformer")
def paths_may_have_indices(
    original: Callable[..., str], transformer: dict[str, Any], rule: dict[str, Any], view: Any
) -> str:
    """The path of a variable may lead through a list.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """
    event = view.event_with_detail()
    paths = {name: path for name, path in (transformer.get("InputPathsMap") or {}).items() if "[" in path}
    values = {name: "" if (value := at(event, path[1:])) is None else value for name, path in paths.items()}
    template = eventbridge._render_input_template(transformer["InputTemplate"], values)
    return original({**transformer, "InputTemplate": template}, rule, view)


@replaces("services.eventbridge", "_invoke_target")
def a_state_machine_is_started_under_the_role_of_its_target(
    original: Callable[..., None],
    target: dict[str, Any],
    event: dict[str, Any],
    rule: dict[str, Any],
    view: Any = None,
) -> None:
    """The target's role needs states:StartExecution, and a queue's policy has to admit the rule; an event that is
    refused goes to the target's dead-letter queue.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html#target-permissions
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions
    """
    arn = target.get("Arn", "")
    if arn.startswith("arn:aws:sqs:") and not _admits(arn, rule):
        _dead_letter(target, event, rule, "NO_PERMISSIONS", f"the policy of {arn} does not let the rule send to it")
        return
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


def _admits(queue: str, rule: dict[str, Any]) -> bool:
    account = ministack("core.responses").get_account_id()
    allows = ministack("services.sqs").queue_policy_allows
    return bool(allows(queue, "events.amazonaws.com", rule.get("Arn", ""), account))


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
    if not queue or not _admits(queue, rule):
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
