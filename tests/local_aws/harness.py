"""What the tests of this folder share: clients, policy documents, functions."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from local_aws import ACCOUNT_ID, REGION, LocalAws

Client = Callable[[str], Any]
Template = dict[str, Any]
"""The resources of a CloudFormation template, or one of them."""
Deploy = Callable[[Template], dict[str, str]]
"""Deploys the test's stack; gives the physical ids by logical id."""

# Where an endpoint is named, boto3 asks for a session with a directory bucket also where AWS needs none.
_S3 = {"addressing_style": "path", "disable_s3_express_session_auth": True}
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1}, s3=_S3)


def connect(aws: LocalAws, service: str, key: dict[str, str]) -> Any:
    """Make a client of one service with the given credentials."""
    made = boto3.client(
        service,
        endpoint_url=aws.endpoint,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key.get("SessionToken"),
        config=ONE_ATTEMPT,
    )
    if service == "s3control":
        made.meta.events.register("before-sign.s3-control", leave_account_out_of_host)
    return made


def leave_account_out_of_host(request: Any, **_: Any) -> None:
    """S3 Control puts the account id before the host name, which has no address on loopback."""
    request.url = request.url.replace(f"//{ACCOUNT_ID}.", "//")


def document(*statements: dict[str, Any]) -> str:
    """Write an IAM policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def resource(kind: str, **properties: Any) -> Template:
    """Write a resource for a CloudFormation template."""
    return {"Type": kind, "Properties": properties}


def package(file: str, source: str) -> bytes:
    """Make a deployment package of one executable file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        entry = zipfile.ZipInfo(file)
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, source)
    return content.getvalue()


def make_function(client: Client, name: str, source: str, *, custom: bool = False, **more: Any) -> str:
    """Make a function of this Python source, which a custom runtime runs as a script; gives its ARN."""
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = client("iam").create_role(RoleName=f"{name}-function", AssumeRolePolicyDocument=document(trusted))
    made = client("lambda").create_function(
        FunctionName=name,
        Runtime="provided.al2023" if custom else "python3.12",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": package("bootstrap" if custom else "index.py", source)},
        **more,
    )
    return str(made["FunctionArn"])


def make_role(client: Client, name: str, service: str, *statements: dict[str, Any]) -> str:
    """Make a role of a service that may do what the statements say; gives its ARN."""
    iam = client("iam")
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trusted))["Role"]
    if statements:
        policy = iam.create_policy(PolicyName=name, PolicyDocument=document(*statements))
        iam.attach_role_policy(RoleName=name, PolicyArn=policy["Policy"]["Arn"])
    return str(role["Arn"])


# A custom runtime in a few lines: answers every invocation with its environment.
BOOTSTRAP = """#!/usr/bin/env python3
import json, os, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as event:
        request = event.headers["Lambda-Runtime-Aws-Request-Id"]
    body = json.dumps({**os.environ, "pid": os.getpid()}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{api}/{request}/response", body))
"""
