"""EC2: the default or latest versions of all launch templates, of which MiniStack knows those of one only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patching import ministack, replaces

Params = dict[str, Any]

ec2 = ministack("services.ec2")

NUMBERS = {"$Default": "DefaultVersionNumber", "$Latest": "LatestVersionNumber"}


@replaces("services.ec2", "_describe_launch_template_versions")
def of_all_templates(original: Callable[..., Any], params: Params) -> Any:
    """Asked for no template, it takes ``$Default`` and ``$Latest`` and no numbers.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html
    """
    if ec2._p(params, "LaunchTemplateId") or ec2._p(params, "LaunchTemplateName"):
        return original(params)
    asked = ec2._parse_member_list(params, "LaunchTemplateVersion")
    if not asked or any(version not in NUMBERS for version in asked):
        return ec2._error(
            "InvalidParameterValue", "Without a launch template, versions must be $Default, $Latest or both", 400
        )
    items = ""
    for template in ec2._launch_templates.values():
        numbers = {int(template[NUMBERS[version]]) for version in asked}
        items += "".join(
            ec2._lt_version_xml(version) for version in template["Versions"] if version["VersionNumber"] in numbers
        )
    return ec2._xml(
        200,
        "DescribeLaunchTemplateVersionsResponse",
        f"<launchTemplateVersionSet>{items}</launchTemplateVersionSet>",
    )
