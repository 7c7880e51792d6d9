"""Delete a deployment from the AWS account of the current credentials, and say what is left of it.

Needs no build of the functions, and of the settings only `environment` and `environmentSuffix`, from cdk.json or from
`-c`. Ends with code 0 only if nothing of the deployment is left and everything could be looked at.
"""

from __future__ import annotations

import argparse
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from compliance_audit.context import add_arguments, read_context
from compliance_audit.destroy import Target, destroy
from compliance_audit.settings import REGION, SettingsError


def main() -> int:
    """Read the settings, ask, delete, look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask for the stack's name")
    options = parser.parse_args()
    try:
        session = boto3.Session(profile_name=options.profile)
    except BotoCoreError as error:
        parser.error(str(error))
    try:
        target = Target.from_context(read_context(options.context))
        clean = destroy(
            lambda service: session.client(service, region_name=REGION, config=Config(retries={"mode": "standard"})),
            target,
            confirmed=lambda stack: options.yes or typed(stack),
            say=lambda line: print(line, flush=True),
            pause=time.sleep,
        )
    except SettingsError as error:
        # What to do is in the message; a stack trace would bury it.
        print(error, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"AWS did not do what was asked: {error}", file=sys.stderr)
        print("A deletion that has begun goes on; run the command again to follow it.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nNo longer followed. A deletion that has begun goes on.", file=sys.stderr)
        return 1
    return 0 if clean else 1


def typed(stack: str) -> bool:
    """Ask for the stack's name; an end of the input is a no."""
    try:
        return input("Type the stack's name to go on: ").strip() == stack
    except EOFError:
        return False


if __name__ == "__main__":
    sys.exit(main())
