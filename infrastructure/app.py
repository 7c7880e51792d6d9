"""The CDK app: one stack, whose settings come from the context (`cdk.json` and `cdk -c key=value`)."""

from __future__ import annotations

import sys

import aws_cdk as cdk
from compliance_audit.app import build
from compliance_audit.functions import BundleMissingError
from compliance_audit.settings import SettingsError

try:
    build(cdk.App(analytics_reporting=False)).synth()
except (SettingsError, BundleMissingError) as error:
    # What to do is in the message; a stack trace would bury it.
    sys.exit(str(error))
