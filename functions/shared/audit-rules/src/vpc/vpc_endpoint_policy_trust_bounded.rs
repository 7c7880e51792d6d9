//! A VPC endpoint lets in principals of trusted accounts only.

use audit_model::resource::VpcEndpoint;
use audit_model::{Policy, Severity, Unreadable};

use crate::parameter::{TRUSTED_ACCOUNTS, TRUSTED_ORGANIZATIONS};
use crate::resource_policy::{ActionKind, Outsider, PolicyDocument, Question, audience, organization_not_known};
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-endpoint-policy-trust-bounded",
    title: "VPC endpoint policy lets in principals of trusted accounts only",
    severity: Severity::High,
    rationale: "With the policy that AWS gives an endpoint by default, whoever gets hold of a machine in the network \
        can use credentials of an account of their own and carry data out through the endpoint, past every proxy. \
        Prowler asks for the same, and reads principals and conditions; denials count here, too. Services that take no \
        endpoint policies, such as SMTP of Amazon SES, are left out: what EC2 shows of them cannot be changed.",
    expected: "The endpoint policy allows only principals of this account, of the trusted accounts and of the trusted \
        organizations, for instance by a condition on aws:PrincipalAccount or aws:PrincipalOrgID",
    remediation: "Give the endpoint a policy whose statements name principals, or have a condition on \
        aws:PrincipalAccount or aws:PrincipalOrgID, of this account and of the accounts and organizations that the \
        audit policy trusts. Look first what uses the \
        endpoint: what AWS fetches from buckets of its own, such as the image layers of Amazon ECR, may come from \
        principals of AWS, and an endpoint that must let them in needs an exception.",
    console: "In the Amazon VPC console, open Endpoints, choose the endpoint, then Actions, Manage policy. Choose \
        Custom, write a policy with a condition on aws:PrincipalAccount, and save.",
    cli: "aws ec2 describe-vpc-endpoints --vpc-endpoint-ids ENDPOINT_ID --query 'VpcEndpoints[0].PolicyDocument' \
        --output text > policy.json\n\
        aws ec2 modify-vpc-endpoint --vpc-endpoint-id ENDPOINT_ID --policy-document file://policy.json",
    documentation: "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
    parameters: &[TRUSTED_ACCOUNTS, TRUSTED_ORGANIZATIONS],
    references: &[],
    reads: &["ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints"],
    remediable: false,
    check: Check::VpcEndpoint(evaluate),
    source: file!(),
};

const ACTION: &str = "ec2:DescribeVpcEndpoints";

const SERVICES: &str = "ec2:DescribeVpcEndpointServices";

fn evaluate(endpoint: &VpcEndpoint, policy: &Policy) -> Result<Outcome, Unreadable> {
    if !endpoint.is_of_type_with_policy() {
        return Ok(Outcome::not_applicable(format!("an endpoint of the type {} takes no policy", endpoint.kind)));
    }
    if !endpoint.leads_to_aws() {
        return Ok(Outcome::not_applicable(
            "the endpoint leads to a service that is not AWS's, for which nobody can write an endpoint policy: whoever \
             reaches the endpoint reaches the service",
        ));
    }
    match by_policy(endpoint, policy) {
        passed @ Ok(Outcome::Compliant { .. }) => passed,
        // Is there anything that somebody could do about it?
        otherwise => match endpoint.policy_supported.known()? {
            Some(true) => otherwise,
            Some(false) => Ok(Outcome::not_applicable(format!(
                "{} takes no endpoint policies: whoever reaches the endpoint reaches the service",
                endpoint.service_name
            ))),
            None => Err(Unreadable::undecidable(SERVICES, "whether the service takes endpoint policies was not told")),
        },
    }
}

/// What the endpoint's policy comes to, where its service takes one.
fn by_policy(endpoint: &VpcEndpoint, policy: &Policy) -> Result<Outcome, Unreadable> {
    let Some(text) = endpoint.policy.known()? else {
        return Err(Unreadable::malformed(ACTION, "no policy was told, and the service takes one"));
    };
    let document = PolicyDocument::parse(text, ACTION)?.trusting(&policy.parameters.trusted_organizations);
    let question = Question { actions: ActionKind::ALL, resources: &["*".to_owned()] };
    let audience = audience(&document, &endpoint.identity.account, &question);
    let mut missing = audience.missing(ACTION);
    for (outsider, statement) in &audience.outsiders {
        match outsider {
            Outsider::Account(account) if policy.parameters.trusted_accounts.contains(account) => {}
            Outsider::Organization(organization) if organization.is_trusted => {}
            Outsider::Organization(_) if policy.parameters.trusted_organizations.is_empty() => {
                missing.push(Unreadable::undecidable(ACTION, organization_not_known(statement, outsider)));
            }
            Outsider::Anyone | Outsider::Account(_) | Outsider::Organization(_) => {
                return Ok(Outcome::non_compliant(format!("{statement} of the endpoint policy lets in {outsider}")));
            }
            // What AWS does for its customers is bound by their policies, and no account of a stranger's.
            Outsider::Service(_) | Outsider::Services => {}
            Outsider::AccessPointsOf(_) | Outsider::Other(_) => missing.push(Unreadable::undecidable(
                ACTION,
                format!("{statement} lets in {outsider}, and whether these are trusted accounts is not known"),
            )),
        }
    }
    Ok(if missing.is_empty() {
        Outcome::compliant("the endpoint policy lets in trusted accounts and organizations only")
    } else {
        Outcome::insufficient_data(missing)
    })
}

#[cfg(test)]
mod tests {
    use audit_model::{Reading, Status};

    use super::*;
    use crate::fixtures;

    fn judge(policy: Reading<String>) -> Status {
        fixtures::status(&evaluate(&fixtures::endpoint(policy), &fixtures::policy()))
    }

    #[test]
    fn only_trusted_accounts_may_be_let_in() {
        let allow = |principal: &str, condition: &str| {
            format!(
                r#"{{"Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*","Condition":{condition}}}"#
            )
        };
        let by_account = |account: &str| format!(r#"{{"StringEquals":{{"aws:PrincipalAccount":"{account}"}}}}"#);
        let by_organization = |id: &str| format!(r#"{{"StringEquals":{{"aws:PrincipalOrgID":"{id}"}}}}"#);
        let in_organization = |id: &str| {
            format!(r#"{{"ForAnyValue:StringLike":{{"aws:PrincipalOrgPaths":"{id}/r-ab12/ou-ab12-11111111/*"}}}}"#)
        };
        let cases = [
            (allow(r#""*""#, "{}"), Status::NonCompliant),
            (allow(r#""*""#, &by_account(fixtures::ACCOUNT)), Status::Compliant),
            (allow(r#""*""#, &by_account(fixtures::TRUSTED_ACCOUNT)), Status::Compliant),
            (allow(r#""*""#, &by_account(fixtures::OTHER_ACCOUNT)), Status::NonCompliant),
            (allow(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, "{}"), Status::Compliant),
            (allow(r#"{"AWS":"777788889999"}"#, "{}"), Status::NonCompliant),
            (allow(r#""*""#, &by_organization(fixtures::TRUSTED_ORGANIZATION)), Status::Compliant),
            (allow(r#""*""#, &by_organization("o-z9y8x7w6v5")), Status::NonCompliant),
            (allow(r#""*""#, &in_organization(fixtures::TRUSTED_ORGANIZATION)), Status::Compliant),
            (allow(r#""*""#, &in_organization("o-z9y8x7w6v5")), Status::NonCompliant),
            (allow(r#""*""#, r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#), Status::Compliant),
            (allow(r#""*""#, r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#), Status::InsufficientData),
            // It says where a request may go, and nothing of who makes it.
            (allow(r#""*""#, r#"{"StringEquals":{"aws:ResourceAccount":"111122223333"}}"#), Status::NonCompliant),
        ];
        for (statement, expected) in cases {
            assert_eq!(judge(fixtures::policy_text(&[&statement])), expected, "{statement}");
        }
    }

    /// The endpoint policy of the guide to data perimeters, and what it says of requests to other organizations' resources.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html>
    #[test]
    fn a_data_perimeter_is_decided_once_the_policy_names_the_organization() {
        let perimeter = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":
            {"aws:PrincipalOrgID":"o-a1b2c3d4e5","aws:ResourceOrgID":"o-a1b2c3d4e5"}}}"#;
        let deny = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":
            {"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},
             "BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}"#;
        let foreign_resources = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":
            {"StringNotEquals":{"aws:ResourceOrgID":"o-a1b2c3d4e5"}}}"#;
        let judge = |statements: &[&str], organizations: &[&str]| {
            let mut policy = fixtures::policy();
            policy.parameters.trusted_organizations = organizations.iter().map(ToString::to_string).collect();
            fixtures::status(&evaluate(&fixtures::endpoint(fixtures::policy_text(statements)), &policy))
        };
        let own = ["o-a1b2c3d4e5"];
        assert_eq!(judge(&[perimeter], &own), Status::Compliant);
        assert_eq!(judge(&[perimeter], &["o-z9y8x7w6v5"]), Status::NonCompliant);
        // Nobody has said which organization the account belongs to.
        assert_eq!(judge(&[perimeter], &[]), Status::InsufficientData);
        assert_eq!(judge(&[fixtures::FULL_ACCESS, deny], &own), Status::Compliant);
        assert_eq!(judge(&[fixtures::FULL_ACCESS, foreign_resources], &own), Status::NonCompliant);
    }

    #[test]
    fn where_no_policy_can_be_written_there_is_none_to_judge() {
        let of = |kind: &str, service: &str, policy, policy_supported| {
            let (kind, service_name) = (kind.to_owned(), service.to_owned());
            let endpoint = VpcEndpoint { kind, service_name, policy_supported, ..fixtures::endpoint(policy) };
            fixtures::status(&evaluate(&endpoint, &fixtures::policy()))
        };
        let full_access = || fixtures::policy_text(&[fixtures::FULL_ACCESS]);
        let bounded = || fixtures::policy_text(&[fixtures::OWN_ACCOUNT_ONLY]);
        let unreadable = || fixtures::unreadable("ec2:DescribeVpcEndpoints");
        let (yes, no, unread) = (
            || Reading::seen(true),
            || Reading::seen(false),
            || fixtures::unreadable("ec2:DescribeVpcEndpointServices"),
        );
        let (s3, smtp) = ("com.amazonaws.us-east-1.s3", "com.amazonaws.us-east-1.email-smtp");
        let of_customer = "com.amazonaws.vpce.us-east-1.vpce-svc-1";
        let cases = [
            ("Gateway", s3, full_access(), yes(), Status::NonCompliant),
            ("Interface", "aws.sagemaker.us-east-1.notebook", full_access(), yes(), Status::NonCompliant),
            ("Interface", s3, Reading::Absent, yes(), Status::InsufficientData),
            // EC2 shows full access where the service takes no policies:
            // https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
            ("Interface", smtp, full_access(), no(), Status::NotApplicable),
            ("Interface", smtp, Reading::Absent, no(), Status::NotApplicable),
            ("Interface", smtp, Reading::seen("nonsense".to_owned()), no(), Status::NotApplicable),
            ("Interface", smtp, unreadable(), no(), Status::NotApplicable),
            // What the service takes is asked only about what would be judged.
            ("Interface", s3, bounded(), unread(), Status::Compliant),
            ("Interface", s3, full_access(), unread(), Status::InsufficientData),
            ("Interface", s3, full_access(), Reading::Absent, Status::InsufficientData),
            ("Interface", s3, Reading::Absent, unread(), Status::InsufficientData),
            ("Interface", of_customer, full_access(), Reading::Absent, Status::NotApplicable),
            ("Interface", "com.example.payments", full_access(), Reading::Absent, Status::NotApplicable),
            ("GatewayLoadBalancer", of_customer, Reading::Absent, Reading::Absent, Status::NotApplicable),
        ];
        for (kind, service, policy, supported, expected) in cases {
            let case = format!("{kind} {service} {policy:?} {supported:?}");
            assert_eq!(of(kind, service, policy, supported), expected, "{case}");
        }
    }
}
