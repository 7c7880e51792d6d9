"""Watch a real scan of the sample account on a local AWS, from the event to the e-mail, and check its verdicts.

Ends with code 0 only if every verdict is the one expected by hand, all reports, an e-mail and an audited
remediation came out, and nothing was left behind.
"""

from __future__ import annotations

import argparse
import csv
import json
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sample_account
from deployment import ROOT, SETTINGS, STACK, SYSTEM, Deployment, deployed, destroy
from local_aws import ACCOUNT_ID, REGION
from patience import patiently

# Lines of an e-mail that somebody reads from top to bottom.
READ_AT_ONCE = 150
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def main() -> int:
    """Deploy, scan, show, check, take down."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave everything running and say how to look around")
    options = parser.parse_args()

    heading("Deploy")
    with deployed(say) as deployment:
        heading("Scan")
        scan, problems = scanned(deployment, {})
        problems += show(scan)

        heading("What was announced is done by the next scan")
        next_scan, ended = scanned(deployment, {"services": ["s3"]})
        problems += ended + show_remediation(next_scan, {"APPLY": "APPLIED", "SKIP": "SKIPPED"})

        if options.keep:
            heading("Look around")
            look_around(deployment)
            wait_for_interrupt()

        heading("Take down")
        problems += take_down(deployment)

    heading("Result")
    for problem in problems:
        say(f"NOT AS EXPECTED: {problem}")
    if not problems:
        say("all as expected")
    return 1 if problems else 0


# --- The scan -------------------------------------------------------------------------------------------------------


def scanned(deployment: Deployment, detail: dict[str, Any]) -> tuple[Scan, list[str]]:
    """Request a scan and follow it to its end; answer with what it left behind, and what is not as expected."""
    execution = request_scan(deployment, detail)
    status = follow(deployment, execution)
    return collect(deployment, execution), [] if status == "SUCCEEDED" else [f"the execution ended as {status}"]


def request_scan(deployment: Deployment, detail: dict[str, Any]) -> str:
    """Send the event that a security engineer would send, and find the execution that it starts."""
    states = deployment.client("stepfunctions")
    machine = deployment.outputs["StateMachineArn"]
    before = {execution["executionArn"] for execution in states.list_executions(stateMachineArn=machine)["executions"]}
    answer = deployment.client("events").put_events(
        Entries=[
            {
                "Source": "compliance.audit",
                "DetailType": "Compliance Scan Requested",
                "Detail": json.dumps(detail | {"requestedBy": "security-engineering", "reason": "demonstration"}),
            }
        ]
    )
    if answer["FailedEntryCount"]:
        raise RuntimeError(f"EventBridge refused the event: {answer['Entries']}")
    say("sent the event `Compliance Scan Requested`")
    for _ in patiently("no execution was started by the event"):
        executions = states.list_executions(stateMachineArn=machine)["executions"]
        if new := [execution for execution in executions if execution["executionArn"] not in before]:
            arn: str = new[0]["executionArn"]
            say(f"started the execution {arn.rpartition(':')[2]}")
            return arn
    raise AssertionError("unreachable")


def follow(deployment: Deployment, execution: str) -> str:
    """Print the states as they are entered and the resources as they are scanned; answer with the final status."""
    states = deployment.client("stepfunctions")
    shown = 0
    before = scanned = scanned_resources(deployment)
    started = time.monotonic()
    for _ in patiently("the execution did not end"):
        # The status is read before the history, so that the history of an ended execution is whole.
        status: str = states.describe_execution(executionArn=execution)["status"]
        elapsed = f"{time.monotonic() - started:5.1f} s"
        entered = [event for event in history(states, execution) if event["type"].endswith("StateEntered")]
        for event in entered[shown:]:
            say(f"{elapsed}  {event['stateEnteredEventDetails']['name']}")
        shown = len(entered)
        if (now := scanned_resources(deployment)) > scanned:
            scanned = now
            say(f"{elapsed}  … {scanned - before} resources scanned")
        if status in ENDED:
            return status
    raise AssertionError("unreachable")


def scanned_resources(deployment: Deployment) -> int:
    """How many resources the scanners have written receipts for."""
    s3 = deployment.client("s3")
    bucket = deployment.outputs["ReportsBucketName"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="scans/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    receipts = [
        json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        for key in keys
        if key.endswith(".receipt.json")
    ]
    return sum(receipt["resources"] for receipt in receipts)


def history(states: Any, execution: str) -> list[dict[str, Any]]:
    """All events of an execution."""
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]


# --- What came of it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scan:
    """What one scan left behind, as it was fetched into a folder."""

    folder: Path
    report: dict[str, Any]
    rows: list[dict[str, str]]
    """The CSV report's rows."""
    email: dict[str, str] | None
    arns: dict[str, tuple[str, str]]
    """Which resource of the sample account an ARN is."""


def collect(deployment: Deployment, execution: str) -> Scan:
    """Fetch reports, remediation records and e-mail into `out/<scan id>/`."""
    described = deployment.client("stepfunctions").describe_execution(executionArn=execution)
    if "output" not in described:
        raise RuntimeError(f"the execution gave no output: {described.get('error')}: {described.get('cause')}")
    scan_id: str = json.loads(described["output"])["scanId"]
    folder = ROOT / "out" / scan_id
    folder.mkdir(parents=True, exist_ok=True)
    s3 = deployment.client("s3")
    bucket = deployment.outputs["ReportsBucketName"]
    for prefix in ("reports/", f"scans/{scan_id}/"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                name = Path(item["Key"]).name
                reports = tuple(f"{scan_id}.{form}" for form in ("json", "csv", "html"))
                if name in (*reports, "remediation.jsonl", "plan.json", "summary.json"):
                    s3.download_file(bucket, item["Key"], str(folder / name))
    messages = deployment.client("sqs").receive_message(QueueUrl=deployment.mailbox, MaxNumberOfMessages=10)
    emails = [json.loads(message["Body"]) for message in messages.get("Messages", [])]
    # The auditor's alarms write to the same topic.
    email = next((email for email in emails if scan_id in email["Message"]), None)
    if email is not None:
        (folder / "email.txt").write_text(f"Subject: {email['Subject']}\n\n{email['Message']}\n")
    with (folder / f"{scan_id}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return Scan(
        folder=folder,
        report=json.loads((folder / f"{scan_id}.json").read_text()),
        rows=rows,
        email=email,
        arns=sample_account.resource_arns(deployment.client, ACCOUNT_ID, REGION),
    )


def show(scan: Scan) -> list[str]:
    """Print what the scan found and did; answer with what is not as expected."""
    problems = show_summary(scan)
    show_frameworks(scan)
    problems += check_verdicts(scan)
    heading("The e-mail")
    if scan.email is None:
        problems.append("no e-mail came")
    else:
        lines = scan.email["Message"].splitlines()
        print("\n".join((f"Subject: {scan.email['Subject']}", "", *lines)))
        say(f"{len(lines)} lines, also in {scan.folder.relative_to(ROOT) / 'email.txt'}")
        if len(lines) > READ_AT_ONCE:
            problems.append(f"the e-mail has {len(lines)} lines, and nobody reads more than {READ_AT_ONCE}")
    heading("What remediation decided")
    # Nobody said that it is to be applied at once.
    problems += show_remediation(scan, {"APPLY": "ANNOUNCED", "SKIP": "SKIPPED"})
    heading("The reports")
    for file in sorted(scan.folder.iterdir()):
        say(f"{file.relative_to(ROOT)}  ({file.stat().st_size:,} bytes)")
    html = next(scan.folder.glob("*.html"), None)
    if html is None:
        problems.append("no HTML report came")
    else:
        say(f"open this in a browser; it is complete in itself: {html.as_uri()}")
    if len(scan.rows) != len(scan.report["findings"]):
        problems.append(f"{len(scan.rows)} rows in the CSV, {len(scan.report['findings'])} findings in the JSON report")
    return problems


def show_remediation(scan: Scan, outcomes: dict[str, str]) -> list[str]:
    """Print what remediation decided about each bucket, and compare it with what was expected.

    ``outcomes`` says what must have come of each decision.
    """
    records = scan.report["remediation"]
    for record in records:
        told = "; ".join([*(reason["text"] for reason in record["reasons"]), *filter(None, [record["result"]])])
        say(f"{record['outcome']:<11} {record['bucket']}{f': {told}' if told else ''}")
    decided = {record["bucket"]: record for record in records}
    problems = []
    for row in sample_account.expected_remediation():
        record = decided.get(row.bucket, {"decision": "nothing", "outcome": "none", "reasons": []})
        codes = tuple(sorted({reason["code"] for reason in record["reasons"]}))
        outcome = outcomes[row.decision]
        if (record["decision"], record["outcome"], codes) != (row.decision, outcome, row.reasons):
            problems.append(
                f"{row.bucket}: remediation came to {record['outcome']} {codes}; "
                f"expected: {outcome} {row.reasons}: {row.why}"
            )
    return problems


def show_summary(scan: Scan) -> list[str]:
    """Print the verdicts by service and the violations by severity."""
    heading("Summary")
    summary = scan.report["summary"]
    score = summary["score"]
    say(f"{summary['status']}, score {score if score is not None else '-'} %, coverage {summary['coverage']} %")
    say(f"{len(summary['byRule'])} rules evaluated")
    columns = ("compliant", "nonCompliant", "notApplicable", "insufficientData")
    print(f"  {'':<10}{'resources':>12}" + "".join(f"{column:>18}" for column in columns))
    for service, counts in summary["byService"].items():
        figures = "".join(f"{counts[column]:>18}" for column in columns)
        print(f"  {service:<10}{summary['resources'][service]:>12}{figures}")
    violations = ", ".join(f"{count} {severity}" for severity, count in summary["violationsBySeverity"].items())
    say(f"violations: {violations}; excepted by the audit policy: {summary['totals']['excepted']}")
    return [] if summary["status"] == "COMPLETE" else [f"the scan is {summary['status']}: {summary['gaps']}"]


def show_frameworks(scan: Scan) -> None:
    """Print how many of the controls in scope rules answer to, for each framework, and with which results."""
    heading("Frameworks: controls on S3, EC2 networking and Lambda")
    results = ("COMPLIANT", "NON_COMPLIANT", "INSUFFICIENT_DATA", "NOT_APPLICABLE", "NOT_EVALUATED")
    for framework in scan.report["frameworks"]:
        controls = framework["controls"]
        counted = Counter(control["result"] for control in controls)
        found = ", ".join(f"{counted[result]} {result}" for result in results if counted[result])
        in_scope = len(controls) + len(framework["notCovered"])
        off = "; the audit policy does not switch it on" if framework["switchedOff"] else ""
        say(f"{framework['framework']:<30}{len(controls):>4} of {in_scope:>3} covered: {found}{off}")


def check_verdicts(scan: Scan) -> list[str]:
    """Compare the verdicts on the sample account with those written by hand."""
    heading("Verdicts on the sample account")
    wrong = sample_account.differences(scan.report["findings"], scan.arns)
    for line in wrong:
        say(line)
    expected = len(sample_account.expected_verdicts())
    say(f"{len(wrong)} differences from the {expected} verdicts expected by hand")
    return [f"{len(wrong)} verdicts are not as expected"] if wrong else []


# --- Taking down ----------------------------------------------------------------------------------------------------


def take_down(deployment: Deployment) -> list[str]:
    """Take down the sample account and the auditor, the way a platform engineer would."""
    sample_account.delete(deployment.client)
    say("took the sample account down")
    destroyed = destroy(SETTINGS, deployment.aws.environment())
    for line in destroyed.stdout.splitlines():
        say(line)
    return ["something was left behind"] if destroyed.returncode else []


# --- Looking around -------------------------------------------------------------------------------------------------


def look_around(deployment: Deployment) -> None:
    """Say how to look at the running system."""
    say("everything is left running until Ctrl-C; in another terminal:")
    for name, value in deployment.aws.environment().items():
        print(f"    export {name}={value}")
    bucket = deployment.outputs["ReportsBucketName"]
    machine = deployment.outputs["StateMachineArn"]
    print(f"    aws s3 ls --recursive s3://{bucket}/reports/")
    print(f"    aws stepfunctions start-execution --state-machine-arn {machine} --input '{{}}'")
    print(f"    aws stepfunctions list-executions --state-machine-arn {machine}")
    print(f"    aws cloudformation describe-stack-resources --stack-name {STACK}")
    say(f"the deployment is called {SYSTEM}")


def wait_for_interrupt() -> None:
    """Wait for Ctrl-C or a polite end."""
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


def heading(title: str) -> None:
    """Print the heading of a part."""
    print(f"\n== {title} ==", flush=True)


def say(line: str) -> None:
    """Print a line of a part."""
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
