"""The real state machine on a local AWS, with stand-ins for its functions."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws import LocalAws

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = ROOT / "statemachine" / "compliance-audit.asl.json"
CONTRACTS = ROOT / "tests" / "contracts"
PATIENCE_SECONDS = 60
WAITS = 0.002
"""The part of what the definition waits between retries that is waited here: an hour is 7 seconds."""

Json = dict[str, Any]


def definition() -> Json:
    """The definition as it is stored, substitutions and all."""
    parsed: Json = json.loads(DEFINITION.read_text())
    return parsed


def function_names() -> list[str]:
    """What the definition calls functions, from its substitutions: `PlanScan`, `ListTargets`, …"""
    return sorted(set(re.findall(r"\$\{(\w+)FunctionArn\}", DEFINITION.read_text())))


def contract(name: str) -> Any:
    """A payload that the functions and the state machine agreed upon."""
    return json.loads((CONTRACTS / f"{name}.json").read_text())


def changed(name: str, **fields: Any) -> Json:
    """An answer: a contract's example with other values."""
    return {"output": contract(name) | fields}


@dataclass(frozen=True)
class Ended:
    """An execution that ended."""

    status: str
    entered: list[str]
    """The states in the order in which they were entered."""
    output: Any
    error: str
    cause: str
    events: list[Json] = field(repr=False)


@dataclass(frozen=True)
class Machine:
    """The deployed state machine."""

    aws: LocalAws
    states: Any
    functions: Any
    sns: Any
    sqs: Any
    arn: str
    topic: str
    scripts: Path
    mailbox: str

    def script(self, **answers: list[Json]) -> None:
        """Tell the stand-ins what to answer; who is not named answers as the contract's example does."""
        for name in function_names():
            given = answers.get(name, []) + happy_answers(name)
            (self.scripts / f"{name}.json").write_text(json.dumps(given))
            (self.scripts / f"{name}.asked.jsonl").write_text("")

    def asked(self, name: str) -> list[Json]:
        """What a stand-in was asked since the last script."""
        lines = (self.scripts / f"{name}.asked.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def run(self, given: Json | None = None) -> Ended:
        """Run one execution to its end."""
        return self.end_of(self.start(given))

    def start(self, given: Json | None = None) -> str:
        """Start an execution, and answer with its ARN."""
        started = self.states.start_execution(stateMachineArn=self.arn, input=json.dumps(given or {}))
        return str(started["executionArn"])

    def end_of(self, arn: str) -> Ended:
        """Wait for an execution's end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (execution := self.states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"the execution did not end in {PATIENCE_SECONDS} seconds"
            time.sleep(0.05)
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        return Ended(
            status=execution["status"],
            entered=[e["stateEnteredEventDetails"]["name"] for e in events if e["type"].endswith("StateEntered")],
            output=json.loads(execution.get("output") or "null"),
            error=execution.get("error", ""),
            cause=execution.get("cause", ""),
            events=events,
        )

    def take_messages(self) -> list[Json]:
        """Take the messages that were published since the last look."""
        taken = []
        while messages := self.sqs.receive_message(QueueUrl=self.mailbox, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                taken.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.mailbox, ReceiptHandle=message["ReceiptHandle"])
        return taken


def picked_by(message: Json) -> tuple[str, str, list[str]]:
    """By what a subscription's filter policy picks a message: its kind, its severity, and the services it is about."""
    attributes = message["MessageAttributes"]
    types = {name: attribute["Type"] for name, attribute in attributes.items()}
    assert types == {"kind": "String", "severity": "String", "services": "String.Array"}
    kind, severity, services = (attributes[name]["Value"] for name in ("kind", "severity", "services"))
    return kind, severity, json.loads(services)


def happy_answers(name: str) -> list[Json]:
    """What a function answers when all goes well, from the contracts."""
    if name == "ListTargets":
        return [{"when": {"service": s}, "output": contract("list-targets.output") | {"service": s}} for s in SERVICES]
    return [{"output": contract(f"{OUTPUTS[name]}.output")}]


SERVICES = ("s3", "vpc", "lambda")
OUTPUTS = {
    "PlanScan": "plan-scan",
    "ScanS3": "scan-shard",
    "ScanVpc": "scan-shard",
    "ScanLambda": "scan-shard",
    "AggregateFindings": "aggregate-findings",
    "RemediateS3Encryption": "remediate-s3-encryption",
    "RollbackS3Encryption": "rollback-s3-encryption",
    "WriteJsonReport": "write-json-report",
    "WriteCsvReport": "write-csv-report",
    "WriteHtmlReport": "write-html-report",
    "PublishMetrics": "publish-metrics",
    "NotifyCritical": "notify-critical",
    "SealEvidence": "seal-evidence",
}


def deploy(aws: LocalAws, client: Any, scripts: Path) -> Machine:
    """Make the stand-ins, the topic with a mailbox, and the state machine; `client` makes clients by service."""
    aws.shorten_waits(WAITS)
    role = _role(client)
    topic = client("sns").create_topic(Name="alerts")["TopicArn"]
    sqs = client("sqs")
    mailbox = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=mailbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    admission = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [admission]})
    sqs.set_queue_attributes(QueueUrl=mailbox, Attributes={"Policy": policy})
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    substitutions = {
        "AlertsTopicArn": topic,
        "MapConcurrency": "2",
        "SystemName": "test-local",
    } | {f"{name}FunctionArn": _stand_in(client, name, role, scripts) for name in function_names()}
    text = re.sub(r"\$\{(\w+)\}", lambda found: substitutions[found[1]], DEFINITION.read_text())
    states = client("stepfunctions")
    arn = states.create_state_machine(name="compliance-audit", definition=text, roleArn=role)["stateMachineArn"]
    return Machine(
        aws=aws,
        states=states,
        functions=client("lambda"),
        sns=client("sns"),
        sqs=sqs,
        arn=arn,
        topic=topic,
        scripts=scripts,
        mailbox=mailbox,
    )


def _role(client: Any) -> str:
    iam = client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": ["states.amazonaws.com", "lambda.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }
    arn: str = iam.create_role(
        RoleName="machine", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": ["lambda:InvokeFunction", "sns:Publish"], "Resource": "*"}
    policy = iam.create_policy(
        PolicyName="machine", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    iam.attach_role_policy(RoleName="machine", PolicyArn=policy["Policy"]["Arn"])
    return arn


def _stand_in(client: Any, name: str, role: str, scripts: Path) -> str:
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        archive.writestr(bootstrap, (Path(__file__).parent / "stand_in.py").read_text())
    arn: str = client("lambda").create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=role,
        Code={"ZipFile": bundle.getvalue()},
        Environment={"Variables": {"SCRIPTS": str(scripts)}},
    )["FunctionArn"]
    return arn
