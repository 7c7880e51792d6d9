"""Run a command beside a deployed auditor: ``pipeline.py -- cargo test …``.

The command finds the deployment in its environment: the local AWS and its credentials as any AWS SDK expects them,
and ``STATE_MACHINE_ARN``, ``REPORTS_BUCKET``, ``MAILBOX_URL``, ``SYSTEM_NAME``.
"""

from __future__ import annotations

import os
import subprocess
import sys

from deployment import SYSTEM, deployed


def main(arguments: list[str]) -> int:
    """Deploy, run the command, answer with its exit code."""
    if arguments[:1] != ["--"] or len(arguments) < 2:
        print("usage: pipeline.py -- COMMAND …", file=sys.stderr)
        return 2
    with deployed(say=lambda line: print(f"  {line}", flush=True)) as deployment:
        environment = {
            "STATE_MACHINE_ARN": deployment.outputs["StateMachineArn"],
            "REPORTS_BUCKET": deployment.outputs["ReportsBucketName"],
            "MAILBOX_URL": deployment.mailbox,
            "SYSTEM_NAME": SYSTEM,
        }
        ran = subprocess.run(arguments[1:], env=os.environ | deployment.aws.environment() | environment)
        return ran.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
