"""A policy can tell a function's own code from everybody else who has its role.

https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError
from harness import BOOTSTRAP, Client, connect, document, make_function
from local_aws import ACCOUNT_ID, REGION, LocalAws

SUBNETS = {"Action": "ec2:DescribeSubnets", "Resource": "*"}


def of_the_code(function: str, operator: str = "ArnEquals") -> dict[str, object]:
    """The condition that it is the code of this function that asks."""
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function}"
    return {"Condition": {operator: {"lambda:SourceFunctionArn": arn}}}


def may_describe_subnets(client: Client) -> bool:
    try:
        client("ec2").describe_subnets()
    except ClientError as error:
        if error.response["Error"]["Code"] != "UnauthorizedOperation":
            raise
        return False
    return True


def code_of(aws: LocalAws, client: Client, name: str, *statements: dict[str, object]) -> Client:
    """Make a function whose role has one policy; gives clients with the credentials that its code finds."""
    make_function(client, name, BOOTSTRAP, custom=True)
    policy = client("iam").create_policy(PolicyName=name, PolicyDocument=document(*statements))["Policy"]["Arn"]
    client("iam").attach_role_policy(RoleName=f"{name}-function", PolicyArn=policy)
    found = json.loads(client("lambda").invoke(FunctionName=name)["Payload"].read())
    key = {
        "AccessKeyId": found["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": found["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": found["AWS_SESSION_TOKEN"],
    }
    return lambda service: connect(aws, service, key)


@pytest.mark.parametrize(("denied_to_itself", "may"), [(True, False), (False, True)])
def test_a_deny_meets_the_code_of_the_function_that_it_names(
    aws: LocalAws, client: Client, name: str, denied_to_itself: bool, may: bool
) -> None:
    denied = {"Effect": "Deny", **SUBNETS, **of_the_code(name if denied_to_itself else "another")}
    code = code_of(aws, client, name, {"Effect": "Allow", **SUBNETS}, denied)
    assert may_describe_subnets(code) is may


def test_an_allow_for_the_code_of_one_function(aws: LocalAws, client: Client, name: str) -> None:
    code = code_of(aws, client, name, {"Effect": "Allow", **SUBNETS, **of_the_code(name)})
    assert may_describe_subnets(code)


@pytest.mark.parametrize(("operator", "may"), [("ArnEquals", False), ("ArnNotEquals", True)])
def test_a_request_that_no_code_makes_has_no_such_key(
    restricted: Callable[..., Client], name: str, operator: str, may: bool
) -> None:
    """A key that is not there equals nothing, which is what the negated operator asks for.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    person = restricted({"Effect": "Allow", **SUBNETS, **of_the_code(name, operator)})
    assert may_describe_subnets(person) is may
