"""Say which recipients of the alerts have not confirmed their subscription, in the account of the current credentials.

Needs no build. `make deploy` ends with it: the code is 0 whoever has confirmed, and 2 only if the settings are wrong.
"""

from __future__ import annotations

import argparse
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from compliance_audit.context import add_arguments, read_context
from compliance_audit.recipients import read_subscriptions, told, topic_arn
from compliance_audit.settings import REGION, Settings, SettingsError


def main() -> int:
    """Read the settings, list the subscriptions, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    options = parser.parse_args()
    try:
        settings = Settings.from_context(read_context(options.context))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        session = boto3.Session(profile_name=options.profile, region_name=REGION)
        topic = topic_arn(settings.names, session.client("sts").get_caller_identity()["Account"])
        confirmed = read_subscriptions(session.client("sns"), topic)
    except (BotoCoreError, ClientError) as error:
        print(f"Who gets the alerts could not be read: {error}")
        return 0
    for line in told(topic, settings.alert_emails, confirmed):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
