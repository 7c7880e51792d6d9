"""Lambda: functions that were idle for so long that they are inactive, and what wakes them.

A function in a VPC becomes inactive when it was not invoked for 14 days
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html). Nobody can wait for that, so ``POST
/_ministack/lambda/inactive`` with ``{"functions": […], "wakesAfterSeconds": …}`` says that it has happened.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from patching import ministack, replaces

Answer = tuple[int, dict[str, str], bytes]

lambda_svc = ministack("services.lambda_svc")

PATH = "/_ministack/lambda/inactive"
WAKES_AFTER = "wakes after seconds"

# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html ("Errors")
STATUS = {"CodeArtifactUserPendingException": 409, "ResourceNotReadyException": 502}


@replaces("app", "_handle_admin_config_request")
async def functions_can_be_made_inactive(
    original: Callable[..., Awaitable[Answer | None]], path: str, method: str, body: bytes
) -> Answer | None:
    """What a function's configuration says once it is inactive.

    https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html ("State", "StateReasonCode")
    """
    if (path, method) != (PATH, "POST"):
        return await original(path, method, body)
    asked = json.loads(body)
    unknown = [name for name in asked["functions"] if name not in lambda_svc._functions]
    if unknown:
        return 404, {"Content-Type": "application/json"}, json.dumps({"unknown": unknown}).encode()
    for name in asked["functions"]:
        function = lambda_svc._functions[name]
        function[WAKES_AFTER] = float(asked["wakesAfterSeconds"])
        _enter(function, "Inactive", "Idle", "The function was not invoked for a long time.")
    return 204, {}, b""


@replaces("services.lambda_svc", "_execute_function")
def an_inactive_function_is_woken_by_an_invocation_that_fails(
    original: Callable[..., dict[str, Any]], func: dict[str, Any], event: Any
) -> dict[str, Any]:
    """The first invocation fails and makes the function pending; until it is active again, all others fail, too.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html; what the others fail with is seen, as
    https://github.com/aws/aws-cdk/issues/20123 tells.
    """
    name = (func.get("config") or func).get("FunctionName", "")
    function = lambda_svc._functions.get(name) or {}
    config = function.get("config") or {}
    if config.get("State") == "Inactive":
        _enter(function, "Pending", "Restoring", "The function is being restored.")
        lambda_svc._schedule_state_transition(name, function[WAKES_AFTER])
        return _refusal(
            "ResourceNotReadyException",
            "The function is inactive and its VPC connection is no longer available. Wait for the VPC connection to "
            "reestablish and try again.",
        )
    if (config.get("State"), config.get("StateReasonCode")) == ("Pending", "Restoring"):
        return _refusal(
            "CodeArtifactUserPendingException",
            "Lambda is initializing your function. It will be ready to invoke shortly.",
        )
    return original(func, event)


@replaces("services.lambda_svc", "_invoke")
async def each_refusal_has_its_status(original: Callable[..., Awaitable[Answer]], *given: Any, **named: Any) -> Answer:
    """MiniStack answers every invocation that Lambda itself refuses with 429.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html ("Errors")
    """
    status, headers, body = await original(*given, **named)
    if status == 429:
        error = json.loads(body)["__type"]
        return STATUS.get(error, status), headers | {"x-amzn-ErrorType": error}, body
    return status, headers, body


def _enter(function: dict[str, Any], state: str, code: str, reason: str) -> None:
    function["config"] |= {"State": state, "StateReasonCode": code, "StateReason": reason}


def _refusal(error: str, message: str) -> dict[str, Any]:
    # The shape in which MiniStack hands on that a function was throttled.
    return {"throttle": True, "error": True, "body": {"__type": error, "message": message}, "log": ""}
