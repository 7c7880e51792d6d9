"""Messages of SNS with a form for each protocol and with attributes, and the subscriptions that pick among them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from harness import Client
from test_workflow import make_queue, receive, run, until

FORMS = json.dumps({"default": "for all others", "sqs": "for queues", "lambda": {"no": "text"}})


def attributes(kind: str, services: list[str]) -> dict[str, dict[str, str]]:
    """Write the attributes of a message."""
    return {
        "kind": {"DataType": "String", "StringValue": kind},
        "services": {"DataType": "String.Array", "StringValue": json.dumps(services)},
    }


def subscribe(client: Client, topic: str, name: str, policy: object = None) -> str:
    """Subscribe a new queue, whose messages may be picked; gives the subscription's ARN."""
    given = {} if policy is None else {"FilterPolicy": json.dumps(policy)}
    endpoint = make_queue(client, name)
    made = client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes=given)
    return str(made["SubscriptionArn"])


def test_each_protocol_gets_its_form(client: Client, name: str) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    subscribe(client, topic, name)
    sns.publish(TopicArn=topic, Message=FORMS, MessageStructure="json", Subject="s")
    sns.publish(TopicArn=topic, Message=json.dumps({"default": "d", "sqs": 7}), MessageStructure="json")
    got = until(lambda: receive(client, name)) + until(lambda: receive(client, name))
    assert [message["Message"] for message in got] == ["for queues", "d"], "a form that is no text is ignored"


def test_an_e_mail_arrives_where_a_test_can_read_it(client: Client, name: str) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    make_queue(client, name)
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"{name}@mailbox.local")
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"] == "1"
    for more in ({"Message": "a text"}, {"Message": FORMS, "MessageStructure": "json"}):
        sns.publish(TopicArn=topic, Subject="s", **more)
    got: list[dict[str, Any]] = []
    while messages := receive(client, name):
        got += messages
    assert [(mail["Subject"], mail["Message"]) for mail in got] == [("s", "a text"), ("s", "for all others")]


@pytest.mark.parametrize(
    "asked",
    [
        {"Message": "no JSON", "MessageStructure": "json"},
        {"Message": "[]", "MessageStructure": "json"},
        {"Message": '{"sqs": "m"}', "MessageStructure": "json"},
        {"Message": '{"default": {}}', "MessageStructure": "json"},
        {"Message": FORMS, "MessageStructure": "yaml"},
        {"Message": "m", "Subject": "s" * 100},
        {"Message": "m", "Subject": "two\nlines"},
        {"Message": "m", "Subject": "ünicode"},
    ],
)
def test_malformed_messages_are_refused(client: Client, name: str, asked: dict[str, str]) -> None:
    topic = client("sns").create_topic(Name=name)["TopicArn"]
    with pytest.raises(ClientError) as refused:
        client("sns").publish(TopicArn=topic, **asked)
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"


def test_attributes_are_delivered_with_a_text_and_not_with_forms(client: Client, name: str) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    subscribe(client, topic, name)
    sent = attributes("violations", ["s3"])
    sns.publish(TopicArn=topic, Message="m", MessageAttributes=sent)
    (message,) = until(lambda: receive(client, name))
    assert message["MessageAttributes"]["kind"] == {"Type": "String", "Value": "violations"}
    sns.publish(TopicArn=topic, Message=FORMS, MessageStructure="json", MessageAttributes=sent)
    (message,) = until(lambda: receive(client, name))
    assert "MessageAttributes" not in message


@pytest.mark.parametrize(
    ("policy", "taken"),
    [
        ({"kind": ["violations", "failure"]}, ["violations of s3 and vpc"]),
        ({"kind": [{"anything-but": ["reminder"]}]}, ["violations of s3 and vpc"]),
        ({"services": ["vpc"]}, ["violations of s3 and vpc"]),
        ({"services": ["s3"]}, ["violations of s3 and vpc", "reminder of s3"]),
        ({"kind": ["reminder"], "services": ["vpc"]}, []),
        # What a message does not say a policy does not accept.
        ({"severity": ["CRITICAL"]}, []),
    ],
)
def test_a_subscription_takes_what_its_filter_policy_accepts(
    client: Client, name: str, policy: object, taken: list[str]
) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    subscribe(client, topic, name, policy)
    for text, sent in [
        ("violations of s3 and vpc", attributes("violations", ["s3", "vpc"])),
        ("reminder of s3", attributes("reminder", ["s3"])),
    ]:
        forms = json.dumps({"default": text})
        sns.publish(TopicArn=topic, Message=forms, MessageStructure="json", MessageAttributes=sent)
    got: list[str] = []
    while messages := receive(client, name):
        got += [message["Message"] for message in messages]
    assert got == taken


@pytest.mark.parametrize(
    "policy",
    [
        "no JSON",
        "[]",
        json.dumps({"kind": "violations"}),
        json.dumps({name: ["x"] for name in "abcdef"}),
        json.dumps({"a": list(range(16)), "b": list(range(10))}),
    ],
)
def test_filter_policies_have_limits(client: Client, name: str, policy: str) -> None:
    sns = client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    with pytest.raises(ClientError):
        sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=make_queue(client, name), Attributes={"FilterPolicy": policy}
        )
    subscription = subscribe(client, topic, f"{name}-2")
    with pytest.raises(ClientError):
        sns.set_subscription_attributes(
            SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue=policy
        )


def test_a_machine_gives_attributes(client: Client, machine: Callable[..., str], name: str) -> None:
    topic = client("sns").create_topic(Name=name)["TopicArn"]
    subscribe(client, topic, name, {"services": ["lambda"]})
    given: dict[str, Any] = {
        "kind": {"DataType": "String", "StringValue": "failure"},
        "services": {"DataType": "String.Array", "StringValue": "{% $string($states.input.services) %}"},
    }
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"TopicArn": topic, "Message": "m", "MessageAttributes": given},
        "End": True,
    }
    publishing = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    arn = machine({"StartAt": "It", "States": {"It": task}}, publishing)
    run(client, arn, {"services": ["s3"]})
    run(client, arn, {"services": ["s3", "lambda"]})
    (message,) = until(lambda: receive(client, name))
    assert message["MessageAttributes"]["services"] == {"Type": "String.Array", "Value": '["s3","lambda"]'}
    assert receive(client, name) == []
