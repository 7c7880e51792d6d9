"""Takes a deployment down without synthesizing it: CloudFormation knows what belongs to the stack.

In this order, which `teardown.py` fixes: the state machine and its triggers, then the emptying of the reports bucket,
then the bucket, the functions and the network. When the emptying fails, all that it depends on is still there, and
the next deletion goes on from it. Before all that, the functions that CloudFormation is going to call are woken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from compliance_audit.leftovers import LISTINGS, ClientFactory, Deployment, Found, KeptKey, look, look_at_kept_keys
from compliance_audit.names import BUCKET_KEY_ALIAS, BUCKET_TAG, Names
from compliance_audit.settings import CUSTOM_RESOURCES, REGION, checked
from compliance_audit.stacks import describe_stack, find_stack

Say = Callable[[str], None]
Event = Mapping[str, Any]

# Functions in a VPC take up to tens of minutes, and CloudFormation ends every deletion by itself: nothing is cut short.
_LONGEST_PAUSE_SECONDS = 15.0

# A deletion begins within seconds; these looks take about four minutes.
_LOOKS_FOR_THE_BEGINNING = 20

# The index of tags follows a deletion with a delay that AWS does not tell.
_LOOKS = 15
_PAUSE_BETWEEN_LOOKS_SECONDS = 20.0

# A function that slept is reported to be ready after 40 to 106 seconds; these looks take ten minutes.
_LOOKS_AT_A_WAKING_FUNCTION = 60
_PAUSE_BETWEEN_LOOKS_AT_IT_SECONDS = 10.0

_NEEDED = ("environment", "environmentSuffix")

ACTIONS = frozenset(
    {
        "cloudformation:DeleteStack",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStacks",
        "kms:DescribeKey",
        "lambda:GetFunctionConfiguration",
        "lambda:InvokeFunction",
        "tag:GetResources",
        *(listing.action for listing in LISTINGS),
    }
)
"""The IAM actions that the command's caller needs.

What deletes the resources is the role with which the CDK has deployed the stack:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
"""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the settings say about the deployment that is to go."""

    names: Names
    flow_log_date: str | None
    """Where the settings have it; it is not needed."""

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> Target:
        """Check `environment` and `environmentSuffix`, and `flowLogDate` where it is given, as for a deployment.

        Raises SettingsError, which names every one that is missing or wrong, and what is allowed.
        """
        values = checked(context, (*_NEEDED, *(key for key in ("flowLogDate",) if key in context)))
        names = Names(environment=values["environment"], suffix=values["environment_suffix"])
        return cls(names=names, flow_log_date=values.get("flow_log_date"))


def destroy(
    client: ClientFactory, target: Target, *, confirmed: Callable[[str], bool], say: Say, pause: Callable[[float], None]
) -> bool:
    """Delete the stack, and say what is left; whether nothing is left and everything could be looked at.

    `confirmed` asks whether the stack of this name may go. Raises boto3's errors when AWS refuses what the deletion
    itself needs.
    """
    account = client("sts").get_caller_identity()["Account"]
    deployment = Deployment(names=target.names, account=account, flow_log_date=target.flow_log_date)
    stack = target.names.stack()
    where = f"account {account}, region {REGION}"
    cloudformation = client("cloudformation")
    existing = find_stack(cloudformation, stack)
    if existing is None:
        say(f"There is no stack {stack} in {where}.")
        return _conclude(look(client, deployment), client, deployment, say)
    bucket = target.names.bucket("compliance-audit-reports", account)
    say(f"This deletes the stack {stack} in {where},")
    say(f"with everything in it: also the bucket {bucket} with every scan and report, all versions of them.")
    if not confirmed(stack):
        say("Nothing was deleted.")
        return False
    for what in CUSTOM_RESOURCES:
        wake(client("lambda"), target.names.of(what, "function"), say=say, pause=pause)
    say("Deleting. AWS takes up to tens of minutes to give back the network interfaces of functions in a VPC.")
    failed = delete_stack(cloudformation, existing["StackId"], say=say, pause=pause)
    if failed:
        _say_all(advice(stack, failed), say)
        return False
    say(f"The stack {stack} is deleted.")
    found = settled(lambda: look(client, deployment), say=say, pause=pause)
    return _conclude(found, client, deployment, say)


def _conclude(found: Found, client: ClientFactory, of: Deployment, say: Say) -> bool:
    """Add what is kept on purpose, and tell all; whether nothing is left and everything could be looked at."""
    look_at_kept_keys(client, of, found)
    _say_all(summary(found, of), say)
    return found.clean


def _say_all(lines: Iterable[str], say: Say) -> None:
    for line in lines:
        say(line)


# --- The functions that CloudFormation calls ------------------------------------------------------------------------


def wake(aws_lambda: Any, function: str, *, say: Say, pause: Callable[[float], None]) -> None:
    """Invoke a function that is asleep, and wait until it can be invoked; nothing where there is no such function.

    A function in a VPC sleeps after 14 days without an invocation. The next invocation fails and wakes it, and
    CloudFormation, whose invocation that would be, waits an hour for an answer that never comes.
    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html

    A function that does not wake is told of, and does not keep the stack from being deleted: the deletion says what it
    could not do, and is tried again. Raises boto3's errors when the caller may not do this.
    """
    told = ""
    for _ in range(_LOOKS_AT_A_WAKING_FUNCTION):
        try:
            configuration = aws_lambda.get_function_configuration(FunctionName=function)
        except aws_lambda.exceptions.ResourceNotFoundException:
            return
        # AWS Lambda leaves the state out of what has none.
        state, reason = configuration.get("State", "Active"), configuration.get("StateReason", "no reason is given")
        if state == "Active":
            if told:
                say(f"The function {function} is awake.")
            return
        if told != (told := f"The function {function} is {state}: {reason}"):
            say(told)
        if state == "Failed":
            break
        if state == "Inactive":
            _invoke(aws_lambda, function, say)
        pause(_PAUSE_BETWEEN_LOOKS_AT_IT_SECONDS)
    say(f"The function {function} was not woken, so that CloudFormation may wait an hour for it in vain.")


def _invoke(aws_lambda: Any, function: str, say: Say) -> None:
    """Invoke a function without asking it for anything: should it be awake, it refuses an empty request.

    `DryRun` is documented to check parameters and permissions and nothing else, so that it may wake nobody:
    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    try:
        aws_lambda.invoke(FunctionName=function, Payload=b"{}")
    except ClientError as error:
        about = error.response["Error"]
        if about["Code"] == "AccessDeniedException":
            raise
        # That it is not ready is what wakes it; whatever else it may be, the function's state tells what became of it.
        say(f"  Invoked to wake it: {about['Code']}: {about.get('Message', '')}")


# --- The stack ------------------------------------------------------------------------------------------------------


def delete_stack(cloudformation: Any, stack_id: str, *, say: Say, pause: Callable[[float], None]) -> list[str]:
    """Delete a stack, or join a deletion that is under way, and tell what becomes of its resources.

    Answers when CloudFormation is done: with nothing once the stack is gone, or else with one line for each resource
    that it could not delete, or with one that says where the stack stands instead.
    """
    before = ""
    begun = describe_stack(cloudformation, stack_id)["StackStatus"] == "DELETE_IN_PROGRESS"
    if not begun:
        before = next(_events(cloudformation, stack_id))["EventId"]
        cloudformation.delete_stack(StackName=stack_id)
    told: set[str] = set()
    for looks, seconds in enumerate(_pauses(), start=1):
        pause(seconds)
        # The status first: all that led to it is then among the events.
        stack = describe_stack(cloudformation, stack_id)
        status = stack["StackStatus"]
        events = operation(_events(cloudformation, stack_id), before)
        for line in outcomes(events):
            if line not in told:
                say(line)
                told.add(line)
        if status == "DELETE_COMPLETE":
            return []
        if begun and status != "DELETE_IN_PROGRESS":
            return failures(events) or [_standing(stack)]
        # From now on only: the events may tell of a deletion that began after the status was read.
        begun = begun or status == "DELETE_IN_PROGRESS" or any(map(_begins, events))
        if not begun and looks == _LOOKS_FOR_THE_BEGINNING:
            return [f"{_standing(stack)}; AWS CloudFormation has not begun to delete it"]
    raise AssertionError("unreachable")


def operation(newest_first: Iterable[Event], before: str) -> list[Event]:
    """The events of the deletion, oldest first.

    They begin with the stack's own, where there is one, and come after the event `before`, which is empty for a
    deletion that was under way.
    """
    events: list[Event] = []
    for event in newest_first:
        if event["EventId"] == before:
            return events[::-1]
        events.append(event)
        if _begins(event):
            return events[::-1]
    return []


def outcomes(events: Iterable[Event]) -> list[str]:
    """A line for each resource that is deleted or could not be; each once, whatever CloudFormation repeats."""
    lines = []
    for event in events:
        if not _of_stack(event) and (verb := _OUTCOMES.get(event["ResourceStatus"])):
            lines.append(f"{verb:<8} {_resource(event)}")
    return list(dict.fromkeys(lines))


def failures(events: Iterable[Event]) -> list[str]:
    """A line with the reason for each resource that could not be deleted; without one, the reason of the stack."""
    last = {event["LogicalResourceId"]: event for event in events}
    failed = [event for event in last.values() if event["ResourceStatus"] == "DELETE_FAILED"]
    return [_resource(event) for event in failed if not _of_stack(event)] or [_resource(event) for event in failed]


_OUTCOMES = {"DELETE_COMPLETE": "deleted", "DELETE_FAILED": "FAILED", "DELETE_SKIPPED": "kept"}


def _resource(event: Event) -> str:
    name = event.get("PhysicalResourceId") or event["LogicalResourceId"]
    reason = event.get("ResourceStatusReason")
    return f"{event['ResourceType']} {name}{f': {reason}' if reason else ''}"


def _of_stack(event: Event) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def _begins(event: Event) -> bool:
    return _of_stack(event) and bool(event["ResourceStatus"] == "DELETE_IN_PROGRESS")


def _standing(stack: Mapping[str, Any]) -> str:
    reason = stack.get("StackStatusReason")
    return f"stack {stack['StackId']} is {stack['StackStatus']}{f': {reason}' if reason else ''}"


def _events(cloudformation: Any, stack_id: str) -> Iterator[Event]:
    """Newest first, as CloudFormation gives them; later pages are asked for only when somebody reads on."""
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        yield from page["StackEvents"]


def _pauses() -> Iterator[float]:
    """Short at first, then kind to CloudFormation, which others use too."""
    seconds = 1.0
    while True:
        yield seconds
        seconds = min(1.5 * seconds, _LONGEST_PAUSE_SECONDS)


# --- What is told ---------------------------------------------------------------------------------------------------


def advice(stack: str, failed: list[str]) -> list[str]:
    """What to do about a stack that could not be deleted."""
    return [
        "",
        f"The stack {stack} could not be deleted, because of:",
        *(f"  - {line}" for line in failed),
        "What these resources depend on is still there. Mend the reasons and run the same command again: it goes on",
        "from where it stopped.",
    ]


def settled(look: Callable[[], Found], *, say: Say, pause: Callable[[float], None]) -> Found:
    """Look until nothing is left, for a while: AWS's listings follow a deletion with a delay."""
    found = look()
    for _ in range(_LOOKS):
        if not found.left:
            break
        say(f"{len(found.left)} resources are still listed; looking again in {_PAUSE_BETWEEN_LOOKS_SECONDS:.0f} s.")
        pause(_PAUSE_BETWEEN_LOOKS_SECONDS)
        found = look()
    return found


def summary(found: Found, of: Deployment) -> list[str]:
    """What is left, what is kept on purpose, and what nobody could look at."""
    lines = ["", *_left(found, of)]
    if found.waiting_keys:
        last = max(found.waiting_keys.values())
        lines += [
            "",
            f"The deployment's own keys are in PendingDeletion, for AWS KMS deletes none at once: "
            f"{len(found.waiting_keys)}, the last one until {last:%Y-%m-%d}.",
        ]
    if found.kept_keys:
        lines += [
            "",
            "Kept on purpose, because the data of these buckets is encrypted with them and lost without them:",
            *(f"  {_kept(key)}" for key in found.kept_keys),
            f"They can be found by the tag {BUCKET_TAG}, which names the bucket, and by aliases {BUCKET_KEY_ALIAS}…:",
            "  aws resourcegroupstaggingapi get-resources --resource-type-filters kms:key "
            f"--tag-filters Key={BUCKET_TAG} --region {REGION}",
        ]
    return [
        *lines,
        "",
        "Outside of the deployment:",
        "  - The CDK's bootstrap bucket keeps the functions' zip files. What no stack uses any more goes with",
        f"    npx --prefix infrastructure cdk gc --unstable=gc aws://{of.account}/{REGION}",
        "  - Amazon SNS removes e-mail subscriptions that nobody confirmed after 48 hours.",
        "  - Amazon CloudWatch keeps the scans' metrics for 15 months; they cannot be deleted.",
    ]


def _left(found: Found, of: Deployment) -> list[str]:
    lines = []
    if found.left:
        lines += ["Left in the account:", *(f"  {resource}" for resource in found.left)]
    if found.not_checked:
        lines += [
            "Not checked, so something may be left; run the command again with these permissions:",
            *(f"  {complaint}" for complaint in found.not_checked),
        ]
    if of.flow_log_date is None:
        return [
            *(lines or ["Nothing of the deployment was found in the account."]),
            "The flow logs' log group was looked for by its tag only; with -c flowLogDate=… by its name too.",
        ]
    return lines or ["Nothing of the deployment is left in the account, neither by tag nor by name."]


def _kept(key: KeptKey) -> str:
    owner = f"bucket {key.bucket}" if key.bucket else "bucket unknown, the key's tag is gone"
    return f"{owner}: {key.arn} ({', '.join(filter(None, (key.alias, key.state)))})"
