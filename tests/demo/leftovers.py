"""What of the auditor is still in the account after it was destroyed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployment import STACK, SYSTEM, Deployment

# For each kind of resource: the service, its listing, and the names in a page of the answer.
LISTINGS: list[tuple[str, str, str, Callable[[dict[str, Any]], list[str]]]] = [
    ("alarm", "cloudwatch", "describe_alarms", lambda page: _names(page, "MetricAlarms", "AlarmName")),
    ("bucket", "s3", "list_buckets", lambda page: _names(page, "Buckets", "Name")),
    ("dashboard", "cloudwatch", "list_dashboards", lambda page: _names(page, "DashboardEntries", "DashboardName")),
    ("event rule", "events", "list_rules", lambda page: _names(page, "Rules", "Name")),
    ("function", "lambda", "list_functions", lambda page: _names(page, "Functions", "FunctionName")),
    ("log group", "logs", "describe_log_groups", lambda page: _names(page, "logGroups", "logGroupName")),
    ("policy", "iam", "list_policies", lambda page: _names(page, "Policies", "PolicyName")),
    ("queue", "sqs", "list_queues", lambda page: [url.rpartition("/")[2] for url in page.get("QueueUrls", [])]),
    ("role", "iam", "list_roles", lambda page: _names(page, "Roles", "RoleName")),
    ("state machine", "stepfunctions", "list_state_machines", lambda page: _names(page, "stateMachines", "name")),
    ("topic", "sns", "list_topics", lambda page: _names(page, "Topics", "TopicArn")),
    ("VPC", "ec2", "describe_vpcs", lambda page: [_tag(vpc, "Name") for vpc in page.get("Vpcs", [])]),
]


def leftovers(deployment: Deployment) -> list[str]:
    """Name every resource that bears the deployment's name, and the stack if it is still there."""
    found = []
    for kind, service, listing, names in LISTINGS:
        client = deployment.client(service)
        pages = (
            client.get_paginator(listing).paginate() if client.can_paginate(listing) else [getattr(client, listing)()]
        )
        found += [
            f"{kind} {name}"
            for page in pages
            for name in names(page)
            if SYSTEM in name or name.startswith("audit-flowlogs-")
        ]
    stacks = deployment.client("cloudformation").list_stacks()["StackSummaries"]
    found += [
        f"stack {stack['StackName']} ({stack['StackStatus']})"
        for stack in stacks
        if stack["StackName"] == STACK and stack["StackStatus"] != "DELETE_COMPLETE"
    ]
    return found


def kept_keys(deployment: Deployment) -> list[str]:
    """Name the aliases of the keys that remediation gave to buckets: they outlive the auditor on purpose."""
    pages = deployment.client("kms").get_paginator("list_aliases").paginate()
    return [
        alias["AliasName"]
        for page in pages
        for alias in page["Aliases"]
        if alias["AliasName"].startswith("alias/compliance-audit-") and SYSTEM not in alias["AliasName"]
    ]


def _names(page: dict[str, Any], list_name: str, field: str) -> list[str]:
    return [item[field] for item in page.get(list_name, [])]


def _tag(resource: dict[str, Any], key: str) -> str:
    return next((tag["Value"] for tag in resource.get("Tags", []) if tag["Key"] == key), "")
