"""The deployed system as the scenes use it: its functions, its reports bucket, and a scan that it has made."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import zstandard
from deployment import SYSTEM, Deployment, deployed
from patience import patiently

Json = dict[str, Any]


@dataclass
class System:
    """The deployed system, used with the administrator's credentials."""

    deployment: Deployment
    scan_id: str = ""
    """A complete scan that the system has made."""
    recorded: dict[str, str] = field(default_factory=dict)
    """What that scan left in `scans/<scan id>/`, by the rest of the key, but for its seal, which no copy has."""
    _clients: dict[str, Any] = field(default_factory=dict)
    _copies: dict[str, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def deployed(cls) -> Iterator[System]:
        """The system on a local AWS of its own, for as long as the block lasts, after its first scan."""
        with deployed(say=lambda _: None) as deployment:
            system = cls.with_a_scan(deployment)
            yield system

    @classmethod
    def with_a_scan(cls, deployment: Deployment) -> System:
        """Let the system scan once, with nothing repaired, and keep what it found."""
        system = cls(deployment)
        execution = system.end_of(system.start({"remediation": "off"}))
        assert execution["status"] == "SUCCEEDED", execution
        output = json.loads(execution["output"])
        assert output["status"] == "COMPLETE", output
        system.scan_id = output["scanId"]
        prefix = f"scans/{system.scan_id}/"
        for key in system.keys(prefix):
            name = key.removeprefix(prefix)
            if name not in ("manifest.json", "manifest.sig"):
                system.recorded[name] = system.read(key)
        return system

    def client(self, service: str) -> Any:
        """The administrator's client of a service."""
        if service not in self._clients:
            self._clients[service] = self.deployment.client(service)
        return self._clients[service]

    @property
    def name(self) -> str:
        """`<environment>-<suffix>`, with which all its names end."""
        return SYSTEM

    @property
    def bucket(self) -> str:
        """Name of the reports bucket."""
        return self.deployment.outputs["ReportsBucketName"]

    def role(self, owner: str) -> str:
        """Name of the role of a function, or of what else has one."""
        return f"{owner}-role-{self.name}"

    # --- Objects ----------------------------------------------------------------------------------------------------

    def read(self, key: str) -> str:
        """An object of the reports bucket as text, decompressed; empty when there is none."""
        s3 = self.client("s3")
        try:
            answer = s3.get_object(Bucket=self.bucket, Key=key)
        except s3.exceptions.NoSuchKey:
            return ""
        content: bytes = answer["Body"].read()
        if key.endswith(".zst"):
            with zstandard.ZstdDecompressor().stream_reader(content) as reader:
                content = reader.read()
        return content.decode()

    def write(self, key: str, content: str) -> None:
        """Put an object into the reports bucket, compressed where its key says so."""
        body = content.encode()
        if key.endswith(".zst"):
            body = zstandard.ZstdCompressor().compress(body)
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def remove(self, *keys: str) -> None:
        """Take objects out of the reports bucket."""
        for key in keys:
            self.client("s3").delete_object(Bucket=self.bucket, Key=key)

    def keys(self, prefix: str, part: str = "") -> list[str]:
        """The keys of the reports bucket that begin with a prefix and hold a part."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        found = [str(content["Key"]) for page in pages for content in page.get("Contents", [])]
        return [key for key in found if part in key]

    def copy_scan(self, purpose: str, changed: Mapping[str, str] | None = None) -> str:
        """The id of the copy of the recorded scan that is kept for a purpose; some of its objects may differ.

        It is made when it is first asked for.
        """
        if purpose not in self._copies:
            scan_id = self._copies[purpose] = new_scan_id()
            for key, content in {**self.recorded, **(changed or {})}.items():
                self.write(f"scans/{scan_id}/{key}", content.replace(self.scan_id, scan_id))
        return self._copies[purpose]

    # --- Executions -------------------------------------------------------------------------------------------------

    def start(self, request: Json) -> str:
        """Start an execution of the state machine; gives its ARN."""
        machine = self.deployment.outputs["StateMachineArn"]
        started = self.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(request))
        return str(started["executionArn"])

    def executions(self) -> set[str]:
        """The ARNs of all executions of the state machine."""
        pages = self.client("stepfunctions").get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=self.deployment.outputs["StateMachineArn"])
        return {execution["executionArn"] for page in found for execution in page["executions"]}

    def end_of(self, execution: str) -> Json:
        """An execution as it is described after its end."""
        states = self.client("stepfunctions")
        for _ in patiently(f"the execution {execution} did not end"):
            described: Json = states.describe_execution(executionArn=execution)
            if described["status"] != "RUNNING":
                return described
        raise AssertionError("unreachable")

    def history(self, execution: str) -> str:
        """Everything that happened in an execution until its end."""
        self.end_of(execution)
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
        return json.dumps([event for page in pages for event in page["events"]], default=str)

    def dead_letters(self) -> str:
        """Takes what waits in the dead-letter queue, with the reasons; empty when nothing does."""
        sqs = self.client("sqs")
        queue = sqs.get_queue_url(QueueName=f"dead-letters-queue-{self.name}")["QueueUrl"]
        taken = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        messages = taken.get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return json.dumps(messages) if messages else ""

    # --- Functions --------------------------------------------------------------------------------------------------

    def invoke(self, function: str, event: Json) -> str:
        """Invoke a function; gives all that it says: its answer or error, and its log."""
        name, started = f"{function}-function-{self.name}", int(time.time() * 1000)
        aws_lambda = self.client("lambda")
        try:
            answer = aws_lambda.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        except aws_lambda.exceptions.KMSAccessDeniedException as refused:
            return str(refused)
        log = self.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}", startTime=started)["events"]
        said: list[str] = [answer["Payload"].read().decode(), *(line["message"] for line in log)]
        return "\n".join(said)


def new_scan_id() -> str:
    """The id of a scan that there never was."""
    return f"20260101T000000Z-{uuid.uuid4().hex[:8]}"
