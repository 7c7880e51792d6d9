"""SNS: addresses have to confirm; a message may have a form for each protocol, and attributes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from patching import ministack, replaces

sns = ministack("services.sns")

BY_E_MAIL = ("email", "email-json")
MAILBOXES = "@mailbox.local"
"""An address that ends so has confirmed, and its e-mails arrive in the queue of the name before it."""


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
        is_read = sns._p(params, "Endpoint").endswith(MAILBOXES)
        if sns._p(params, "ReturnSubscriptionArn") != "true" and not is_read:
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
    if subscription["protocol"] in BY_E_MAIL and not subscription["endpoint"].endswith(MAILBOXES):
        subscription["confirmed"] = False
        subscription.setdefault("attributes", {})["PendingConfirmation"] = "true"


# --- Messages with a form for each protocol -------------------------------------------------------------------------

SUBJECT_MAX = 100
_has_forms: ContextVar[bool] = ContextVar("has_forms", default=False)
"""Whether the message that is being delivered has a form for each protocol."""


@replaces("services.sns", "_publish")
def malformed_messages_are_refused(original: Callable[..., Any], params: dict[str, Any]) -> Any:
    """A subject is short, ASCII and one line; a message with forms is a JSON object with a default text.

    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """
    subject, structure = sns._p(params, "Subject"), sns._p(params, "MessageStructure")
    if len(subject) >= SUBJECT_MAX or not (subject.isascii() and subject.isprintable()) or subject.startswith(" "):
        return sns._error("InvalidParameter", "Invalid parameter: Subject", 400)
    if structure:
        forms = _forms(sns._p(params, "Message"))
        if structure != "json" or not isinstance(forms, dict):
            return sns._error("InvalidParameter", "Invalid parameter: Message Structure - JSON failed to parse", 400)
        if not isinstance(forms.get("default"), str):
            return sns._error("InvalidParameter", "Invalid parameter: Message Structure - No default entry", 400)
    return original(params)


@replaces("services.sns", "_resolve_message_for_protocol")
def a_form_is_a_text(original: Callable[..., Any], message: str, structure: str, protocol: str) -> Any:
    """A form that is no text is ignored: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""
    if structure != "json":
        return original(message, structure, protocol)
    forms = {key: form for key, form in _forms(message).items() if isinstance(form, str)}
    return forms.get(protocol, forms["default"])


@replaces("services.sns", "_fanout")
def what_is_delivered_knows_whether_it_has_forms(
    original: Callable[..., Any],
    topic: str,
    message_id: str,
    message: str,
    subject: str,
    structure: str = "",
    *more: Any,
    **named: Any,
) -> Any:
    """For the two below; and e-mails arrive where a test can read them."""
    token = _has_forms.set(structure == "json")
    try:
        original(topic, message_id, message, subject, structure, *more, **named)
        attributes = more[0] if more else named.get("message_attributes")
        _mail(topic, a_form_is_a_text(lambda text, *_: text, message, structure, "email"), subject, attributes or {})
    finally:
        _has_forms.reset(token)


def _mail(topic: str, text: str, subject: str, attributes: dict[str, Any]) -> None:
    for subscription in (sns._topic_by_arn_any_scope(topic) or {}).get("subscriptions", []):
        name, _, domain = subscription["endpoint"].partition("@")
        is_read = subscription["protocol"] == "email" and f"@{domain}" == MAILBOXES
        if is_read and sns._matches_filter_policy(subscription, attributes, text):
            mail = json.dumps({"Subject": subject, "Message": text, "TopicArn": topic})
            queue = topic.rpartition(":")[0].replace(":sns:", ":sqs:") + f":{name}"
            sns._deliver_to_sqs(queue, mail, True, mail, topic_arn=topic)


@replaces("services.sns", "_build_envelope")
def attributes_do_not_go_with_forms(
    original: Callable[..., Any],
    topic: str,
    message_id: str,
    message: str,
    subject: str,
    attributes: dict[str, Any],
    raw: bool,
) -> Any:
    """AWS sends attributes "only when the message structure is String, not JSON"; filter policies see them.

    https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
    """
    return original(topic, message_id, message, subject, {} if _has_forms.get() else attributes, raw)


@replaces("services.sns", "_deliver_to_sqs")
def nor_with_raw_ones(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The same for raw messages."""
    if _has_forms.get():
        named["message_attributes"] = {}
    return original(*arguments, **named)


def _forms(message: Any) -> Any:
    try:
        return json.loads(message) if isinstance(message, str) else message
    except json.JSONDecodeError:
        return None


# --- Message attributes and filter policies -------------------------------------------------------------------------


@replaces("services.sns", "_parse_message_attributes")
def state_machines_give_attributes_too(original: Callable[..., Any], params: dict[str, Any]) -> Any:
    """A state machine gives them by name: https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html."""
    given = params.get("MessageAttributes")
    return {name: dict(value) for name, value in given.items()} if isinstance(given, dict) else original(params)


MOST_KEYS = 5
MOST_COMBINATIONS = 150


def _refused(policy: str) -> Any:
    """Why a filter policy is refused: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html."""
    try:
        parsed = json.loads(policy)
    except json.JSONDecodeError:
        return sns._error("InvalidParameter", "Invalid parameter: FilterPolicy: failed to parse JSON", 400)
    if not isinstance(parsed, dict):
        return sns._error("InvalidParameter", "Invalid parameter: FilterPolicy: not a JSON object", 400)
    # Those of a policy for the body may be nested, which nobody here does.
    if any(not isinstance(values, list | dict) for values in parsed.values()):
        return sns._error("InvalidParameter", "Invalid parameter: FilterPolicy: a value is not in an array", 400)
    combinations = math.prod(len(values) for values in parsed.values())
    if len(parsed) > MOST_KEYS or combinations > MOST_COMBINATIONS:
        return sns._error("InvalidParameter", "Invalid parameter: FilterPolicy: Filter policy is too complex", 400)
    return None


@replaces("services.sns", "_subscribe")
def filter_policies_of_new_subscriptions_are_checked(original: Callable[..., Any], params: dict[str, Any]) -> Any:
    """See above."""
    number = 1
    while name := sns._p(params, f"Attributes.entry.{number}.key"):
        value = sns._p(params, f"Attributes.entry.{number}.value")
        if name == "FilterPolicy" and value and (refused := _refused(value)):
            return refused
        number += 1
    return original(params)


@replaces("services.sns", "_set_subscription_attributes")
def filter_policies_are_checked(original: Callable[..., Any], params: dict[str, Any]) -> Any:
    """See above."""
    value = sns._p(params, "AttributeValue")
    refused = _refused(value) if sns._p(params, "AttributeName") == "FilterPolicy" and value else None
    return refused or original(params)
