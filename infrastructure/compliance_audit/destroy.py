"""Takes a deployment down without synthesizing it: CloudFormation knows what belongs to the stack.

In this order, which `teardown.py` fixes: the state machine and its triggers, then the emptying of the reports bucket,
then the bucket, the functions and the network. When the emptying fails, all that it depends on is still there, and
the next deletion goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from compliance_audit.leftovers import BUCKET_ALIAS, BUCKET_TAG, ClientFactory, Deployment, Found, KeptKey, look
from compliance_audit.names import Names
from compliance_audit.settings import REGION, Settings

Say = Callable[[str], None]
Event = Mapping[str, Any]

# Functions in a VPC take up to tens of minutes, and CloudFormation ends every deletion by itself: nothing is cut short.
_LONGEST_PAUSE_SECONDS = 15.0

# The index of tags follows a deletion with a delay that AWS does not tell.
_LOOKS = 15
_PAUSE_BETWEEN_LOOKS_SECONDS = 20.0

# A deletion has no use for them, and the check of the settings asks for all.
_NOT_NEEDED: Mapping[str, object] = {
    "owner": "anyone",
    "costCenter": "any",
    "complianceLevel": "any",
    "alertEmails": "anyone@example.com",
    "flowLogDate": "2000-01-01",
    "zoneCount": 2,
    "mapConcurrency": 1,
    "reservedConcurrency": "none",
    "architecture": "x86_64",
}
_NEEDED = ("environment", "environmentSuffix")


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
        given = {key: context[key] for key in (*_NEEDED, "flowLogDate") if key in context}
        settings = Settings.from_context({**_NOT_NEEDED, **given})
        return cls(names=settings.names, flow_log_date=settings.flow_log_date if "flowLogDate" in given else None)


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
    stack_id = _stack_id(cloudformation, stack)
    if stack_id is None:
        say(f"There is no stack {stack} in {where}.")
        found = look(client, deployment)
        _say_all(summary(found, deployment), say)
        return found.clean
    bucket = target.names.bucket("compliance-audit-reports", account)
    say(f"This deletes the stack {stack} in {where},")
    say(f"with everything in it: also the bucket {bucket} with every scan and report, all versions of them.")
    if not confirmed(stack):
        say("Nothing was deleted.")
        return False
    say("Deleting. AWS takes up to tens of minutes to give back the network interfaces of functions in a VPC.")
    failed = delete_stack(cloudformation, stack_id, say=say, pause=pause)
    if failed:
        _say_all(advice(stack, failed), say)
        return False
    say(f"The stack {stack} is deleted.")
    found = settled(lambda: look(client, deployment), say=say, pause=pause)
    _say_all(summary(found, deployment), say)
    return found.clean


def _say_all(lines: Iterable[str], say: Say) -> None:
    for line in lines:
        say(line)


# --- The stack ------------------------------------------------------------------------------------------------------


def delete_stack(cloudformation: Any, stack_id: str, *, say: Say, pause: Callable[[float], None]) -> list[str]:
    """Delete a stack, or join a deletion that is under way, and tell what becomes of its resources.

    Answers when CloudFormation is done, with one line for each resource that it could not delete.
    """
    before = ""
    if _status(cloudformation, stack_id) != "DELETE_IN_PROGRESS":
        before = next(_events(cloudformation, stack_id))["EventId"]
        cloudformation.delete_stack(StackName=stack_id)
    told = 0
    for seconds in _pauses():
        pause(seconds)
        events = operation(_events(cloudformation, stack_id), before)
        lines = outcomes(events)
        for line in lines[told:]:
            say(line)
        told = len(lines)
        ended = [event for event in events if _of_stack(event) and event["ResourceStatus"] in _ENDS]
        if ended:
            failed = ended[0]["ResourceStatus"] == "DELETE_FAILED"
            return failures(events) if failed else []
    raise AssertionError("unreachable")


def operation(newest_first: Iterable[Event], before: str) -> list[Event]:
    """The events of the deletion, oldest first.

    They begin with the stack's own and come after the event `before`, which is empty for a deletion that was under way.
    """
    events: list[Event] = []
    for event in newest_first:
        if event["EventId"] == before:
            return []
        events.append(event)
        if _of_stack(event) and event["ResourceStatus"] == "DELETE_IN_PROGRESS":
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


_ENDS = ("DELETE_COMPLETE", "DELETE_FAILED")
_OUTCOMES = {"DELETE_COMPLETE": "deleted", "DELETE_FAILED": "FAILED", "DELETE_SKIPPED": "kept"}


def _resource(event: Event) -> str:
    name = event.get("PhysicalResourceId") or event["LogicalResourceId"]
    reason = event.get("ResourceStatusReason")
    return f"{event['ResourceType']} {name}{f': {reason}' if reason else ''}"


def _of_stack(event: Event) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def _events(cloudformation: Any, stack_id: str) -> Iterator[Event]:
    """Newest first, as CloudFormation gives them; later pages are asked for only when somebody reads on."""
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        yield from page["StackEvents"]


def _status(cloudformation: Any, stack: str) -> str:
    status: str = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    return status


def _stack_id(cloudformation: Any, stack: str) -> str | None:
    """The id, by which a stack is found also after its deletion; None when there is no stack of that name."""
    try:
        stack_id: str = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    except ClientError as error:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return stack_id


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
    lines = ["", *_left(found)]
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
            f"They can be found by the tag {BUCKET_TAG}, which names the bucket, and by aliases {BUCKET_ALIAS}…:",
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


def _left(found: Found) -> list[str]:
    lines = []
    if found.left:
        lines += ["Left in the account:", *(f"  {resource}" for resource in found.left)]
    if found.not_checked:
        lines += [
            "Not checked, so something may be left; run the command again with these permissions:",
            *(f"  {complaint}" for complaint in found.not_checked),
        ]
    return lines or ["Nothing of the deployment is left in the account, neither by tag nor by name."]


def _kept(key: KeptKey) -> str:
    owner = f"bucket {key.bucket}" if key.bucket else "bucket unknown, the key's tag is gone"
    return f"{owner}: {key.arn} ({', '.join(filter(None, (key.alias, key.state)))})"
