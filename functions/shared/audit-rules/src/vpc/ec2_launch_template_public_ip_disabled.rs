//! Launch templates give no network interface a public address.

use audit_model::resource::LaunchTemplate;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "ec2-launch-template-public-ip-disabled",
    title: "Launch template gives its network interfaces no public IPv4 addresses",
    severity: Severity::High,
    rationale: "Every instance that is launched from the template is then reachable from the internet as far as its \
        security groups let it in, whatever its subnet says. As AWS Config's rule it judges the default \
        version, and a network interface that leaves the address to the subnet passes: subnets have a rule \
        of their own.",
    expected: "No network interface of the template's default version has AssociatePublicIpAddress true",
    remediation: "Make a version whose network interfaces have AssociatePublicIpAddress false, and make it the \
        default. Reach the instances through a load balancer, a VPN or AWS Systems Manager Session Manager.",
    console: "In the Amazon EC2 console, open Launch Templates, choose the template, then Actions, Modify template \
        (Create new version). Under Network settings, Advanced network configuration, set Auto-assign public \
        IP to Disable and create the version. Then choose Actions, Set default version.",
    cli: "aws ec2 create-launch-template-version --launch-template-id LAUNCH_TEMPLATE_ID --source-version \
        DEFAULT_VERSION --launch-template-data file://without-public-addresses.json\n\
        aws ec2 modify-launch-template --launch-template-id LAUNCH_TEMPLATE_ID --default-version NEW_VERSION",
    documentation: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-launch-template-versions.html",
    parameters: &[],
    references: &[
        fsbp::EC2_25,
        pci_dss_4_0_1::R1_4_4,
        nist_800_53_r5::AC_3,
        nist_800_53_r5::AC_3_7,
        nist_800_53_r5::AC_4,
        nist_800_53_r5::AC_4_21,
        nist_800_53_r5::AC_6,
        nist_800_53_r5::AC_21,
        nist_800_53_r5::SC_7,
        nist_800_53_r5::SC_7_3,
        nist_800_53_r5::SC_7_4,
        nist_800_53_r5::SC_7_9,
        nist_800_53_r5::SC_7_11,
        nist_800_53_r5::SC_7_16,
        nist_800_53_r5::SC_7_20,
        nist_800_53_r5::SC_7_21,
    ],
    reads: &["ec2:DescribeLaunchTemplateVersions"],
    remediable: false,
    check: Check::LaunchTemplate(evaluate),
    source: file!(),
};

fn evaluate(template: &LaunchTemplate, _: &Policy) -> Result<Outcome, Unreadable> {
    let (version, interfaces) = (template.default_version, &template.assigns_public_ipv4);
    let public = interfaces.iter().filter(|assigns| **assigns == Some(true)).count();
    Ok(if public > 0 {
        Outcome::non_compliant(format!(
            "the default version, {version}, gives {public} of {} network interfaces a public IPv4 address",
            interfaces.len()
        ))
    } else {
        Outcome::compliant(format!("the default version, {version}, gives no network interface a public IPv4 address"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    /// <https://docs.aws.amazon.com/config/latest/developerguide/ec2-launch-template-public-ip-disabled.html>: at least one
    /// interface of the default version with `AssociatePublicIpAddress` set to true.
    #[test]
    fn one_public_interface_is_enough() {
        let judge = |interfaces: &[Option<bool>]| evaluate(&fixtures::launch_template(interfaces), &fixtures::policy());
        for interfaces in [&[][..], &[None], &[Some(false)], &[Some(false), None]] {
            let none = "the default version, 3, gives no network interface a public IPv4 address";
            assert_eq!(judge(interfaces), Ok(Outcome::compliant(none)), "{interfaces:?}");
        }
        let one = "the default version, 3, gives 1 of 2 network interfaces a public IPv4 address";
        assert_eq!(judge(&[Some(false), Some(true)]), Ok(Outcome::non_compliant(one)));
    }
}
