use audit_model::Unreadable;
use audit_model::resource::LaunchTemplate;
use audit_task::listed;
use aws_sdk_ec2::types::LaunchTemplateVersion;

use super::Ec2Vpcs;

pub(super) const ACTION: &str = "ec2:DescribeLaunchTemplateVersions";

/// Entries on a page, the most that EC2 gives of versions.
const PAGE_SIZE: i32 = 200;

/// The account's launch templates in the region, as their default versions have them: asked for `$Default` and for no
/// template, EC2 gives the default version of each. Of user data and whatever else a version holds nothing is kept.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html>
pub(super) async fn launch_templates(ec2: &Ec2Vpcs) -> Result<Vec<LaunchTemplate>, Unreadable> {
    let page = |token: Option<String>| {
        let call = ec2.client.describe_launch_template_versions().versions("$Default");
        let call = call.max_results(PAGE_SIZE).set_next_token(token).send();
        async { call.await.map(|page| (page.launch_template_versions, page.next_token)) }
    };
    let read = |version: LaunchTemplateVersion| {
        let id = version.launch_template_id.clone();
        let template = id.as_deref().and_then(|id| launch_template(ec2, id, version));
        (id, template)
    };
    let templates = listed(ACTION, &ec2.budget, page, read).await?.into_values();
    let lacking = || Unreadable::malformed(ACTION, "a launch template lacks its name, or its version's number or data");
    templates.collect::<Option<_>>().ok_or_else(lacking)
}

fn launch_template(ec2: &Ec2Vpcs, id: &str, version: LaunchTemplateVersion) -> Option<LaunchTemplate> {
    let interfaces = version.launch_template_data?.network_interfaces.unwrap_or_default();
    Some(LaunchTemplate {
        identity: ec2.identity("launch-template", id, None, &version.launch_template_name?),
        id: id.to_owned(),
        default_version: version.version_number?,
        assigns_public_ipv4: interfaces.into_iter().map(|interface| interface.associate_public_ip_address).collect(),
    })
}
