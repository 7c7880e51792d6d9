"""CloudTrail: trails that a template declares."""

from __future__ import annotations

from in_process import cloudtrail as call
from resource_types import Made, Properties, resource_type, tags_of, truth


def _create(props: Properties) -> Made:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudtrail-trail.html"""
    name = props["TrailName"]
    switches = ("IsMultiRegionTrail", "IsOrganizationTrail", "IncludeGlobalServiceEvents", "EnableLogFileValidation")
    made = call(
        "CreateTrail",
        Name=name,
        S3BucketName=props["S3BucketName"],
        **{key: truth(props[key]) for key in switches if key in props},
    )
    selectors = {key: props[key] for key in ("EventSelectors", "AdvancedEventSelectors") if key in props}
    if selectors:
        call("PutEventSelectors", TrailName=name, **selectors)
    if tags := tags_of(props):
        call("AddTags", ResourceId=made["TrailARN"], TagsList=tags)
    if truth(props["IsLogging"]):
        call("StartLogging", Name=name)
    return name, {"Arn": made["TrailARN"]}


def _delete(name: str, _props: Properties) -> None:
    call("DeleteTrail", Name=name)


resource_type("AWS::CloudTrail::Trail", _create, _delete)
