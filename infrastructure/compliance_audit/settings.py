"""What a deployment may choose, read from the CDK context and checked before anything is synthesized."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compliance_audit.names import MAX_ENVIRONMENT_AND_SUFFIX, Names

REGION = "us-east-1"
"""The customer's region; the only one."""

S3_EXPRESS = f"com.amazonaws.{REGION}.s3express"
"""The service behind directory buckets (S3 Express One Zone), by the name that its prefix list has, too."""

FUNCTIONS = (
    "plan-scan",
    "list-targets",
    "scan-s3",
    "scan-vpc",
    "scan-lambda",
    "aggregate-findings",
    "remediate-s3-encryption",
    "rollback-s3-encryption",
    "write-json-report",
    "write-csv-report",
    "write-html-report",
    "publish-metrics",
    "notify-critical",
    "seal-evidence",
    "empty-bucket",
    "close-default-security-group",
    "publish-evidence-key",
)
"""Every function, by the name of its folder under `functions/`."""

MIN_ZONES, MAX_ZONES = 2, 4
"""How many availability zones there may be: one that fails must not stop the scans, and the VPC's range has room for
four subnets."""

MAX_TAG_VALUE = 100
"""How long a tag's value may be. Services take 256 characters, but the policy that lets remediation tag its keys has
each value twice, and IAM takes 6,144 of a policy:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

SCANNERS = ("scan-s3", "scan-vpc", "scan-lambda")
"""The functions that read one shard of resources each."""

CUSTOM_RESOURCES = ("empty-bucket", "close-default-security-group", "publish-evidence-key")
"""The functions that CloudFormation calls."""


class SettingsError(Exception):
    """The context does not describe a deployment; the message lists everything that is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A checked description of one deployment."""

    environment: str
    """Stage of the deployment, for instance `dev`; part of every name."""
    environment_suffix: str
    """Tells deployments of one stage apart, for instance `pr42`; part of every name."""
    owner: str
    """Value of the Owner tag: who answers for the resources."""
    cost_center: str
    """Value of the CostCenter tag."""
    compliance_level: str
    """Value of the ComplianceLevel tag. No fixed set: the customer demands the tag and names no levels, and each
    company has its own words for them."""
    alert_emails: tuple[str, ...]
    """Who receives the alerts; each address must confirm its subscription."""
    flow_log_date: str
    """Date of the first deployment, YYYY-MM-DD or YYYY-MM-DDThhmm; part of the flow log group's name, so it must not
    change later. The time tells deployments of one day apart, for nothing else in that name does."""
    s3_express_prefix_list: str
    """Id of the list of addresses that AWS keeps for S3 Express One Zone in the region. AWS publishes no such ids, and
    nobody looks them up at synthesis."""
    zones: tuple[str, ...]
    """The availability zones in which the functions and the endpoints have a subnet, by the account's own names for
    them; named, not looked up, so that synthesis needs no account."""
    map_concurrency: int
    """How many shards of one service are scanned at once."""
    reserved_concurrency: Mapping[str, int] | None
    """Concurrent executions reserved for each function; None reserves nothing."""
    architecture: str
    """Instruction set of the functions' binaries."""
    cloud_trail: bool
    """Whether the trails of AWS CloudTrail are read, which takes an interface endpoint of their own."""
    change_scans: bool
    """Whether a change of the account starts a scan of what it changed, which takes a trail of management events."""
    change_settling_seconds: int
    """How long a resource is left alone after a change before it is read, in seconds."""

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> Settings:
        """Check the context of the CDK app.

        Raises SettingsError, which names every key that is wrong, its value, and what is allowed.
        """
        return cls(**checked(context, _KEYS, problems=_unknown_keys(context)))

    @property
    def names(self) -> Names:
        """The names of this deployment's resources."""
        return Names(environment=self.environment, suffix=self.environment_suffix)

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of every taggable resource."""
        return {
            "Environment": self.environment,
            "Owner": self.owner,
            "CostCenter": self.cost_center,
            "ComplianceLevel": self.compliance_level,
        }

    @property
    def metrics_namespace(self) -> str:
        """The CloudWatch namespace of the scans' metrics."""
        return f"ComplianceAudit/{self.names.system}"


def checked(context: Mapping[str, object], keys: Iterable[str], *, problems: Iterable[str] = ()) -> dict[str, Any]:
    """Check some keys of the context: their values by the names of the fields of Settings.

    Raises SettingsError, which names every key that is wrong, its value, and what is allowed, after the problems that
    are known already.
    """
    values: dict[str, Any] = {}
    found = list(problems)
    for key in keys:
        field, parse, allowed = _KEYS[key]
        if key not in context:
            found.append(f"{key} is missing; allowed: {allowed}")
            continue
        try:
            values[field] = parse(context[key])
        except ValueError:
            found.append(f"{key} is {json.dumps(context[key], ensure_ascii=False)}; allowed: {allowed}")
    found += _conflicts(values)
    if found:
        raise SettingsError("\n".join([_ADVICE, *(f"  - {problem}" for problem in found)]))
    return values


_ADVICE = (
    'The settings are wrong. Give them in infrastructure/cdk.json under "context", or with `cdk -c key=value`; '
    "infrastructure/README.md explains each."
)


# What the CDK itself keeps in the context has a colon in its key, but for these two.
_KEYS_OF_THE_CDK = ("acknowledged-issue-numbers", "cli-telemetry")

_REPLACED = {"zoneCount": "zones"}
"""Settings that there were, and those that there are instead."""


def _unknown_keys(context: Mapping[str, object]) -> Iterator[str]:
    """Misspelt settings, which would otherwise leave a default in force unnoticed, and those of earlier versions."""
    for key in context:
        if key in _REPLACED:
            instead = _REPLACED[key]
            yield f"{key} is not a setting any more; allowed: {instead}, {_KEYS[instead][2]}"
        elif ":" not in key and key not in _KEYS and key not in _KEYS_OF_THE_CDK:
            yield f"{key} is not a setting; allowed: {', '.join(_KEYS)}"


def _conflicts(values: Mapping[str, Any]) -> Iterator[str]:
    """What does not go together among the values that are right by themselves, by the name of their field."""
    environment, suffix = values.get("environment", ""), values.get("environment_suffix", "")
    length = len(environment) + len(suffix)
    if length > MAX_ENVIRONMENT_AND_SUFFIX:
        yield (
            f'environment is "{environment}" and environmentSuffix is "{suffix}", {length} characters together; '
            f"allowed: at most {MAX_ENVIRONMENT_AND_SUFFIX}, so that the reports bucket's name fits into 63"
        )
    at_once = values.get("map_concurrency", 0)
    for function, reserved in (values.get("reserved_concurrency") or {}).items():
        if function in SCANNERS and reserved < at_once:
            yield (
                f"reservedConcurrency of {function} is {reserved}; allowed: at least mapConcurrency, which is "
                f"{at_once}, or the scan throttles itself"
            )


def _matching(pattern: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        # `cdk -c key=123` gives text, a JSON file may give a number.
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return parse


def _integer(lowest: int, highest: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch("[0-9]+", str(value)):
            raise ValueError
        number = int(value)
        if not lowest <= number <= highest:
            raise ValueError
        return number

    return parse


def _switch(value: object) -> bool:
    # A command line has only text.
    switches: Mapping[object, bool] = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value not in switches:
        raise ValueError
    return switches[value]


def _one_of(*allowed: str) -> Callable[[object], str]:
    return _matching("|".join(re.escape(value) for value in allowed))


def _emails(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not all(isinstance(address, str) for address in value):
        raise ValueError
    addresses = tuple(_email(address.strip()) for address in value)
    if not addresses or len({address.lower() for address in addresses}) < len(addresses):
        raise ValueError
    return addresses


# Stricter than RFC 5321 where that allows what no mailbox of a company has: quoted names and bare hosts. The lengths,
# 64 before the at sign and 254 in all, are the RFC's.
_email = _matching(
    r"(?=.{1,254}$)(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


def _date(value: object) -> str:
    # No colon in the time: CloudWatch Logs allows none in a log group's name.
    text = _matching("[0-9]{4}-[0-9]{2}-[0-9]{2}(T([01][0-9]|2[0-3])[0-5][0-9])?")(value)
    datetime.date.fromisoformat(text[:10])
    return text


def _zones(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not MIN_ZONES <= len(value) <= MAX_ZONES:
        raise ValueError
    zones = tuple(f"{REGION}{_letter(letter.strip() if isinstance(letter, str) else letter)}" for letter in value)
    if len(set(zones)) < len(zones):
        raise ValueError
    return zones


_letter = _matching("[a-z]")


def _reservations(value: object) -> Mapping[str, int] | None:
    if value == "none":
        return None
    reserve = _integer(1, 1000)
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        return dict.fromkeys(FUNCTIONS, reserve(value))
    # A command line has only text: `-c reservedConcurrency='{"plan-scan": 2, …}'`.
    numbers = json.loads(value) if isinstance(value, str) else value
    if not isinstance(numbers, dict) or set(numbers) != set(FUNCTIONS):
        raise ValueError
    return {function: reserve(number) for function, number in numbers.items()}


_NAME = "lower-case letters and digits, first a letter"
# https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html: what every service takes in a tag's value.
# IAM refuses values that begin with aws: as well, https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html.
_TAG = (
    rf"(?![Aa][Ww][Ss]:)[A-Za-z0-9_.:/=+@-]([A-Za-z0-9 _.:/=+@-]{{0,{MAX_TAG_VALUE - 2}}}[A-Za-z0-9_.:/=+@-])?",
    f"1 to {MAX_TAG_VALUE} of A-Z a-z 0-9 space _.:/=+-@, no space at either end, not beginning with aws:",
)

_KEYS: Mapping[str, tuple[str, Callable[[object], object], str]] = {
    "environment": ("environment", _matching("[a-z][a-z0-9]*"), f"{_NAME}, for instance dev"),
    "environmentSuffix": (
        "environment_suffix",
        # The reports bucket's name ends with it, and Amazon S3 keeps -an and -s3alias for names of other kinds:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        _matching("(?!(.*-)?(an|s3alias)$)[a-z0-9]+(-[a-z0-9]+)*"),
        "lower-case letters and digits with single hyphens between them, the last word not an or s3alias, for instance "
        "pr42",
    ),
    "owner": ("owner", _matching(_TAG[0]), _TAG[1]),
    "costCenter": ("cost_center", _matching(_TAG[0]), _TAG[1]),
    "complianceLevel": ("compliance_level", _matching(_TAG[0]), _TAG[1]),
    "alertEmails": (
        "alert_emails",
        _emails,
        "at least one e-mail address, each once and of at most 254 characters, separated by commas",
    ),
    "flowLogDate": (
        "flow_log_date",
        _date,
        "the day of the first deployment, YYYY-MM-DD, or its day and time, YYYY-MM-DDThhmm, kept from then on",
    ),
    "s3ExpressPrefixList": (
        "s3_express_prefix_list",
        _matching("pl-[0-9a-f]{8,17}"),
        "the id that `aws ec2 describe-managed-prefix-lists --filters "
        f"Name=prefix-list-name,Values={S3_EXPRESS} --region {REGION} --query PrefixLists[0].PrefixListId` tells",
    ),
    "zones": (
        "zones",
        _zones,
        f"{MIN_ZONES} to {MAX_ZONES} availability zones of {REGION} by their letters, each once, separated by commas, "
        "for instance a,b",
    ),
    "mapConcurrency": ("map_concurrency", _integer(1, 7), "1 to 7"),
    "reservedConcurrency": (
        "reserved_concurrency",
        _reservations,
        f"an object with a number from 1 to 1000 for each of {', '.join(FUNCTIONS)}; or one number for all; or none, "
        "for an account whose quota leaves nothing to reserve",
    ),
    "architecture": ("architecture", _one_of("x86_64", "arm64"), "x86_64 or arm64"),
    "cloudTrail": ("cloud_trail", _switch, "true or false"),
    "changeScans": ("change_scans", _switch, "true or false"),
    # Amazon SQS delays a message by 15 minutes at most, and an event waits twice as long as this (`changes.py`):
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
    "changeSettlingSeconds": ("change_settling_seconds", _integer(30, 450), "30 to 450"),
}
