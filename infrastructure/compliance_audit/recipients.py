"""Who of those that the settings name gets the alerts.

A recipient confirms a subscription by a link in an e-mail from AWS. Amazon SNS drops what nobody confirms for 48 hours,
and CloudFormation does not notice: https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compliance_audit.names import Names
from compliance_audit.settings import REGION

TOPIC = "compliance-alerts"
"""What the topic is called, without the rest of its name."""

ACTIONS = frozenset({"sns:ListSubscriptionsByTopic"})
"""The IAM actions that the command's caller needs."""

_PENDING = "PendingConfirmation"
"""What a subscription has for an ARN until it is confirmed: https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html"""


def topic_arn(names: Names, account: str) -> str:
    """The ARN of the alerts topic of a deployment."""
    return f"arn:aws:sns:{REGION}:{account}:{names.of(TOPIC, 'topic')}"


def read_subscriptions(sns: Any, topic: str) -> dict[str, bool]:
    """Whether each subscriber of a topic has confirmed, by endpoint.

    Raises boto3's errors when not all of them could be listed.
    """
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    confirmed: dict[str, bool] = {}
    for page in pages:
        for subscription in page["Subscriptions"]:
            endpoint = subscription["Endpoint"]
            # Whoever has subscribed twice gets the alerts by the one that is confirmed.
            confirmed[endpoint] = confirmed.get(endpoint, False) or subscription["SubscriptionArn"] != _PENDING
    return confirmed


def told(topic: str, addresses: Iterable[str], confirmed: Mapping[str, bool]) -> Iterator[str]:
    """Who of the addresses does not get the alerts, and what to do; then how many do get them."""
    for address in addresses:
        if address not in confirmed:
            yield f"{address} is not subscribed: Amazon SNS has dropped the request, or somebody has unsubscribed."
            yield (
                f"  aws sns subscribe --region {REGION} --topic-arn {topic} --protocol email "
                f"--notification-endpoint {address}"
            )
        elif not confirmed[address]:
            yield f"{address} has not confirmed: the link is in an e-mail from AWS, and holds for 48 hours."
    reached = sum(confirmed.values())
    yield f"{reached} of {len(confirmed)} subscriptions are confirmed." if reached else "NOBODY GETS THE ALERTS."
