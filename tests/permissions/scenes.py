"""What each function, and each service that acts for us, is asked to do while one of its permissions is missing.

A scene prepares what is worked on, has it done, and tells all that can be seen afterwards: the answer or the error, the
log, and what was written. With the whole policy it can be played again and again, to the same effect.
"""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from random import Random

from patience import patiently
from system import Json, System, new_scan_id

Scene = Callable[[System], str]

# Above 8 MiB an object is written in parts, see functions/shared/audit-artifacts/src/s3.rs.
_IN_PARTS = 9 * 1024 * 1024


# --- plan-scan ------------------------------------------------------------------------------------------------------


def plan_once(system: System) -> str:
    """An event that was never seen asks for a scan."""
    return _planning(system, _event(), uuid.uuid4().hex)


def plan_again(system: System) -> str:
    """The same execution asks once more."""
    event, execution = _event(), uuid.uuid4().hex
    _planning(system, event, execution)
    return _planning(system, event, execution)


def plan_for_an_event_that_is_taken(system: System) -> str:
    """An event is delivered a second time, and another execution has claimed it."""
    event = _event()
    system.write(f"claims/{event['id']}", json.dumps({"executionArn": "another", "scanId": system.scan_id}))
    return _planning(system, event, uuid.uuid4().hex)


def plan_after_a_change(system: System) -> str:
    """A call has changed a bucket."""
    detail = {
        "eventID": str(uuid.uuid4()),
        "eventName": "PutBucketPolicy",
        "eventSource": "s3.amazonaws.com",
        "eventTime": "2026-01-01T00:00:00Z",
        "awsRegion": "us-east-1",
        "named": f"changed-{uuid.uuid4()}",
    }
    return _planning(system, [{"account": "123456789012", "detail": detail}], uuid.uuid4().hex)


def plan_a_rollback(system: System) -> str:
    """An event asks that what a scan changed be taken back."""
    asked = {"detail-type": "Compliance Remediation Rollback Requested", "detail": _back(system.scan_id)}
    return _planning(system, {**_event(), **asked}, uuid.uuid4().hex)


def _back(scan_id: str) -> Json:
    return {"scanId": scan_id, "buckets": "all", "requestedBy": "somebody", "reason": "a permission is missing"}


def _planning(system: System, asked: Json | list[Json], execution: str) -> str:
    machine = system.deployment.outputs["StateMachineArn"]
    return system.invoke(
        "plan-scan",
        {
            "input": asked,
            "execution": {
                "id": f"{machine.replace(':stateMachine:', ':execution:')}:{execution}",
                "name": execution,
                "startTime": "2026-01-01T00:00:00Z",
                "stateMachineArn": machine,
            },
        },
    )


def _event() -> Json:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Compliance Scan Requested",
        "source": "compliance.audit",
        "account": "123456789012",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {},
    }


# --- list-targets ---------------------------------------------------------------------------------------------------


def list_once(service: str) -> Scene:
    """A service is listed for the first time. What cannot be listed fails nothing; the log says so."""
    return lambda system: _list_targets(system, service)


def look_up(service: str, *resources: str) -> Scene:
    """A scan names resources of a service, which need not be there."""
    return lambda system: _list_targets(system, service, resources=resources)


def _list_targets(system: System, service: str, **named: Sequence[str]) -> str:
    scan_id = new_scan_id()
    plan = json.loads(system.recorded["plan.json"])
    system.write(f"scans/{scan_id}/plan.json", json.dumps({**plan, "scanId": scan_id, **named}))
    return system.invoke("list-targets", {"scanId": scan_id, "service": service})


def list_again(system: System) -> str:
    """A service was listed before."""
    return system.invoke("list-targets", {"scanId": system.scan_id, "service": "s3"})


# --- The scanners ---------------------------------------------------------------------------------------------------


def scan_the_account_and_its_buckets(system: System) -> str:
    """The account is scanned, its access points and directory buckets, and buckets that have what a bucket can have.

    The policy of one of them does not tell by itself whether the bucket is public.
    """
    s3, undecided = system.client("s3"), "permissions-undecided-policy"
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{undecided}/*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "payments"}},
    }
    s3.create_bucket(Bucket=undecided)
    s3.delete_public_access_block(Bucket=undecided)
    s3.put_bucket_policy(Bucket=undecided, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    # In the order of a listing.
    targets = [
        *_listed(system, "s3", "account"),
        # A copy elsewhere, in a bucket whose region must be asked for.
        *_listed(system, "s3", "bucket", "payments-dispute-evidence-123456789012"),
        # A key of the company's, and a log, whose target is read as well.
        *_listed(system, "s3", "bucket", "payments-ledger-exports-123456789012"),
        # A list that lets everybody in.
        *_listed(system, "s3", "bucket", "payments-partner-exchange-123456789012"),
        _target("bucket", undecided),
        *_listed(system, "s3", "access-point"),
        *_listed(system, "s3", "directory-bucket"),
    ]
    return _scanning(system, "s3", targets)


def scan_the_account_and_a_vpc(system: System) -> str:
    """The account is scanned, and a VPC with a security group that refers to a prefix list and an endpoint."""
    targets = [*_listed(system, "vpc", "account"), _target("vpc", _vpc_with_a_prefix_list(system))]
    return _scanning(system, "vpc", targets)


def _vpc_with_a_prefix_list(system: System) -> str:
    """The id of the VPC, which is made when it is first asked for."""
    ec2, name = system.client("ec2"), "permissions-prefix-list"
    there = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    if there:
        return str(there[0]["VpcId"])
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/24")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
    prefix_list = ec2.create_managed_prefix_list(
        PrefixListName=name, MaxEntries=1, AddressFamily="IPv4", Entries=[{"Cidr": "192.0.2.0/24"}]
    )["PrefixList"]["PrefixListId"]
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": prefix_list}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ssh])
    # Its policy lets in everybody, which counts where the service takes policies.
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")
    return str(vpc)


def scan_functions(system: System) -> str:
    """Two functions are scanned, both attached to subnets: GetPolicy may be called seven times a second."""
    return _scanning(system, "lambda", _listed(system, "lambda", "function", "authorize-payment", "settle-batch"))


def _listed(system: System, service: str, kind: str, *names: str) -> list[Json]:
    """The targets of a kind that the recorded scan has listed, or those of them that have these names."""
    listed: list[Json] = json.loads(system.recorded[_first_shard(system, service)])["targets"]
    found = [target for target in listed if target["kind"] == kind and (not names or target["id"] in names)]
    assert len(found) >= max(1, len(names)), f"of the kind {kind} the scan has listed {found} only"
    return found


def _listing(system: System, service: str) -> str:
    """The listing that the shards of the recorded scan are of."""
    return str(json.loads(system.recorded[f"shards/{service}/inventory.json"])["listing"])


def _first_shard(system: System, service: str) -> str:
    return f"shards/{service}/{_listing(system, service)}/0001.json"


def _target(kind: str, name: str) -> Json:
    return {"kind": kind, "id": name, "region": "us-east-1"}


def _scanning(system: System, service: str, targets: list[Json]) -> str:
    shard = {**json.loads(system.recorded[_first_shard(system, service)]), "targets": targets}
    scan_id = system.copy_scan(service, {_first_shard(system, service): json.dumps(shard)})
    asked = {"scanId": scan_id, "service": service, "listing": _listing(system, service), "shard": 1, "atOnce": 1}
    said = system.invoke(f"scan-{service}", asked)
    return said + system.read(f"scans/{scan_id}/findings/{service}/0001.jsonl.zst")


def scan_what_nobody_planned(service: str) -> Scene:
    """A shard of a scan that there is not."""
    asked = {"service": service, "listing": "0", "shard": 1, "atOnce": 1}
    return lambda system: system.invoke(f"scan-{service}", {"scanId": new_scan_id(), **asked})


# --- aggregate-findings ---------------------------------------------------------------------------------------------


def aggregate(system: System) -> str:
    """A scan is aggregated, and compared with an earlier one."""
    return _aggregating(system, _later_scan(system))


def aggregate_again(system: System) -> str:
    """A scan was aggregated before."""
    return _aggregating(system, system.scan_id)


def aggregate_after_a_rule_was_retired(system: System) -> str:
    """The earlier scan knew a violation of a rule that is in the catalogue no more."""
    first, *others = system.recorded["findings.jsonl.zst"].splitlines()
    retired = json.loads(first)
    retired["findings"][-1].update(ruleId="zzz-retired", status="NON_COMPLIANT")
    findings = "".join(f"{line}\n" for line in (json.dumps(retired), *others))
    earlier = system.copy_scan("retired rule", {"findings.jsonl.zst": findings})
    scan_id = _later_scan(system)
    return _aggregating(system, scan_id, earlier) + system.read(f"scans/{scan_id}/rules.json")


def aggregate_named(system: System) -> str:
    """A scan of a named bucket is aggregated, and compared with that bucket's part of an earlier one."""
    return _aggregating(system, _named_scan(system))


def aggregate_named_anew(system: System) -> str:
    """The same, where what the earlier one found has expired: what is found now is kept for the next one."""
    return _aggregating(system, _named_scan(system), earlier=new_scan_id()) + system.read("state/scoped.json")


def _named_scan(system: System) -> str:
    named = {"services": ["s3"], "resources": [f"arn:aws:s3:::{_PUBLIC}"]}
    plan = {**json.loads(system.recorded["plan.json"]), **named, "startedAt": "2099-01-01T00:00:00Z"}
    scan_id = system.copy_scan("named", {"plan.json": json.dumps(plan)})
    # Who comes with a summary has come to the end before.
    system.remove(f"scans/{scan_id}/summary.json", "state/scoped.json")
    return scan_id


def aggregate_what_nobody_planned(system: System) -> str:
    """A scan that there is not."""
    return _aggregating(system, new_scan_id())


def aggregate_what_breaks_off(system: System) -> str:
    """An inventory is broken, behind the first part of the object that is being written."""
    first, *others = system.recorded["findings/s3/0001.jsonl.zst"].splitlines()
    broken = {
        "findings/s3/0001.jsonl.zst": "".join(f"{line}\n" for line in (_long(first, _IN_PARTS), *others)),
        "shards/vpc/inventory.json": "{broken",
    }
    return _aggregating(system, system.copy_scan("broken inventory", broken))


def _long(findings: str, size: int) -> str:
    """The findings about a resource, the first with so many bytes of evidence, of which compression leaves most."""
    long = json.loads(findings)
    long["findings"][0]["evidence"]["observed"] = base64.b64encode(Random(size).randbytes(size)).decode()
    return json.dumps(long)


def _later_scan(system: System) -> str:
    plan = {**json.loads(system.recorded["plan.json"]), "startedAt": "2099-01-01T00:00:00Z"}
    return system.copy_scan("later", {"plan.json": json.dumps(plan)})


def _aggregating(system: System, scan_id: str, earlier: str | None = None) -> str:
    started = json.loads(system.recorded["plan.json"])["startedAt"]
    latest = {"scanId": earlier or system.scan_id, "startedAt": started}
    system.write("state/latest.json", json.dumps(dict.fromkeys(("s3", "vpc", "lambda"), latest)))
    branches: list[Json] = [
        {"service": service, "planned": True, "shards": 1, "failures": []} for service in ("s3", "vpc", "lambda")
    ]
    return system.invoke("aggregate-findings", {"scanId": scan_id, "execution": _EXECUTION, "branches": branches})


_EXECUTION = {
    "id": "arn:aws:states:us-east-1:123456789012:execution:machine:run",
    "name": "run",
    "startTime": "2026-01-01T00:00:00Z",
    "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:machine",
}


# --- remediate-s3-encryption ----------------------------------------------------------------------------------------

# Buckets of the sample account with SSE-S3: one with nothing that speaks against a key, one with a public list.
_REPAIRED = "payments-customer-statements-123456789012"
_PUBLIC = "payments-database-backups-123456789012"


def repair(system: System) -> str:
    """A bucket gets a key for the first time."""
    _forget_the_keys(system)
    return _repairing(system, _REPAIRED)


def repair_what_was_named(system: System) -> str:
    """A scan of a named bucket repairs it: what other buckets deliver into it, the last scan of all has left."""
    _forget_the_keys(system)
    started = json.loads(system.recorded["plan.json"])["startedAt"]
    latest = {"scanId": system.scan_id, "startedAt": started}
    system.write("state/latest.json", json.dumps(dict.fromkeys(("s3", "vpc", "lambda"), latest)))
    return _repairing(system, _REPAIRED, named=True)


def repair_with_the_key_of_before(system: System) -> str:
    """A bucket has a key of its own and does not use it."""
    _forget_the_keys(system)
    kms = system.client("kms")
    key = kms.create_key(Tags=[{"TagKey": _BUCKET_TAG, "TagValue": _REPAIRED}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=_ALIAS, TargetKeyId=key)
    return _repairing(system, _REPAIRED)


def leave_a_public_bucket_alone(system: System) -> str:
    """A bucket's access control list lets everybody in, unless the bucket ignores such lists."""
    return _repairing(system, _PUBLIC)


def repair_after_a_rollback_that_died(system: System) -> str:
    """A rollback began a change long ago, and did not get to record it."""
    system.remove(f"rollbacks/{_DEAD}/remediation.jsonl")
    return _repairing(system, _PUBLIC, _left_behind("ROLLBACK", None))


def repair_what_was_announced(system: System) -> str:
    """An earlier scan has announced the change, and its alert was sent."""
    _forget_the_keys(system)
    receipt = {"messageId": "a message", "subject": "a subject", "announced": [_REPAIRED]}
    system.write(f"scans/{_DEAD}/alert.json", json.dumps(receipt))
    before: Json = {
        "algorithm": "AES256",
        "kmsKeyId": None,
        "bucketKeyEnabled": False,
        "blockedEncryptionTypes": ["SSE-C"],
    }
    announcement: Json = {
        "scanId": _DEAD,
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "before": before,
        "intended": before | {"algorithm": "aws:kms", "bucketKeyEnabled": True},
    }
    journal: Json = {"open": [], "begun": {}, "held": {}, "announced": {_REPAIRED: announcement}}
    return _repairing(system, _REPAIRED, journal, requested=False)


def roll_back(system: System) -> str:
    """A bucket that a scan has changed gets back what it had."""
    _forget_the_keys(system)
    _repairing(system, _REPAIRED)
    return _rolling_back(system, system.copy_scan(_purpose(_REPAIRED)))


def roll_back_after_a_scan_that_died(system: System) -> str:
    """A scan began a change long ago, and did not get to record it."""
    system.remove(f"scans/{_DEAD}/remediation.jsonl")
    other: Json = {"algorithm": "aws:kms", "kmsKeyId": None, "bucketKeyEnabled": False, "blockedEncryptionTypes": []}
    system.write(_JOURNAL, json.dumps(_left_behind("APPLY", other)))
    return _rolling_back(system, _DEAD)


def _rolling_back(system: System, scan_id: str) -> str:
    rollback_id = new_scan_id()
    plan = {
        "rollbackId": rollback_id,
        "trigger": {"kind": "EXECUTION", "requestedBy": "somebody", "reason": "a permission is missing"},
        "account": "123456789012",
        "region": "us-east-1",
        "scanId": scan_id,
        "buckets": None,
        "mode": "apply",
        "startedAt": "2026-01-01T00:00:00Z",
        "executionArn": _EXECUTION["id"],
    }
    system.write(f"rollbacks/{rollback_id}/plan.json", json.dumps(plan))
    said = system.invoke("rollback-s3-encryption", {"rollbackId": rollback_id})
    return said + system.read(f"rollbacks/{rollback_id}/remediation.jsonl")


_DEAD = "20260101T000000Z-00000000"


def _left_behind(kind: str, before: Json | None) -> Json:
    """The journal of a run that died in the middle of a change."""
    change: Json = {
        "runId": _DEAD,
        "kind": kind,
        "bucket": _PUBLIC,
        "bucketArn": f"arn:aws:s3:::{_PUBLIC}",
        "rules": [],
        "before": before,
        "intended": None,
        "keyArn": None,
        "calls": [],
        "requestedBy": "somebody",
        "executionArn": _EXECUTION["id"],
        "begunAt": "2026-01-01T00:00:00Z",
        "touchedAt": "2026-01-01T00:00:00Z",
    }
    return {"open": [change], "begun": {}, "held": {}}


_ALIAS = f"alias/compliance-audit-{_REPAIRED}"
_BUCKET_TAG = "compliance-audit:bucket"
_JOURNAL = "state/remediation.json"


def _forget_the_keys(system: System) -> None:
    """Take the alias and the tag off the keys that the bucket has got so far."""
    kms = system.client("kms")
    aliases = [alias for page in kms.get_paginator("list_aliases").paginate() for alias in page["Aliases"]]
    for alias in aliases:
        if alias["AliasName"] == _ALIAS:
            kms.untag_resource(KeyId=alias["TargetKeyId"], TagKeys=[_BUCKET_TAG])
            kms.delete_alias(AliasName=_ALIAS)
    # A key that was made and not named, because that was denied.
    for key in [key for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]:
        tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
        if tags.get(_BUCKET_TAG) == _REPAIRED:
            kms.untag_resource(KeyId=key["KeyId"], TagKeys=[_BUCKET_TAG])


def _purpose(bucket: str) -> str:
    return f"repair {bucket}"


def _repairing(
    system: System, bucket: str, journal: Json | None = None, *, requested: bool = True, named: bool = False
) -> str:
    lines = system.recorded["findings.jsonl.zst"].splitlines()
    findings = [line for line in lines if json.loads(line)["resource"]["name"] == bucket]
    count = sum(len(json.loads(line)["findings"]) for line in findings)
    summary = json.loads(system.recorded["summary.json"])
    summary["totals"] = {**dict.fromkeys(summary["totals"], 0), "compliant": count}
    plan = {**json.loads(system.recorded["plan.json"]), "remediation": "apply"}
    plan["remediationRequested"] = requested
    if named:
        plan["resources"] = [f"arn:aws:s3:::{bucket}"]
    scan_id = system.copy_scan(
        _purpose(bucket) + ("" if requested else ", as was announced") + (", by name" if named else ""),
        {
            "findings.jsonl.zst": "".join(f"{line}\n" for line in findings),
            "plan.json": json.dumps(plan),
            "summary.json": json.dumps(summary),
        },
    )
    records = f"scans/{scan_id}/remediation.jsonl"
    system.remove(records, _JOURNAL)
    if journal is not None:
        system.write(_JOURNAL, json.dumps(journal))
    sse_s3 = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    system.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=sse_s3)
    return system.invoke("remediate-s3-encryption", {"scanId": scan_id}) + system.read(records)


# --- The deliveries -------------------------------------------------------------------------------------------------


def deliver(function: str) -> Scene:
    """A scan is reported, in this function's way."""
    return lambda system: system.invoke(function, {"scanId": system.scan_id, "remediation": None})


def deliver_figures(system: System) -> str:
    """The first complete scan of all services publishes its metrics."""
    system.remove("state/figures.json")
    return deliver("publish-metrics")(system)


def deliver_what_nobody_planned(function: str) -> Scene:
    """A scan that there is not."""
    return lambda system: system.invoke(function, {"scanId": new_scan_id(), "remediation": None})


def deliver_what_breaks_off(function: str) -> Scene:
    """The findings end before as many were read as were counted, behind the first part of the report."""

    def scene(system: System) -> str:
        lines = system.recorded["findings.jsonl.zst"].splitlines()
        few = [_long(line, _IN_PARTS // len(lines)) for line in lines[1:]]
        broken = {"findings.jsonl.zst": "".join(f"{line}\n" for line in few)}
        return system.invoke(function, {"scanId": system.copy_scan("too few findings", broken), "remediation": None})

    return scene


def notify(system: System) -> str:
    """An alert is sent for the first time, to people who know nothing yet."""
    system.remove(f"scans/{system.scan_id}/alert.json")
    system.remove("state/alerts.json")
    return system.invoke(
        "notify-critical",
        {"scanId": system.scan_id, "execution": _EXECUTION, "remediation": None, "failedDeliveries": []},
    )


# --- The seal -------------------------------------------------------------------------------------------------------


def seal(system: System) -> str:
    """A scan is sealed as the first link of a chain."""
    plan = {"decision": "PROCEED", "scanId": system.scan_id, "services": ["s3"], "remediation": "off"}
    return _sealing(system, plan)


def seal_a_rollback(system: System) -> str:
    """A rollback is sealed as the first link of a chain."""
    rollback_id = new_scan_id()
    system.write(f"rollbacks/{rollback_id}/remediation.jsonl", "{}\n")
    plan = {
        "decision": "ROLLBACK",
        "rollbackId": rollback_id,
        "scanId": system.scan_id,
        "mode": "apply",
        "requestedBy": "a person",
    }
    return _sealing(system, plan)


def _sealing(system: System, plan: Json) -> str:
    system.remove(*system.keys("scans/", "manifest."), *system.keys("rollbacks/", "manifest."))
    system.remove("state/evidence.json", *system.keys("state/evidence-keys/"))
    return system.invoke("seal-evidence", {"execution": _EXECUTION, "plan": plan, "failure": None})


# --- The custom resources -------------------------------------------------------------------------------------------


def close_the_default_group(system: System) -> str:
    """The stack comes, and the default security group of its VPC has the rules that AWS gives it."""
    ec2 = system.client("ec2")
    ours = [{"Name": "tag:Name", "Values": [f"audit-vpc-{system.name}"]}]
    [vpc] = ec2.describe_vpcs(Filters=ours)["Vpcs"]
    in_it = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    [group] = ec2.describe_security_groups(Filters=in_it)["SecurityGroups"]
    group_id = group["GroupId"]
    if not group["IpPermissions"]:
        itself = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[itself])
    if not group["IpPermissionsEgress"]:
        everywhere = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[everywhere])
    properties = {"SecurityGroupId": group_id}
    return _as_cloudformation_asks(system, "close-default-security-group", "Create", properties)


def tell_the_public_key(system: System) -> str:
    """The stack comes, and its outputs need the public half of the key that signs."""
    properties = {"KeyArn": system.deployment.outputs["EvidenceKeyArn"]}
    return _as_cloudformation_asks(system, "publish-evidence-key", "Create", properties)


def empty(system: System) -> str:
    """The stack goes, and the reports bucket holds an object and an upload that was never finished."""
    system.write("left-over", "x")
    system.client("s3").create_multipart_upload(Bucket=system.bucket, Key="unfinished")
    return _as_cloudformation_asks(system, "empty-bucket", "Delete", {"BucketName": system.bucket})


def _as_cloudformation_asks(system: System, function: str, request: str, properties: Json) -> str:
    """Invoke a custom resource's function; gives what it says, and what it answers CloudFormation.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
    """
    answers: list[str] = []

    class CloudFormation(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            answers.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), CloudFormation) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = system.invoke(
            function,
            {
                "RequestType": request,
                "RequestId": str(uuid.uuid4()),
                "ResponseURL": f"http://127.0.0.1:{server.server_port}/",
                "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/a/b",
                "ResourceType": "Custom::Resource",
                "LogicalResourceId": "resource",
                "PhysicalResourceId": "resource",
                "ServiceToken": "function",
                "ResourceProperties": {"ServiceToken": "function", **properties},
            },
        )
        server.shutdown()
    return "\n".join([said, *answers])


# --- The services ---------------------------------------------------------------------------------------------------


def execute(request: Json) -> Scene:
    """The state machine carries a request out; its history says how."""
    return lambda system: system.history(system.start(request))


_SHORT: Json = {"services": ["vpc"], "remediation": "off"}
# The state machine itself tells people of its failure.
_REFUSED: Json = {"services": ["ec3"]}


def send_the_event(system: System) -> str:
    """EventBridge starts a scan for an event, or keeps the event with the reason."""
    known = system.executions()
    entry = {"Source": "compliance.audit", "DetailType": "Compliance Scan Requested", "Detail": json.dumps(_SHORT)}
    system.client("events").put_events(Entries=[entry])
    for _ in patiently("the event neither started an execution nor became a dead letter"):
        if started := system.executions() - known:
            return "".join(system.history(arn) for arn in started)
        if kept := system.dead_letters():
            return kept
    raise AssertionError("unreachable")


_PARTS_OF_A_VPC = ("security-group", "network-acl", "subnet", "route-table", "vpc-endpoint")

SCENES: Mapping[str, tuple[Scene, ...]] = {
    "plan-scan": (plan_once, plan_again, plan_for_an_event_that_is_taken, plan_after_a_change, plan_a_rollback),
    "list-targets": (
        look_up("vpc", *(f"arn:aws:ec2:us-east-1:123456789012:{part}/{part}-1" for part in _PARTS_OF_A_VPC)),
        list_once("s3"),
        list_once("vpc"),
        list_once("lambda"),
        list_again,
        look_up("lambda", "arn:aws:lambda:us-east-1:123456789012:function:no-such-function"),
    ),
    "scan-s3": (scan_the_account_and_its_buckets, scan_what_nobody_planned("s3")),
    "scan-vpc": (scan_the_account_and_a_vpc, scan_what_nobody_planned("vpc")),
    "scan-lambda": (scan_functions, scan_what_nobody_planned("lambda")),
    "aggregate-findings": (
        aggregate,
        aggregate_again,
        aggregate_named,
        aggregate_named_anew,
        aggregate_after_a_rule_was_retired,
        aggregate_what_nobody_planned,
        aggregate_what_breaks_off,
    ),
    "remediate-s3-encryption": (
        repair,
        repair_what_was_named,
        repair_with_the_key_of_before,
        leave_a_public_bucket_alone,
        repair_after_a_rollback_that_died,
        repair_what_was_announced,
    ),
    "rollback-s3-encryption": (roll_back, roll_back_after_a_scan_that_died),
    "write-json-report": (
        deliver("write-json-report"),
        deliver_what_nobody_planned("write-json-report"),
        deliver_what_breaks_off("write-json-report"),
    ),
    "write-csv-report": (
        deliver("write-csv-report"),
        deliver_what_nobody_planned("write-csv-report"),
        deliver_what_breaks_off("write-csv-report"),
    ),
    "write-html-report": (
        deliver("write-html-report"),
        deliver_what_nobody_planned("write-html-report"),
    ),
    "publish-metrics": (
        deliver_figures,
        deliver("publish-metrics"),
        deliver_what_nobody_planned("publish-metrics"),
    ),
    "notify-critical": (notify,),
    "seal-evidence": (seal, seal_a_rollback),
    "close-default-security-group": (close_the_default_group,),
    "publish-evidence-key": (tell_the_public_key,),
    "compliance-audit": (
        execute(_SHORT),
        execute({"services": ["s3"], "remediation": "dry-run"}),
        execute({"services": ["lambda"], "remediation": "off"}),
        execute(_REFUSED),
        execute(_back(_DEAD)),
    ),
    "start-scan": (send_the_event,),
    "scan-changes": (),
    "flow-logs": (),
    # The last one: it leaves nothing for the others.
    "empty-bucket": (empty,),
}
"""The scenes of each owner of a role; the first one has most to do."""
