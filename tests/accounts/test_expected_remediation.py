"""What remediation must do is written down for every bucket that it could change, and each reason occurs.

Whether the decisions are right is not asked here; the pipeline test compares them with a scan.
"""

from __future__ import annotations

from collections import Counter

import pytest
from sample_account import COPY_BUCKET, ExpectedRemediation, expected_remediation, expected_verdicts_of

ACCOUNT_ID = "123456789012"

ENCRYPTION_RULES = {"s3-bucket-customer-managed-key-encrypted", "s3-bucket-server-side-encryption-enabled"}
"""The rules whose violations remediation repairs."""

REASONS = {
    "ANONYMOUS",
    "DELIVERY",
    "LOG_TARGET",
    "OBJECT_ACLS",
    "OPTED_OUT",
    "OTHER_ACCOUNT",
    "OTHER_REGION",
    "REPLICATION_DESTINATION",
    "REPLICATION_SOURCE",
    "WEBSITE",
}
"""The codes of the README's table. ``OBJECT_ACLS`` holds beside others, ``OTHER_REGION`` alone."""

EVERY_BUCKET = pytest.mark.parametrize("expected", expected_remediation(), ids=lambda expected: expected.bucket)


def test_every_bucket_that_fails_an_encryption_rule_or_is_undecided_has_one_row() -> None:
    candidates = {
        expectation.question.resource_name
        for expectation in expected_verdicts_of("s3")
        if expectation.question.rule_id in ENCRYPTION_RULES
        and expectation.status in ("NON_COMPLIANT", "INSUFFICIENT_DATA")
    }
    assert Counter(expected.bucket for expected in expected_remediation()) == Counter(candidates)


@EVERY_BUCKET
def test_a_bucket_is_changed_or_left_alone_for_reasons_that_are_known(expected: ExpectedRemediation) -> None:
    assert expected.decision in ("APPLY", "SKIP")
    assert (expected.decision == "SKIP") == bool(expected.reasons)
    assert set(expected.reasons) <= REASONS
    assert list(expected.reasons) == sorted(set(expected.reasons))
    assert len(expected.why.split()) >= 3, "the reason says too little"
    assert expected.why == expected.why.strip()


@EVERY_BUCKET
def test_of_a_bucket_in_another_region_nothing_else_is_known(expected: ExpectedRemediation) -> None:
    elsewhere = expected.bucket == COPY_BUCKET.format(account=ACCOUNT_ID)
    assert (expected.reasons == ("OTHER_REGION",)) == elsewhere
    assert ("OTHER_REGION" in expected.reasons) == elsewhere


def test_every_reason_occurs_and_some_buckets_are_changed() -> None:
    assert {reason for expected in expected_remediation() for reason in expected.reasons} == REASONS
    assert sum(expected.decision == "APPLY" for expected in expected_remediation()) >= 2
