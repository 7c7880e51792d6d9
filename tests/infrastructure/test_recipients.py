"""What is told of those who should get the alerts."""

from __future__ import annotations

import os
import subprocess
import sys

import boto3
import pytest
from botocore.stub import Stubber
from compliance_audit.recipients import read_subscriptions, told, topic_arn
from synthesis import CHOSEN, ROOT, Json, named, settings

TOPIC = "arn:aws:sns:us-east-1:123456789012:compliance-alerts-topic-dev-pr42"
ADDRESSES = ("compliance@example.com", "security@example.com")


def subscription(endpoint: str, arn: str = f"{TOPIC}:1") -> Json:
    """https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html"""
    return {"Endpoint": endpoint, "SubscriptionArn": arn, "TopicArn": TOPIC, "Protocol": "email"}


def test_the_topic_is_that_of_the_stack() -> None:
    name = topic_arn(settings().names, "123456789012").rpartition(":")[2]
    assert named("AWS::SNS::Topic", "TopicName").keys() == {name}
    assert topic_arn(settings().names, "123456789012") == TOPIC


def test_all_subscriptions_are_read_and_those_that_nobody_confirmed_told_apart() -> None:
    """A pending one has "PendingConfirmation" for an ARN: https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html"""
    sns = boto3.client("sns", region_name="us-east-1", aws_access_key_id="nobody", aws_secret_access_key="nothing")
    pages = [
        ({"TopicArn": TOPIC}, {"Subscriptions": [subscription("a"), subscription("b", "PendingConfirmation")]}),
        (
            {"TopicArn": TOPIC, "NextToken": "more"},
            {"Subscriptions": [subscription("b"), subscription("a", "PendingConfirmation"), subscription("c")]},
        ),
        ({"TopicArn": TOPIC, "NextToken": "rest"}, {"Subscriptions": [subscription("d", "PendingConfirmation")]}),
    ]
    with Stubber(sns) as stub:
        for (asked, answer), more in zip(pages, ("more", "rest", None), strict=True):
            stub.add_response("list_subscriptions_by_topic", {**answer, **({"NextToken": more} if more else {})}, asked)
        assert read_subscriptions(sns, TOPIC) == {"a": True, "b": True, "c": True, "d": False}
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("confirmed", "lines"),
    [
        ({ADDRESSES[0]: True, ADDRESSES[1]: True}, ["2 of 2 subscriptions are confirmed"]),
        ({ADDRESSES[0]: True, ADDRESSES[1]: True, "arn:q": True}, ["3 of 3 subscriptions are confirmed"]),
        (
            {ADDRESSES[0]: True, ADDRESSES[1]: False},
            [f"{ADDRESSES[1]} has not confirmed: ", "1 of 2 subscriptions are confirmed"],
        ),
        (
            {ADDRESSES[0]: True},
            [
                f"{ADDRESSES[1]} is not subscribed: ",
                f"--topic-arn {TOPIC} --protocol email --notification-endpoint {ADDRESSES[1]}",
                "1 of 1 subscriptions are confirmed",
            ],
        ),
        (
            {ADDRESSES[0]: False, ADDRESSES[1]: False},
            [f"{ADDRESSES[0]} has not", f"{ADDRESSES[1]} has not", "NOBODY GETS THE ALERTS"],
        ),
        ({}, ["is not subscribed", "aws sns subscribe", "is not subscribed", "aws sns subscribe", "NOBODY"]),
    ],
)
def test_whoever_does_not_get_the_alerts_is_named(confirmed: dict[str, bool], lines: list[str]) -> None:
    found = list(told(TOPIC, ADDRESSES, confirmed))
    assert len(found) == len(lines)
    assert all(part in line for part, line in zip(lines, found, strict=True))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([f"-c={key}={value}" for key, value in CHOSEN.items()], 0, "could not be read: Unable to locate credentials"),
        ([], 2, "environment is missing"),
    ],
)
def test_a_deployment_does_not_fail_for_what_could_not_be_told(arguments: list[str], code: int, said: str) -> None:
    ran = subprocess.run(
        [sys.executable, str(ROOT / "infrastructure" / "recipients.py"), *arguments],
        env={
            "PATH": os.environ["PATH"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        },
        capture_output=True,
        text=True,
    )
    assert ran.returncode == code, ran.stderr
    assert said in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_deployment_ends_with_it() -> None:
    deploy = (ROOT / "Makefile").read_text().partition("\ndeploy:")[2].partition("\n\n")[0]
    assert deploy.strip().splitlines()[-1].strip() == "$(MAKE) --no-print-directory recipients"
