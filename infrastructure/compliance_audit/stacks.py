"""Looking a stack up in CloudFormation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError


def describe_stack(cloudformation: Any, stack: str) -> Mapping[str, Any]:
    """The stack of a name, or of an id; by its id also after its deletion.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    description: Mapping[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return description


def find_stack(cloudformation: Any, stack: str) -> Mapping[str, Any] | None:
    """The stack of a name; None when there is none.

    Raises boto3's errors for whatever else keeps AWS from telling.
    """
    try:
        return describe_stack(cloudformation, stack)
    except ClientError as error:
        # The code alone also stands for a request that is malformed; AWS documents no narrower one.
        about = error.response["Error"]
        if about["Code"] == "ValidationError" and "does not exist" in about.get("Message", ""):
            return None
        raise
