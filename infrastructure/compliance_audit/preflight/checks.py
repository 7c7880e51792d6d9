"""Judges what was read: what works, what would fail in the deployment and how to mend it, what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from compliance_audit.policy import APPLY
from compliance_audit.preflight.needs import Needs
from compliance_audit.preflight.readings import (
    GATEWAY_ENDPOINTS,
    INTERFACE_ENDPOINTS,
    VPCS,
    NotReadError,
    Readings,
    Unreadable,
    value,
)
from compliance_audit.settings import MIN_ZONES, REGION, S3_EXPRESS, SCANNERS

BOOTSTRAP_VERSION = 6
"""The oldest version of the CDK's bootstrap resources that the stack can be deployed with.

https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
"""


_CREDENTIAL_ERRORS = frozenset(
    {
        # What botocore raises before it asks: credentials or a sign-in are missing, incomplete or expired.
        # https://github.com/boto/botocore/blob/develop/botocore/exceptions.py
        "CredentialRetrievalError",
        "InvalidConfigError",
        "LoginAuthorizationCodeError",
        "LoginInsufficientPermissions",
        "LoginRefreshRequired",
        "LoginTokenLoadError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "RefreshWithMFAUnsupportedError",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
        "UnknownCredentialError",
        # https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
        "ExpiredToken",
        "ExpiredTokenException",
        "IDPRejectedClaim",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        # IAM Identity Center's answer to who may not have the role that the profile names.
        "ForbiddenException",
    }
)


class Verdict(Enum):
    """What a check came to."""

    OK = "ok"
    FAILS = "FAILS"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Line:
    """A check's result, as it is printed."""

    verdict: Verdict
    what: str
    """What was checked."""
    text: str
    """What was found; for a failure also what to do."""

    def __str__(self) -> str:
        return f"{self.verdict.value:<12} {self.what}: {self.text}"


def judge(needs: Needs, readings: Readings) -> list[Line]:
    """Every check, in the order in which a person would mend what fails."""
    return [_line(what, check, needs, readings) for what, check in _CHECKS.items()]


def no_identity(reading: Unreadable) -> Line:
    """Nothing else can be read then. Only without valid credentials is it certain that nothing can be deployed."""
    # AccessDenied to GetCallerIdentity itself is no matter of credentials: only a policy on the way to AWS can do that.
    denied_role = reading.error == "AccessDenied" and reading.action.startswith("sts:AssumeRole")
    if reading.error not in _CREDENTIAL_ERRORS and not denied_role:
        return Line(
            Verdict.NOT_CHECKED,
            "account",
            f"AWS could not be asked ({reading.error}); nothing of the account was checked. Look at the network, the "
            "proxy (HTTPS_PROXY) and the endpoint (AWS_ENDPOINT_URL, a VPC endpoint's policy), and ask again",
        )
    return Line(
        Verdict.FAILS,
        "account",
        f"AWS did not tell who asks ({reading.action}: {reading.error}); put valid credentials of the target "
        "account into the environment, or name a profile with --profile",
    )


class _WouldFailError(Exception):
    """What would fail in the deployment, and how to mend it."""


class _UndecidedError(Exception):
    """What only the deployment itself can tell, though everything was read, and how to be safe from it."""


_Check = Callable[[Needs, Readings], str]
"""Tells what is fine. Raises _WouldFailError for what would fail, _UndecidedError for what nobody knows beforehand,
NotReadError for what could not be read."""


def _line(what: str, check: _Check, needs: Needs, readings: Readings) -> Line:
    try:
        return Line(Verdict.OK, what, check(needs, readings))
    except _WouldFailError as failure:
        return Line(Verdict.FAILS, what, str(failure))
    except _UndecidedError as doubt:
        return Line(Verdict.NOT_CHECKED, what, str(doubt))
    except NotReadError as error:
        return Line(Verdict.NOT_CHECKED, what, f"{error}; mend that and ask again, or look for yourself")


def _account(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    return f"{needs.account}, as {readings.caller}"


def _region(needs: Needs, readings: Readings) -> str:
    """The stack names its region; the bootstrap and the AWS CLI take the environment's.

    https://docs.aws.amazon.com/cdk/v2/guide/configure-env.html
    """
    if readings.region is None:
        return f"{REGION}, which the stack names; the environment and the profile name none"
    if readings.region != REGION:
        return (
            f"{REGION}, which the stack names; but the environment or the profile names {readings.region}, where "
            "`cdk bootstrap` without a region and the AWS CLI would go: "
            f"`export AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}`"
        )
    return REGION


def _bootstrap(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html"""
    mend = f"`npx --prefix infrastructure cdk bootstrap aws://{needs.account}/{REGION}`"
    version = value(readings.bootstrap_version)
    if version is None:
        raise _WouldFailError(f"{needs.bootstrap_parameter} is not there: the account was never bootstrapped; {mend}")
    if version < BOOTSTRAP_VERSION:
        raise _WouldFailError(f"version {version} is there, at least {BOOTSTRAP_VERSION} is needed; {mend}")
    if not value(readings.bootstrap_bucket):
        raise _WouldFailError(
            f"version {version} is there, its bucket {needs.bootstrap_bucket} is not; delete the stack CDKToolkit, "
            f"then {mend}"
        )
    return f"version {version}, at least {BOOTSTRAP_VERSION} is needed"


def _stack(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html has the states' meaning."""
    status = value(readings.stack_status)
    if status is None:
        return f"{needs.stack} is not there yet"
    # `cdk deploy` deletes a stack whose creation was rolled back, and goes on with one that only has a change set.
    if status in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"):
        return f"{needs.stack} is {status}: the CDK makes it anew"
    found = f"{needs.stack} is {status}"
    if status.endswith("_IN_PROGRESS"):
        raise _WouldFailError(f"{found}: somebody is changing it; wait until that has ended")
    if status in ("DELETE_FAILED", "ROLLBACK_FAILED"):
        raise _WouldFailError(
            f"{found}: its events in the CloudFormation console name what could not be deleted, and why; "
            "mend that, then `make destroy`"
        )
    if status.endswith("_FAILED"):
        raise _WouldFailError(
            f"{found}: its events in the CloudFormation console name what failed, and why; mend that, then "
            f"`cdk rollback {needs.stack}` with the same settings"
        )
    return f"{found}, and can be updated"


def _bucket(needs: Needs, readings: Readings) -> str:
    """Bucket names are unique over all accounts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
    _free(
        [needs.bucket] if value(readings.bucket) else [],
        readings,
        "fetch from the bucket what must be kept and delete it, or take another environmentSuffix",
    )
    return f"{needs.bucket} is free or ours"


def _flow_log_group(needs: Needs, readings: Readings) -> str:
    """One name for one region and date, whatever the environment: the customer's rule."""
    _free(
        value(readings.log_groups) & {needs.flow_log_group},
        readings,
        "another deployment of that day has it: give flowLogDate the time of day too, for instance "
        "-c flowLogDate=2026-11-24T0915; or delete the log group if it was left behind",
    )
    return f"{needs.flow_log_group} is free or ours"


def _log_groups(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html"""
    _free(
        value(readings.log_groups) & needs.log_groups,
        readings,
        "left behind by an earlier deployment: `aws logs delete-log-group --log-group-name NAME` for each, "
        "or take another environmentSuffix",
    )
    return f"all {len(needs.log_groups)} names are free or ours"


def _functions(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"""
    _free(
        value(readings.reservations).keys(),
        readings,
        "`aws lambda delete-function --function-name NAME` for each, or take another environmentSuffix",
    )
    return f"all {len(needs.functions)} names are free or ours"


def _keys(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html"""
    _free(
        value(readings.key_aliases),
        readings,
        "`aws kms delete-alias --alias-name NAME` for each, which keeps the key; or take another environmentSuffix",
    )
    return f"all {len(needs.key_aliases)} aliases are free or ours"


def _roles_and_policies(needs: Needs, readings: Readings) -> str:
    """CloudFormation's id of a role is its name, that of a managed policy its ARN.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html and
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-managedpolicy.html
    """
    _free(
        value(readings.roles) | value(readings.policies),
        readings,
        "left behind by an earlier deployment: `aws iam detach-role-policy --role-name NAME --policy-arn ARN`, "
        "`aws iam delete-role --role-name NAME` and `aws iam delete-policy --policy-arn ARN` for each, "
        "or take another environmentSuffix",
    )
    return f"all {len(needs.roles)} roles' and {len(needs.policies)} policies' names are free or ours"


def _free(found: Iterable[str], readings: Readings, mend: str) -> None:
    """Names that exist must be our stack's, or CloudFormation cannot make what is called so."""
    taken = sorted(set(found) - value(readings.stack_resources).keys())
    if taken:
        raise _WouldFailError(f"{', '.join(taken)} exists and is not of our stack; {mend}")


_KEPT = 100
_KEPT_IN_SOME_ACCOUNTS = 50


def _concurrency(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""
    limit = value(readings.concurrency).limit
    if not needs.reservations:
        return f"nothing is to be reserved of the account's {limit} concurrent executions{_throttled(needs, limit)}"
    left = value(readings.concurrency).unreserved + sum(value(readings.reservations).values()) - needs.reservations
    if left >= _KEPT:
        return f"the functions reserve {needs.reservations}, which leaves {left} unreserved; AWS Lambda keeps {_KEPT}"
    found = (
        f"the functions reserve {needs.reservations} concurrent executions, which would leave {left} of the account's "
        f"{limit} unreserved; AWS Lambda keeps {_KEPT}, in some accounts {_KEPT_IN_SOME_ACCOUNTS}"
    )
    mend = (
        f"Raise the quota: {_raise('lambda', 'L-B99A9384', limit + _KEPT - left)}; "
        f"or deploy with -c reservedConcurrency=none{_throttled(needs, limit)}"
    )
    if left >= _KEPT_IN_SOME_ACCOUNTS:
        raise _UndecidedError(f"{found}, and only its refusal tells which. {mend}")
    raise _WouldFailError(f"{found}. {mend}")


def _throttled(needs: Needs, limit: int) -> str:
    """Advice where all scanners at once are more than the account may run."""
    scanners = len(SCANNERS) * needs.map_concurrency
    if scanners <= limit:
        return ""
    fewer = max(1, limit // len(SCANNERS))
    return f", and with -c mapConcurrency={fewer}, or some of the {scanners} scanners at once are throttled"


def _vpcs(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""
    return _room(VPCS, 1, len(value(readings.vpcs) - value(readings.stack_resources).keys()), readings)


def _gateway_endpoints(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html"""
    others = value(readings.gateway_endpoints) - value(readings.stack_resources).keys()
    return _room(GATEWAY_ENDPOINTS, 2, len(others), readings)


def _interface_endpoints(needs: Needs, readings: Readings) -> str:
    """Of a VPC that is ours alone: https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html"""
    return _room(INTERFACE_ENDPOINTS, len(needs.endpoint_services), 0, readings)


def _room(code: str, needed: int, used: int, readings: Readings) -> str:
    quota = value(readings.quotas[code])
    if used + needed > quota:
        raise _WouldFailError(
            f"{needed} needed and {used} in use by others, of {quota} that the account may have; delete what is not "
            f"needed, or have the quota raised: {_raise('vpc', code, used + needed)}"
        )
    return f"{needed} needed and {used} in use by others, of {quota}"


def _raise(service: str, code: str, to: int) -> str:
    """https://docs.aws.amazon.com/servicequotas/latest/userguide/request-quota-increase.html"""
    return (
        f"`aws service-quotas request-service-quota-increase --region {REGION} --service-code {service} "
        f"--quota-code {code} --desired-value {to}`"
    )


_WITHOUT_LAMBDA = frozenset({"use1-az3"})
"""The zones in which AWS Lambda takes no subnet, by the ids that mean the same zone in every account.

No API and no page of AWS lists them, only the refusal tells: "The provided subnets contain availability zone Lambda
doesn't support", as in https://github.com/keboola/developer-portal/issues/81.
"""


def _zones(needs: Needs, readings: Readings) -> str:
    """Each account has names of its own for the zones: https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html"""
    ids, before = value(readings.zone_ids), value(readings.stack_zones)
    unknown = [zone for zone in needs.zones if zone not in ids]
    if unknown:
        raise _WouldFailError(f"this account cannot use {', '.join(unknown)}; {_other_zones(needs, readings)}")
    refused = [f"{zone}, which is {ids[zone]}" for zone in needs.zones if ids[zone] in _WITHOUT_LAMBDA]
    if refused:
        raise _WouldFailError(f"AWS Lambda takes no subnet in {', '.join(refused)}; {_other_zones(needs, readings)}")
    kept = min(len(before), len(needs.zones))
    if before[:kept] != needs.zones[:kept]:
        # The new subnet is made before the old one is deleted, and has the same addresses:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-subnet.html
        raise _WouldFailError(
            f"the stack's subnets lie in {', '.join(before)}, and CloudFormation cannot move one to another zone; "
            f"begin with these, as in {_setting(before)}, and add others at the end; or `make destroy` first"
        )
    return ", ".join(f"{zone} is {ids[zone]}" for zone in needs.zones)


def _other_zones(needs: Needs, readings: Readings) -> str:
    """Advice that names zones in which everything works, as far as that could be read."""
    usable = []
    if not isinstance(readings.zone_ids, Unreadable):
        usable.append({zone for zone, zone_id in readings.zone_ids.items() if zone_id not in _WITHOUT_LAMBDA})
    if not isinstance(readings.service_zones, Unreadable):
        usable += [set(readings.service_zones.get(service, ())) for service in needs.endpoint_services]
    everywhere = set.intersection(*usable)
    chosen = [zone for zone in needs.zones if zone in everywhere]
    zones = [*chosen, *sorted(everywhere.difference(chosen))][: len(needs.zones)]
    if len(zones) < MIN_ZONES:
        return f"fewer than {MIN_ZONES} zones of this account have all of it: take another account"
    return f"deploy with {_setting(zones)}"


def _setting(zones: Iterable[str]) -> str:
    return f"-c zones={','.join(zone.removeprefix(REGION) for zone in zones)}"


def _endpoint_services(needs: Needs, readings: Readings) -> str:
    """Each account has names of its own for the zones, and not every service is in every zone.

    https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
    """
    offered = value(readings.service_zones)
    missing = [
        (service, zone)
        for service in sorted(needs.endpoint_services)
        for zone in needs.zones
        if zone not in offered.get(service, frozenset())
    ]
    if missing:
        raise _WouldFailError(
            f"AWS offers no endpoint for {', '.join(f'{service} in {zone}' for service, zone in missing)}; "
            f"{_other_zones(needs, readings)}"
        )
    return f"all {len(needs.endpoint_services)} services are offered in {', '.join(needs.zones)}"


def _prefix_list(needs: Needs, readings: Readings) -> str:
    """The functions' way to directory buckets leads to the addresses of this list."""
    ours, found = needs.s3_express_prefix_list, value(readings.s3_express_prefix_list)
    if found is None:
        raise _WouldFailError(f"AWS has no prefix list {S3_EXPRESS} here; {REGION} has one, so look at the region")
    if found != ours:
        raise _WouldFailError(f"{S3_EXPRESS} is {found}, and not {ours}; deploy with -c s3ExpressPrefixList={found}")
    return f"{S3_EXPRESS} is {ours}"


def _iam(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html"""
    summary, ours = value(readings.iam), list(value(readings.stack_resources).values())
    for kind, entity, needed, code in (
        ("AWS::IAM::Role", "Roles", len(needs.roles), "L-FE177D64"),
        ("AWS::IAM::ManagedPolicy", "Policies", len(needs.policies), "L-E95E4862"),
    ):
        used, quota = summary[entity] - ours.count(kind), summary[f"{entity}Quota"]
        if used + needed > quota:
            raise _WouldFailError(
                f"{entity}: {needed} needed and {used} in use by others, of {quota} that the account may have; "
                f"delete what is not needed, or have the quota raised: {_raise('iam', code, used + needed)}"
            )
    return f"there is room for {len(needs.roles)} roles and {len(needs.policies)} managed policies"


_LOG_POLICIES = 10
_LOG_DELIVERY = "AWSLogDeliveryWrite20150319"


def _log_delivery(needs: Needs, readings: Readings) -> str:
    """A state machine's log needs a resource policy that lets AWS write it.

    AWS adds to the one of its own name, or makes one. An account has ten at most, those of single log groups not
    counted. The pages differ on which kind it makes:
    https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html and
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-CWL.html
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html has the ten.
    """
    policies = value(readings.log_policies)
    if len(policies) < _LOG_POLICIES:
        return f"{len(policies)} resource policies of CloudWatch Logs, of {_LOG_POLICIES} that the account may have"
    if _LOG_DELIVERY in policies:
        return f"AWS adds to the resource policy {_LOG_DELIVERY}"
    if "AWS::StepFunctions::StateMachine" in value(readings.stack_resources).values():
        return "the state machine has its log already"
    raise _UndecidedError(
        f"the account has {len(policies)} resource policies of CloudWatch Logs, as many as it may have, and none is "
        f"{_LOG_DELIVERY}, to which AWS would add. Whether it gives the log group one of its own, which does not "
        "count, or refuses the state machine, only the deployment tells. To be safe put two of `aws logs "
        "describe-resource-policies` into one with `aws logs put-resource-policy`, then `aws logs "
        "delete-resource-policy --policy-name NAME`"
    )


def _other_deployments(needs: Needs, readings: Readings) -> str:
    """What was changed and what was taken back is in a journal that only one deployment reads."""
    modes = value(readings.deployments)
    if not modes:
        return "there is none in this account"
    if not needs.repairs:
        return f"{', '.join(sorted(modes))}; this one changes no bucket"
    found = "and what one takes back the other would change again, for each has a journal of its own"
    mend = 'set mode = "dry-run" under [remediation] in infrastructure/audit-policy.toml, here or there'
    repairing = sorted(stack for stack, mode in modes.items() if mode == APPLY)
    if repairing:
        raise _WouldFailError(f"{', '.join(repairing)} repairs buckets as this one would, {found}; {mend}")
    silent = sorted(stack for stack, mode in modes.items() if mode is None)
    if silent:
        raise _UndecidedError(
            f"{', '.join(silent)} does not say whether it repairs buckets as this one would, {found}; look at its "
            f"audit policy, and if so {mend}"
        )
    return f"{', '.join(sorted(modes))}; none of them changes a bucket"


def _trail(needs: Needs, readings: Readings) -> str:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html"""
    if not needs.change_scans:
        return "not needed, for changes of the account start no scans"
    if not value(readings.management_trail):
        raise _WouldFailError(
            "no trail that is logging records the management events of the region, so that no change would ever start "
            "a scan: make one in the CloudTrail console, whose first copy of management events is free but for its "
            "storage, or deploy with -c changeScans=false"
        )
    return "a trail records the management events of the region"


_CHECKS: Mapping[str, _Check] = {
    "account": _account,
    "region": _region,
    "CDK bootstrap": _bootstrap,
    "stack": _stack,
    "reports bucket's name": _bucket,
    "flow logs' log group": _flow_log_group,
    "other log groups' names": _log_groups,
    "functions' names": _functions,
    "keys' aliases": _keys,
    "roles' and policies' names": _roles_and_policies,
    "Lambda concurrency": _concurrency,
    "VPCs": _vpcs,
    "gateway endpoints": _gateway_endpoints,
    "interface endpoints": _interface_endpoints,
    "availability zones": _zones,
    "endpoint services": _endpoint_services,
    "prefix list": _prefix_list,
    "log delivery": _log_delivery,
    "trail": _trail,
    "IAM roles and policies": _iam,
    "other deployments": _other_deployments,
}
