"""A trail that a template declares records what the template says, and goes with the stack."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Client, Deploy, resource


@pytest.mark.parametrize(
    "selectors",
    [
        {
            "EventSelectors": [
                {
                    "ReadWriteType": "WriteOnly",
                    "IncludeManagementEvents": True,
                    "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
                }
            ]
        },
        {
            "AdvancedEventSelectors": [
                {
                    "Name": "objects",
                    "FieldSelectors": [
                        {"Field": "eventCategory", "Equals": ["Data"]},
                        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
                    ],
                }
            ]
        },
    ],
    ids=["basic", "advanced"],
)
@pytest.mark.parametrize("logging", [True, False])
def test_a_trail_of_a_stack(deploy: Deploy, client: Client, selectors: dict[str, Any], logging: bool) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html"""
    cloudtrail = client("cloudtrail")
    trail = resource(
        "AWS::CloudTrail::Trail",
        TrailName="audit",
        S3BucketName="logs",
        IsLogging=logging,
        IsMultiRegionTrail=True,
        **selectors,
    )
    made = deploy({"Trail": trail})

    assert made["Trail"] == "audit"
    [described] = cloudtrail.describe_trails()["trailList"]
    assert (described["IsMultiRegionTrail"], described["HasCustomEventSelectors"]) == (True, True)
    arn = described["TrailARN"]
    assert cloudtrail.get_trail_status(Name=arn)["IsLogging"] is logging
    [(kind, [given])] = selectors.items()
    [found] = cloudtrail.get_event_selectors(TrailName=arn)[kind]
    assert found.items() >= given.items()

    deploy({"Bucket": resource("AWS::S3::Bucket")})
    assert cloudtrail.describe_trails()["trailList"] == []
