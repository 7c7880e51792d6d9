"""Says what a deployment would fail at, before anything is built: the settings first, then the target account.

Ends with 0 if nothing fails, with 1 if something fails or could not be checked, with 2 if settings or arguments are
wrong. What could not be checked may be allowed, but not that nothing of the account could be.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import boto3
from botocore.exceptions import BotoCoreError
from compliance_audit.context import add_arguments, read_context
from compliance_audit.policy import POLICY_FILE, remediation_mode
from compliance_audit.preflight.account import clients, read_account, read_identity, region_of
from compliance_audit.preflight.checks import Line, Verdict, judge, no_identity
from compliance_audit.preflight.needs import DEFAULT_QUALIFIER, Needs
from compliance_audit.preflight.readings import Unreadable
from compliance_audit.settings import Settings, SettingsError


def main() -> int:
    """Check settings and account; gives the exit code."""
    parser = argparse.ArgumentParser(description="Say what a deployment would fail at, before it starts.")
    add_arguments(parser)
    parser.add_argument(
        "--allow-unchecked", action="store_true", help="end with 0 although something could not be checked"
    )
    arguments = parser.parse_args()
    try:
        context = read_context(arguments.context)
        settings = Settings.from_context(context)
        mode = remediation_mode(POLICY_FILE)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        session = boto3.Session(profile_name=arguments.profile)
    except BotoCoreError as error:
        parser.error(str(error))
    qualifier = str(context.get("@aws-cdk/core:bootstrapQualifier", DEFAULT_QUALIFIER))
    verdicts = {}
    for line in _lines(session, settings, mode, qualifier):
        print(line, flush=True)
        verdicts[line.what] = line.verdict
    results = list(verdicts.values())
    failing, unchecked = results.count(Verdict.FAILS), results.count(Verdict.NOT_CHECKED)
    print(f"\n{len(verdicts)} checks: {failing} fail, {unchecked} could not be made.")
    allowed = arguments.allow_unchecked and verdicts["account"] is Verdict.OK
    return 1 if failing or (unchecked and not allowed) else 0


def _lines(session: boto3.Session, settings: Settings, mode: str, qualifier: str) -> Iterator[Line]:
    yield Line(Verdict.OK, "settings", f"they describe the stack {settings.names.stack()}")
    client = clients(session)
    identity = read_identity(client)
    if isinstance(identity, Unreadable):
        yield no_identity(identity)
        return
    account, caller = identity
    needs = Needs.of(settings, account=account, remediation_mode=mode, qualifier=qualifier)
    yield from judge(needs, read_account(client, needs, caller=caller, region=region_of(session)))


if __name__ == "__main__":
    sys.exit(main())
