"""The auditor, deployed by the real `cdk deploy` on a local AWS of its own, beside the sample account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import sample_account
from botocore.config import Config
from local_aws import ACCOUNT_ID, REGION, LocalAws

ROOT = Path(__file__).resolve().parents[2]
INFRASTRUCTURE = ROOT / "infrastructure"

ENVIRONMENT = "demo"
SUFFIX = "local"
SYSTEM = f"{ENVIRONMENT}-{SUFFIX}"
STACK = f"compliance-audit-stack-{SYSTEM}"
SETTINGS = {
    "environment": ENVIRONMENT,
    "environmentSuffix": SUFFIX,
    "owner": "platform-team",
    "costCenter": "cc-1001",
    "complianceLevel": "high",
    "alertEmails": "compliance@example.com",
    "flowLogDate": "2026-11-23",
    "s3ExpressPrefixList": "pl-0123456789abcdef0",
    # A small account has one shard of each service, which then gets the whole request budget.
    "mapConcurrency": "1",
    # The sample account has a trail.
    "cloudTrail": "true",
}

WAITS = 0.02
"""The part of what the state machine waits between retries that is waited here: an hour is 72 seconds."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Deployment:
    """The deployed auditor."""

    aws: LocalAws
    outputs: dict[str, str]
    """The stack's outputs, by name."""
    mailbox: str
    """URL of a queue that is subscribed to the alerts topic as a person's mailbox would be."""

    def client(self, service: str) -> Any:
        """A client of the local AWS with the administrator's credentials."""
        return client(self.aws, service)


def client(aws: LocalAws, service: str) -> Any:
    """A client of the local AWS with the administrator's credentials."""
    settings = aws.environment()
    return boto3.client(
        service,
        endpoint_url=aws.endpoint,
        region_name=REGION,
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 3}),
    )


@contextmanager
def deployed(say: Say) -> Iterator[Deployment]:
    """Start a local AWS, deploy the auditor, make the sample account; the local AWS ends with the block."""
    with LocalAws.start() as aws:
        say(f"the local AWS listens on {aws.endpoint}")
        aws.shorten_waits(WAITS)
        bootstrap(aws)
        say("bootstrapped for the AWS CDK")
        outputs = deploy(aws)
        say(f"deployed the stack {STACK}")
        mailbox = _subscribe_mailbox(aws, outputs["AlertsTopicArn"])
        stacks = sample_account.create(lambda service: client(aws, service))
        say(f"made the sample account from {len(stacks)} templates")
        yield Deployment(aws=aws, outputs=outputs, mailbox=mailbox)


def bootstrap(aws: LocalAws) -> None:
    """Prepare the account for the CDK, which is done once."""
    # Outside of the app's folder, so that nothing is synthesized.
    with _folder() as folder:
        _cdk(aws, ["bootstrap", f"aws://{ACCOUNT_ID}/{REGION}"], folder)


def deploy(aws: LocalAws) -> dict[str, str]:
    """Deploy the auditor; gives the stack's outputs, by name."""
    with _folder() as folder:
        outputs = folder / "outputs.json"
        files = [f"--outputs-file={outputs}", f"--output={folder / 'cdk.out'}"]
        _cdk(aws, ["deploy", STACK, "--require-approval=never", *_context(SETTINGS), *files], INFRASTRUCTURE)
        stacks: dict[str, dict[str, str]] = json.loads(outputs.read_text())
        return stacks[STACK]


def destroy(settings: dict[str, str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command that takes the auditor down; what it prints is on its standard output, complaints included."""
    return subprocess.run(
        [sys.executable, str(INFRASTRUCTURE / "destroy.py"), "--yes", *_context(settings)],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="compliance-audit-") as folder:
        yield Path(folder)


def _context(settings: dict[str, str]) -> list[str]:
    return [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]


def _cdk(aws: LocalAws, arguments: list[str], folder: Path) -> None:
    """Run the CDK's command line; its output is shown only when it fails."""
    command = ["cdk", *arguments, "--no-notices", "--progress=events"]
    ran = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | aws.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if ran.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` ended with code {ran.returncode}:\n{ran.stdout}\n{ran.stderr}")


def _subscribe_mailbox(aws: LocalAws, topic: str) -> str:
    sqs = client(aws, "sqs")
    url: str = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    admission = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [admission]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    client(aws, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url
