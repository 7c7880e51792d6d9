"""Step Functions: Parallel in JSONata, time limits and waits, the machine's role, and what Lambda itself refuses."""

from __future__ import annotations

import contextvars
import copy
import json
import threading
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces
from roles import denial

from corrections.lambda_idle import STATUS

State = dict[str, Any]

stepfunctions = ministack("services.stepfunctions")
responses = ministack("core.responses")


@replaces("services.stepfunctions", "_run_parallel_branches")
def parallel_speaks_jsonata(
    original: Callable[..., tuple[Any, str | None]],
    state_def: State,
    raw_input: Any,
    execution: State,
    ctx: State,
) -> tuple[Any, str | None]:
    """A Parallel state has Arguments, Output and Assign, as other states have.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html ("Parallel State Fields")
    """
    if stepfunctions._state_query_language(state_def, ctx) != "JSONata":
        return original(state_def, raw_input, execution, ctx)
    arguments = stepfunctions._apply_jsonata_arguments(state_def, raw_input, ctx)
    results, following = original(state_def, arguments, execution, ctx)
    output = stepfunctions._apply_jsonata_output(state_def, raw_input, ctx, result=results, default=results)
    stepfunctions._apply_state_assign(state_def, raw_input, ctx, result=results)
    return output, following


@replaces("services.stepfunctions", "_run_sub_machine")
def a_branch_has_a_scope_of_its_own(
    original: Callable[..., Any],
    states: State,
    start_at: str,
    input_data: Any,
    execution: State,
    ctx: State,
) -> Any:
    """Variables that a branch assigns are its own, and so is its place in the context object.

    https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html ("Variable scope")
    """
    return original(states, start_at, input_data, execution, copy.deepcopy(ctx))


@replaces("services.stepfunctions", "_run_execution")
def an_execution_has_a_time_limit(original: Callable[[str], None], exec_arn: str) -> None:
    """After the definition's TimeoutSeconds the execution is TIMED_OUT, with error States.Timeout.

    https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
    """
    execution = stepfunctions._executions.get(exec_arn) or {}
    machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
    try:
        limit = json.loads(machine.get("definition", "{}")).get("TimeoutSeconds")
    except ValueError:
        limit = None
    if not limit:
        original(exec_arn)
        return
    context = contextvars.copy_context()
    timer = threading.Timer(float(limit), context.run, (_time_out, execution))
    timer.daemon = True
    timer.start()
    try:
        original(exec_arn)
    finally:
        timer.cancel()


def _time_out(execution: State) -> None:
    if execution["status"] != "RUNNING":
        return
    execution["status"] = "TIMED_OUT"
    execution["error"] = "States.Timeout"
    execution["stopDate"] = responses.now_iso()
    stepfunctions._add_event(
        execution,
        "ExecutionTimedOut",
        {"executionTimedOutEventDetails": {"error": "States.Timeout"}},
    )
    stepfunctions._emit_execution_status_event(execution)


@replaces("services.stepfunctions", "_fail_execution")
def an_execution_ends_once(original: Callable[..., None], execution: State, error: str, cause: str) -> None:
    """What fails after the time limit does not change how the execution ended."""
    if execution["status"] == "RUNNING":
        original(execution, error, cause)


# The role under which the task at hand runs; threads of a task inherit it.
_role: contextvars.ContextVar[str] = contextvars.ContextVar("role of the state machine", default="")


@replaces("services.stepfunctions", "_execute_task")
def a_task_runs_under_the_role_of_its_machine(
    original: Callable[..., Any],
    state_def: State,
    raw_input: Any,
    execution: State,
    ctx: State,
) -> Any:
    """Remember the role for :func:`a_role_must_allow_the_call`."""
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
    token = _role.set(machine.get("roleArn", ""))
    try:
        return original(state_def, raw_input, execution, ctx)
    finally:
        _role.reset(token)


@replaces("services.stepfunctions", "_invoke_resource")
def a_role_must_allow_the_call(original: Callable[..., Any], resource: str, input_data: Any) -> Any:
    """A task that invokes a function or publishes to a topic needs the permission to.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html#lambda-iam and
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html#sns-iam
    """
    if "states:::lambda:invoke" in resource:
        _demand(
            "lambda:InvokeFunction",
            _function_arn(input_data["FunctionName"]),
            LAMBDA_ERROR,
        )
    elif resource.startswith("arn:aws:lambda:"):
        _demand("lambda:InvokeFunction", resource, LAMBDA_ERROR)
    elif "states:::sns:publish" in resource:
        _demand("sns:Publish", input_data.get("TopicArn", "*"), SNS_ERROR)
    return original(resource, input_data)


@replaces("services.stepfunctions", "_find_matching_retrier")
def a_retrier_waits_no_longer_than_it_says(
    original: Callable[..., tuple[State | None, Any]], retriers: list[State], error: str, retries: dict[Any, int]
) -> tuple[State | None, Any]:
    """MaxDelaySeconds bounds the wait, which grows with each retry of this retrier.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
    """
    retrier, place = original(retriers, error, retries)
    if retrier is None or "MaxDelaySeconds" not in retrier:
        return retrier, place
    wait = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2) ** retries.get(place, 0)
    return retrier | {"IntervalSeconds": min(wait, retrier["MaxDelaySeconds"]), "BackoffRate": 1}, place


@replaces("services.stepfunctions", "_call_lambda")
def what_lambda_refuses_has_lambdas_name(original: Callable[..., Any], func_ref: Any, event: Any) -> Any:
    """An invocation that Lambda itself refuses fails with Lambda's error, not with one of the function.

    https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html ("Lambda errors are reported as
    Lambda.ErrorName"). The cause is a sentence, as in https://github.com/HumanCellAtlas/data-store/issues/1118.
    """
    try:
        return original(func_ref, event)
    except stepfunctions._ExecutionError as failed:
        body = _json_object(failed.cause)
        error = body.get("__type")
        if error is None:
            raise
        status = STATUS.get(error, 429)
        said = f"(Service: AWSLambda; Status Code: {status}; Error Code: {error}; Request ID: {responses.new_uuid()})"
        raise stepfunctions._ExecutionError(f"Lambda.{error}", f"{body['message']} {said}") from failed


def _json_object(text: Any) -> State:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


LAMBDA_ERROR = "Lambda.AWSLambdaException"
SNS_ERROR = "SNS.AuthorizationErrorException"


def _function_arn(name: str) -> str:
    if name.startswith("arn:"):
        return name
    return f"arn:aws:lambda:{responses.get_region()}:{responses.get_account_id()}:function:{name}"


def _demand(action: str, resource: str, error: str) -> None:
    denied = denial(_role.get(), "states", action, resource)
    if denied:
        raise stepfunctions._ExecutionError(error, denied)
