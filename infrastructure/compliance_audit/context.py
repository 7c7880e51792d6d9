"""The CDK's context as the project's own commands read it: `cdk.json`, and what is given as `-c key=value` over it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from compliance_audit.settings import SettingsError

CDK_JSON = Path(__file__).resolve().parents[1] / "cdk.json"
"""The file that keeps the settings of a deployment."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the commands take as the CDK's does, so that one line of settings serves all."""
    parser.add_argument(
        "-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="a setting, as `cdk -c` takes it"
    )
    parser.add_argument("--profile", help="the AWS profile, as `cdk --profile` takes it")


def read_context(given: Sequence[str]) -> dict[str, object]:
    """The context for settings given as `key=value`, as `cdk -c` takes them.

    Raises SettingsError for one that has no equals sign, which the CDK's command line would drop with a warning, and
    for a file that is not JSON.
    """
    try:
        context: dict[str, object] = dict(json.loads(CDK_JSON.read_text())["context"])
    except ValueError as error:
        raise SettingsError(f"infrastructure/cdk.json is not JSON: {error}") from error
    for setting in given:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            raise SettingsError(f"-c {setting} is not a setting; allowed: key=value, for instance environment=dev")
        context[key] = value
    return context
