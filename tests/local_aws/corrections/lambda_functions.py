"""Lambda: resource policies, and what a function finds in its environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

lambda_svc = ministack("services.lambda_svc")
responses = ministack("core.responses")

# What the launcher sets for MiniStack and not for the functions, which inherit its environment.
OF_THE_LAUNCHER = (
    "AUTH",
    "BIND_HOST",
    "DOCKER_HOST",
    "GATEWAY_PORT",
    "IOT_MTLS_ENABLED",
    "LOG_LEVEL",
    "MINISTACK_ACCOUNT_ID",
    "MINISTACK_HOST",
    "MINISTACK_REGION",
    "S3_DATA_DIR",
    "SFTP_ENABLED",
    "STATE_DIR",
)


@replaces("services.lambda_svc", "_get_policy")
def a_function_without_a_policy_has_none(original: Callable[..., Any], func_name: str, *arguments: Any) -> Any:
    """GetPolicy answers 404 ResourceNotFoundException when no statement was ever added.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html ("Errors")
    """
    function = lambda_svc._functions.get(func_name)
    if function is not None and not function["policy"]["Statement"]:
        return responses.error_response_json(
            "ResourceNotFoundException",
            "The resource you requested does not exist.",
            404,
        )
    return original(func_name, *arguments)


@replaces("services.lambda_svc", "_provided_worker_env")
def a_function_finds_its_own_environment(
    original: Callable[..., dict[str, str]], config: dict[str, Any], *arguments: Any
) -> dict[str, str]:
    """A function's environment is what it is configured with, and what Lambda itself defines.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    own = (config.get("Environment") or {}).get("Variables") or {}
    environment = original(config, *arguments)
    for name in OF_THE_LAUNCHER:
        if name not in own and environment.get(name) == os.environ.get(name):
            environment.pop(name, None)
    environment.setdefault("AWS_EXECUTION_ENV", f"AWS_Lambda_{config.get('Runtime', '')}")
    environment.setdefault("TZ", ":UTC")
    return environment
