"""SNS: an e-mail address has to confirm its subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

sns = ministack("services.sns")

BY_E_MAIL = ("email", "email-json")


@replaces("services.sns", "_subscribe")
def an_address_confirms_first(original: Callable[..., Any], params: dict[str, Any]) -> Any:
    """A subscription by e-mail is pending until its recipient confirms, which here nobody does.

    The answer's ARN is then "pending confirmation":
    https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
    """
    status, headers, body = original(params)
    if status == 200 and sns._p(params, "Protocol") in BY_E_MAIL:
        for subscription in sns._topics[sns._p(params, "TopicArn")]["subscriptions"]:
            _set_pending(subscription)
        if sns._p(params, "ReturnSubscriptionArn") != "true":
            body = sns._xml(
                200,
                "SubscribeResponse",
                "<SubscribeResult><SubscriptionArn>pending confirmation</SubscriptionArn></SubscribeResult>",
            )[2]
    return status, headers, body


@replaces("services.cloudformation.provisioners", "_sns_sub_create")
def a_template_does_not_confirm_either(
    original: Callable[..., Any],
    logical_id: str,
    props: dict[str, Any],
    stack_name: str,
) -> Any:
    """The same for AWS::SNS::Subscription."""
    made = original(logical_id, props, stack_name)
    for subscription in sns._topics[props["TopicArn"]]["subscriptions"]:
        _set_pending(subscription)
    return made


def _pending_in_lists(original: Callable[..., Any], params: dict[str, Any]) -> Any:
    """A listed subscription that is not confirmed has "PendingConfirmation" for its ARN.

    https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.confirm.html and the note on
    ``SubscriptionArn`` in https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html
    """
    status, headers, body = original(params)
    for topic in sns._topics.values():
        for subscription in topic["subscriptions"]:
            if not subscription["confirmed"]:
                listed = f"<SubscriptionArn>{subscription['arn']}</SubscriptionArn>"
                pending = "<SubscriptionArn>PendingConfirmation</SubscriptionArn>"
                body = body.replace(listed.encode(), pending.encode())
    return status, headers, body


replaces("services.sns", "_list_subscriptions")(_pending_in_lists)
replaces("services.sns", "_list_subscriptions_by_topic")(_pending_in_lists)


def _set_pending(subscription: dict[str, Any]) -> None:
    if subscription["protocol"] in BY_E_MAIL:
        subscription["confirmed"] = False
        subscription.setdefault("attributes", {})["PendingConfirmation"] = "true"
