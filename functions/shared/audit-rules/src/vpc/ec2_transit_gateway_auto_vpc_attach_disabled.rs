//! Transit gateways accept no attachment of another account automatically.

use audit_model::resource::TransitGateway;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "ec2-transit-gateway-auto-vpc-attach-disabled",
    title: "Transit gateway does not accept VPC attachments automatically",
    severity: Severity::High,
    rationale: "Every account that the gateway is shared with can then connect its VPCs to the network, and nobody \
        looks at it first. Gateways that other accounts share with this one are theirs, and are not judged.",
    expected: "AutoAcceptSharedAttachments of the gateway is disable",
    remediation: "Switch auto-accept off, and accept attachments one by one.",
    console: "In the Amazon VPC console, open Transit gateways, choose the gateway, then Actions, Modify transit \
        gateway. Clear Auto accept shared attachments and save.",
    cli: "aws ec2 modify-transit-gateway --transit-gateway-id TRANSIT_GATEWAY_ID --options \
        AutoAcceptSharedAttachments=disable",
    documentation: "https://docs.aws.amazon.com/vpc/latest/tgw/tgw-transit-gateways.html",
    parameters: &[],
    references: &[fsbp::EC2_23, nist_800_53_r5::AC_4_21, nist_800_53_r5::CA_9_1, nist_800_53_r5::CM_2],
    reads: &["ec2:DescribeTransitGateways"],
    remediable: false,
    check: Check::TransitGateway(evaluate),
    source: file!(),
};

fn evaluate(gateway: &TransitGateway, _: &Policy) -> Result<Outcome, Unreadable> {
    let accepts = &gateway.auto_accept_shared_attachments;
    Ok(if gateway.is_gone() {
        Outcome::not_applicable(format!("the gateway is {}", gateway.state))
    } else if accepts == "disable" {
        Outcome::compliant("attachments are accepted one by one")
    } else {
        Outcome::non_compliant(format!("AutoAcceptSharedAttachments is {accepts}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    /// <https://docs.aws.amazon.com/config/latest/developerguide/ec2-transit-gateway-auto-vpc-attach-disabled.html>
    #[test]
    fn nothing_may_be_accepted_automatically_while_the_gateway_is_there() {
        let judge = |state: &str, accepts: &str| {
            let gateway = TransitGateway { state: state.to_owned(), ..fixtures::transit_gateway(accepts) };
            evaluate(&gateway, &fixtures::policy()).unwrap()
        };
        for state in ["pending", "available", "modifying"] {
            assert_eq!(judge(state, "disable"), Outcome::compliant("attachments are accepted one by one"));
            let enabled = Outcome::non_compliant("AutoAcceptSharedAttachments is enable");
            assert_eq!(judge(state, "enable"), enabled);
        }
        for state in ["deleting", "deleted"] {
            assert_eq!(judge(state, "enable"), Outcome::not_applicable(format!("the gateway is {state}")));
        }
    }
}
