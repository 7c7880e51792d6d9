"""What a deployment may choose, and what it is told when it chooses wrong."""

from __future__ import annotations

import pytest
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
        ("environmentSuffix", "pr42\n"),
        ("environmentSuffix", True),
        ("owner", ""),
        ("owner", " "),
        ("owner", "x" * 257),
        ("owner", "a<b"),
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
        ("alertEmails", "a@example.com,"),
        ("alertEmails", "a@example.com,A@example.com"),
        ("flowLogDate", "2026-02-30"),
        ("flowLogDate", "23.11.2026"),
        ("flowLogDate", "20261123"),
        ("flowLogDate", "2026-11-23T00:00"),
        ("zoneCount", 1),
        ("zoneCount", 4),
        ("zoneCount", "two"),
        ("zoneCount", 2.0),
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
    with pytest.raises(SettingsError) as refused:
        settings(environment="DEV", zoneCount=9, architecture="mips")
    told = str(refused.value)
    assert all(key in told for key in ("environment is", "zoneCount is 9", 'architecture is "mips"'))


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="zonecount is not a setting"):
        settings(zonecount=3)


def test_keys_of_the_cdk_are_left_alone() -> None:
    settings(**{"@aws-cdk/core:newStyleStackSynthesis": True, "aws:cdk:enable-path-metadata": True})


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("alertEmails", "a@example.com, b@example.org", "alert_emails", ("a@example.com", "b@example.org")),
        ("alertEmails", ["o'neil+audit@mail.example.co.uk"], "alert_emails", ("o'neil+audit@mail.example.co.uk",)),
        ("zoneCount", "3", "zone_count", 3),
        ("mapConcurrency", "2", "map_concurrency", 2),
        ("environmentSuffix", 42, "environment_suffix", "42"),
        ("environmentSuffix", "a-b-c", "environment_suffix", "a-b-c"),
        ("reservedConcurrency", "none", "reserved_concurrency", None),
        ("reservedConcurrency", "7", "reserved_concurrency", dict.fromkeys(FUNCTIONS, 7)),
        ("reservedConcurrency", 7, "reserved_concurrency", dict.fromkeys(FUNCTIONS, 7)),
        ("architecture", "arm64", "architecture", "arm64"),
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
    with pytest.raises(SettingsError, match="18 characters together; allowed: at most 17"):
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
