"""Run a command beside a deployed auditor: ``pipeline.py -- cargo test …``.

The command finds the deployment in its environment: the local AWS and its credentials as any AWS SDK expects them,
and ``STATE_MACHINE_ARN``, ``REPORTS_BUCKET``, ``MAILBOX_URL``, ``SYSTEM_NAME``, ``PACKAGES_BUCKET``,
``EXCEPTIONS_EXPIRE``. Where ``DEPLOYED_REPORTS`` names a folder, it is left with the reports of all scans.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from deployment import ROOT, SYSTEM, Deployment, deployed
from local_aws import ACCOUNT_ID, REGION


def main(arguments: list[str]) -> int:
    """Deploy, run the command, answer with its exit code."""
    if arguments[:1] != ["--"] or len(arguments) < 2:
        print("usage: pipeline.py -- COMMAND …", file=sys.stderr)
        return 2
    expires = datetime.now(UTC).date() + timedelta(days=30)
    with deployed(say=lambda line: print(f"  {line}", flush=True)) as deployment:
        environment = {
            "STATE_MACHINE_ARN": deployment.outputs["StateMachineArn"],
            "REPORTS_BUCKET": deployment.outputs["ReportsBucketName"],
            "MAILBOX_URL": deployment.mailbox,
            "SYSTEM_NAME": SYSTEM,
            "PACKAGES_BUCKET": put_packages(deployment, expires),
            "EXCEPTIONS_EXPIRE": expires.isoformat(),
        }
        ran = subprocess.run(arguments[1:], env=os.environ | deployment.aws.environment() | environment)
        if folder := os.environ.get("DEPLOYED_REPORTS"):
            keep_reports(deployment, Path(folder))
        return ran.returncode


def keep_reports(deployment: Deployment, folder: Path) -> None:
    """Leave the HTML and JSON reports of all scans in a folder, and no earlier ones, for `tests/report`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    s3, bucket = deployment.client("s3"), deployment.outputs["ReportsBucketName"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="reports/"):
        for item in page.get("Contents", []):
            if item["Key"].endswith((".html", ".json")):
                s3.download_file(bucket, item["Key"], str(folder / Path(item["Key"]).name))


def put_packages(deployment: Deployment, expires: date) -> str:
    """Pack the function that has the audit policy once for each policy; answer with the bucket: the CDK's own.

    ``expires`` is the last day of the exceptions that are in force.
    """
    bundle = Path(os.environ["LAMBDA_BUNDLES"]) / "plan-scan"
    shipped = (bundle / "audit-policy.toml").read_text(encoding="utf-8")
    folder = ROOT / "tests" / "pipeline"
    exceptions, limits = (
        (folder / f"{name}.toml").read_text(encoding="utf-8").replace("{expires}", expires.isoformat())
        for name in ("exceptions", "limits")
    )
    policies = {
        "shipped": shipped,
        "exceptions": f"{shipped}\n{exceptions}",
        "limits": re.sub(
            r"^(max_buckets_per_(?:run|day)) = \d+$", r"\1 = 0", f"{shipped}\n{limits}", flags=re.MULTILINE
        ),
    }
    # The default synthesizer's name: https://docs.aws.amazon.com/cdk/v2/guide/customize-synth.html
    bucket = f"cdk-hnb659fds-assets-{ACCOUNT_ID}-{REGION}"
    for name, policy in policies.items():
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.write(bundle / "bootstrap", "bootstrap")
            archive.writestr("audit-policy.toml", policy)
        deployment.client("s3").put_object(Bucket=bucket, Key=f"plan-scan/{name}.zip", Body=package.getvalue())
    return bucket


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
