"""EventBridge Pipes: from a queue to a state machine, in batches."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from patching import ministack, replaces
from roles import denial

Pipe = dict[str, Any]
Record = dict[str, Any]
Properties = dict[str, Any]
Made = tuple[str, Properties]

pipes = ministack("services.pipes")
sqs = ministack("services.sqs")
stepfunctions = ministack("services.stepfunctions")
responses = ministack("core.responses")

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
LARGEST_INPUT = 262_144

_PARAMETERS = ("SourceParameters", "TargetParameters")
_GATHERING = "gathering"

# A pipe is not polled before its parameters are kept.
_polling = threading.Lock()


@replaces("services.pipes", "_create_pipe")
def a_pipe_keeps_its_parameters(original: Callable[..., Any], name: str, body: Properties) -> Any:
    """https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_CreatePipe.html"""
    with _polling:
        answer = original(name, body)
        _keep(name, body)
    return answer


@replaces("services.pipes", "_describe_response")
def a_pipe_tells_its_parameters(original: Callable[..., Properties], pipe: Pipe) -> Properties:
    """https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_DescribePipe.html"""
    return {**original(pipe), **{name: pipe[name] for name in _PARAMETERS if name in pipe}}


@replaces("services.cloudformation.provisioners", "_pipes_pipe_create")
def create_pipe(original: Callable[..., Made], logical_id: str, props: Properties, stack: str) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-pipes-pipe.html"""
    with _polling:
        made = original(logical_id, props, stack)
        _keep(made[0], props)
    return made


@replaces("services.cloudformation.provisioners", "_pipes_pipe_update")
def update_pipe(
    original: Callable[..., Made], physical_id: str, old_props: Properties, new_props: Properties, *more: Any
) -> Made:
    """An update changes the parameters too."""
    made = original(physical_id, old_props, new_props, *more)
    _keep(made[0], new_props)
    return made


def _keep(name: str, given: Properties) -> None:
    pipe = pipes._pipes.get(name)
    if pipe is not None:
        pipe.update({parameter: given[parameter] for parameter in _PARAMETERS if given.get(parameter)})


@replaces("services.pipes", "_poll_pipe")
def a_queue_is_a_source(original: Callable[..., None], streams: Any, pipe: Pipe, account: str) -> None:
    """A batch is complete when it has as many messages as asked for, or when the window is over since its first.

    Messages of a batch that reached the target are deleted; the others come again when their visibility timeout is
    over, and go to the queue's dead-letter queue after as many receives as that allows.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html
    """
    if pipes._arn_service(pipe.get("Source", "")) != "sqs":
        original(streams, pipe, account)
        return
    with _polling:
        _poll(pipe)


def _poll(pipe: Pipe) -> None:
    queue = sqs._queue_by_arn(pipe["Source"])
    if pipe.get("CurrentState") != "RUNNING" or queue is None or _refused(pipe, queue):
        return
    asked = (pipe.get("SourceParameters") or {}).get("SqsQueueParameters") or {}
    size, window = int(asked.get("BatchSize", 10)), int(asked.get("MaximumBatchingWindowInSeconds", 0))
    url = sqs._queue_url(pipe["Source"].rpartition(":")[2])
    gathered: list[dict[str, Any]] = pipe.setdefault(_GATHERING, [])
    while True:
        while len(gathered) < size:
            received = sqs._receive_messages_for_esm(url, min(10, size - len(gathered)))
            if not received:
                break
            gathered += [{**message, "gathered": time.time()} for message in received]
        if not gathered or (len(gathered) < size and time.time() < gathered[0]["gathered"] + window):
            return
        batch = gathered[:]
        gathered.clear()
        if _delivered(pipe, batch):
            sqs._delete_messages_for_esm(url, {message["receipt_handle"] for message in batch})


def _refused(pipe: Pipe, queue: dict[str, Any]) -> bool:
    """Whether the pipe's role may not take messages.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-permissions.html, and for the key
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    needed = [(f"sqs:{action}", pipe["Source"]) for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")]
    key = queue["attributes"].get("KmsMasterKeyId")
    if key:
        needed.append(("kms:Decrypt", key if key.startswith("arn:") else _key_arn(key)))
    for action, resource in needed:
        refusal = denial(pipe.get("RoleArn", ""), "pipes", action, resource)
        if refusal:
            pipe["StateReason"] = refusal
            return True
    return False


def _key_arn(key: str) -> str:
    return f"arn:aws:kms:{responses.get_region()}:{responses.get_account_id()}:key/{key}"


def _delivered(pipe: Pipe, batch: list[dict[str, Any]]) -> bool:
    """Start one execution with the batch as a list, each message transformed by itself.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html
    """
    machine = pipe["Target"]
    refusal = denial(pipe.get("RoleArn", ""), "pipes", "states:StartExecution", machine)
    if refusal:
        pipe["StateReason"] = refusal
        return False
    template = (pipe.get("TargetParameters") or {}).get("InputTemplate")
    records = [_record(pipe["Source"], message) for message in batch]
    items = [_transformed(template, record) for record in records] if template else records
    text = json.dumps(items)
    if len(text.encode()) > LARGEST_INPUT:
        pipe["StateReason"] = f"the input of the execution has {len(text.encode())} bytes, and may have {LARGEST_INPUT}"
        return False
    status, _, body = stepfunctions._start_execution({"stateMachineArn": machine, "input": text})
    if status >= 400:
        pipe["StateReason"] = f"StartExecution answered {status}: {body!r}"
    return bool(status < 400)


def _record(queue: str, message: dict[str, Any]) -> Record:
    return {
        "messageId": message["id"],
        "receiptHandle": message["receipt_handle"],
        "body": message["body"],
        "attributes": {
            "ApproximateReceiveCount": str(message["receive_count"]),
            "ApproximateFirstReceiveTimestamp": str(int(message["first_receive_at"] * 1000)),
            **message.get("sys", {}),
        },
        "messageAttributes": message.get("message_attributes") or {},
        "md5OfBody": message["md5_body"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue,
        "awsRegion": responses.get_region(),
    }


def _transformed(template: str, record: Record) -> Any:
    """Fill in a template; a body that is JSON counts as what it says, and a path that leads nowhere as nothing.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html
    """
    try:
        seen = {**record, "body": json.loads(record["body"])}
    except ValueError:
        seen = record
    whole = re.fullmatch(r"<\$((?:\.[\w-]+|\[\d+\])+)>", template)
    if whole:
        return at(seen, whole[1])
    paths = re.findall(r"<(\$[^<>]+)>", template)
    values = {path: "" if (value := at(seen, path[1:])) is None else value for path in paths}
    text = ministack("services.eventbridge")._render_input_template(template, values)
    try:
        return json.loads(text)
    except ValueError:
        return text


def at(value: Any, path: str) -> Any:
    """What stands at a path of names and indices, for instance `.detail.items[0]`; None for nothing."""
    for step in _steps(path):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _steps(path: str) -> Iterator[str | int]:
    for name, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path):
        yield int(index) if index else name
