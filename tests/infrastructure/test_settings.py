"""What a deployment may choose, and what it is told when it chooses wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from compliance_audit import context as context_module
from compliance_audit.context import read_context
from compliance_audit.settings import FUNCTIONS, Settings, SettingsError
from synthesis import CDK_JSON, CHOSEN, context, settings

EVERYTHING_AT_2 = dict.fromkeys(FUNCTIONS, 2)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("environment", "Dev"),
        ("environment", "d-v"),
        ("environment", "1dev"),
        ("environment", ""),
        ("environment", None),
        ("environmentSuffix", "PR42"),
        ("environmentSuffix", "-pr"),
        ("environmentSuffix", "pr-"),
        ("environmentSuffix", "a--b"),
        ("environmentSuffix", "s3alias"),
        ("environmentSuffix", "pr-s3alias"),
        ("environmentSuffix", "an"),
        ("environmentSuffix", "pr-an"),
        ("environmentSuffix", "pr42\n"),
        ("environmentSuffix", True),
        ("owner", ""),
        ("owner", " "),
        ("owner", "x" * 101),
        ("costCenter", "x" * 101),
        ("complianceLevel", "x" * 101),
        ("owner", "a<b"),
        ("owner", "aws:platform"),
        ("owner", "Müller"),
        ("costCenter", ["cc-1001"]),
        ("complianceLevel", "high\n"),
        ("alertEmails", ""),
        ("alertEmails", []),
        ("alertEmails", [7]),
        ("alertEmails", "compliance"),
        ("alertEmails", "a@b"),
        ("alertEmails", "a@@example.com"),
        ("alertEmails", "a b@example.com"),
        ("alertEmails", "a..b@example.com"),
        ("alertEmails", "a@-example.com"),
        ("alertEmails", "x" * 65 + "@example.com"),
        ("alertEmails", "a@" + "mail." * 50 + "com"),
        ("alertEmails", "a@example.com,"),
        ("alertEmails", "a@example.com,A@example.com"),
        ("flowLogDate", "2026-02-30"),
        ("flowLogDate", "23.11.2026"),
        ("flowLogDate", "20261123"),
        ("flowLogDate", "2026-11-23T00:00"),
        ("flowLogDate", "2026-11-23T2400"),
        ("flowLogDate", "2026-11-23T0960"),
        ("flowLogDate", "2026-11-31T0900"),
        ("flowLogDate", "2026-11-23T09"),
        ("s3ExpressPrefixList", "com.amazonaws.us-east-1.s3express"),
        ("s3ExpressPrefixList", "None"),
        ("zones", "a"),
        ("zones", []),
        ("zones", "a,a"),
        ("zones", ["a", "b", "a"]),
        ("zones", "a,b,c,d,f"),
        ("zones", "ab"),
        ("zones", "a,"),
        ("zones", "A,B"),
        ("zones", "us-east-1a,us-east-1b"),
        ("zones", [1, 2]),
        ("zones", 2),
        ("zones", {"a": "b"}),
        ("mapConcurrency", 0),
        ("mapConcurrency", 8),
        ("mapConcurrency", "-1"),
        ("mapConcurrency", True),
        ("reservedConcurrency", 0),
        ("reservedConcurrency", "some"),
        ("reservedConcurrency", {"plan-scan": 2}),
        ("reservedConcurrency", {**EVERYTHING_AT_2, "scan-ec3": 2}),
        ("reservedConcurrency", {**EVERYTHING_AT_2, "plan-scan": 0}),
        ("reservedConcurrency", '{"plan-scan": 2'),
        ("architecture", "x86"),
        ("cloudTrail", "yes"),
        ("cloudTrail", "True"),
        ("cloudTrail", 1),
        ("cloudTrail", None),
        ("changeScans", "on"),
        ("changeSettlingSeconds", 29),
        ("changeSettlingSeconds", 451),
        ("changeSettlingSeconds", "a minute"),
        ("architecture", "ARM64"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_is_allowed(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"\n  - {key} is .*; allowed: ."):
        settings(**{key: value})


@pytest.mark.parametrize("key", list(CHOSEN))
def test_what_has_no_default_must_be_given(key: str) -> None:
    given = context()
    del given[key]
    with pytest.raises(SettingsError, match=f"{key} is missing; allowed: "):
        Settings.from_context(given)


def test_everything_wrong_is_told_at_once() -> None:
    """What is wrong by itself, and what does not go together."""
    with pytest.raises(SettingsError) as refused:
        settings(environment="DEV", owner="Müller", zones="a", mapConcurrency=7, reservedConcurrency=3)
    told = str(refused.value)
    assert all(
        problem in told
        for problem in ('environment is "DEV"', 'owner is "Müller"', 'zones is "a"', "of scan-lambda is 3; allowed")
    )


@pytest.mark.parametrize("key", ["mapconcurrency", "map_concurrency", "map-concurrency", "Map Concurrency"])
def test_a_misspelt_key_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match=f"{key} is not a setting; allowed: .*mapConcurrency"):
        settings(**{key: 3})


def test_a_setting_that_there_was_is_told_with_what_there_is_instead() -> None:
    with pytest.raises(SettingsError, match=r"zoneCount is not a setting any more; allowed: zones, 2 to 4 .* a,b"):
        settings(zoneCount=2)


def test_keys_of_the_cdk_are_left_alone() -> None:
    """Feature flags and looked-up values, and what `cdk acknowledge` and `cdk cli-telemetry` write."""
    settings(
        **{
            "@aws-cdk/core:newStyleStackSynthesis": True,
            "aws:cdk:enable-path-metadata": True,
            "acknowledged-issue-numbers": [34892],
            "cli-telemetry": False,
        }
    )


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("alertEmails", "a@example.com, b@example.org", "alert_emails", ("a@example.com", "b@example.org")),
        ("alertEmails", ["o'neil+audit@mail.example.co.uk"], "alert_emails", ("o'neil+audit@mail.example.co.uk",)),
        ("zones", "a, c", "zones", ("us-east-1a", "us-east-1c")),
        ("zones", ["f", "b", "d"], "zones", ("us-east-1f", "us-east-1b", "us-east-1d")),
        ("zones", "a,b,c,d", "zones", ("us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d")),
        ("owner", "x" * 100, "owner", "x" * 100),
        ("mapConcurrency", "2", "map_concurrency", 2),
        ("environmentSuffix", 42, "environment_suffix", "42"),
        ("environmentSuffix", "a-b-c", "environment_suffix", "a-b-c"),
        ("environmentSuffix", "an-7", "environment_suffix", "an-7"),
        ("environmentSuffix", "plan", "environment_suffix", "plan"),
        ("owner", "Platform team @ example.com", "owner", "Platform team @ example.com"),
        ("flowLogDate", "2026-11-23", "flow_log_date", "2026-11-23"),
        ("flowLogDate", "2026-11-23T0915", "flow_log_date", "2026-11-23T0915"),
        ("s3ExpressPrefixList", "pl-63a5400a", "s3_express_prefix_list", "pl-63a5400a"),
        ("reservedConcurrency", "none", "reserved_concurrency", None),
        ("reservedConcurrency", "7", "reserved_concurrency", dict.fromkeys(FUNCTIONS, 7)),
        ("reservedConcurrency", 7, "reserved_concurrency", dict.fromkeys(FUNCTIONS, 7)),
        ("architecture", "arm64", "architecture", "arm64"),
        ("cloudTrail", "true", "cloud_trail", True),
        ("cloudTrail", "false", "cloud_trail", False),
        ("cloudTrail", True, "cloud_trail", True),
        ("changeScans", "true", "change_scans", True),
        ("changeSettlingSeconds", "90", "change_settling_seconds", 90),
    ],
)
def test_values_come_from_files_and_from_the_command_line(
    key: str, value: object, field: str, expected: object
) -> None:
    assert getattr(settings(**{key: value}), field) == expected


def test_names_stay_within_the_limit_of_bucket_names() -> None:
    """An S3 bucket's name has 63 characters at most."""
    longest = settings(environment="staging", environmentSuffix="release-10")
    assert len(longest.names.bucket("compliance-audit-reports", "123456789012")) == 63
    refused = (
        'environment is "staging" and environmentSuffix is "release-100", 18 characters together; allowed: at most 17'
    )
    with pytest.raises(SettingsError, match=refused):
        settings(environment="staging", environmentSuffix="release-100")


def test_scanners_have_a_reservation_for_every_shard_at_once() -> None:
    with pytest.raises(SettingsError, match="reservedConcurrency of scan-vpc is 4; allowed: at least mapConcurrency"):
        settings(mapConcurrency=5)
    assert settings(mapConcurrency=5, reservedConcurrency="none").map_concurrency == 5


def test_the_defaults_are_within_the_quota_of_a_new_account() -> None:
    """Of 1,000 concurrent executions 100 must stay unreserved.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """
    reserved = CDK_JSON["context"]["reservedConcurrency"]
    assert set(reserved) == set(FUNCTIONS)
    assert sum(reserved.values()) <= 900


def test_what_is_given_stands_over_the_file() -> None:
    read = read_context(["zones=c,d", "owner=a=b"])
    assert (read["zones"], read["owner"]) == ("c,d", "a=b")
    assert read["mapConcurrency"] == CDK_JSON["context"]["mapConcurrency"]


@pytest.mark.parametrize("given", ["zones", "=3", ""])
def test_what_is_given_without_a_key_or_a_value_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match=f"-c {given} is not a setting; allowed: key=value"):
        read_context([given])


def test_a_file_that_is_not_json_is_named_with_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "cdk.json"
    broken.write_text('{"context": {"zones": "a,b",}}')
    monkeypatch.setattr(context_module, "CDK_JSON", broken)
    with pytest.raises(SettingsError, match=r"infrastructure/cdk.json is not JSON: .* line 1 column 2"):
        read_context([])
