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
        Prowler asks for the same, and reads principals and conditions; denials count here, too.",
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
    reads: &["ec2:DescribeVpcEndpoints"],
    remediable: false,
    check: Check::VpcEndpoint(evaluate),
    source: file!(),
};

const ACTION: &str = "ec2:DescribeVpcEndpoints";

fn evaluate(endpoint: &VpcEndpoint, policy: &Policy) -> Result<Outcome, Unreadable> {
    let of_aws = ["com.amazonaws.", "cn.com.amazonaws.", "aws."].iter().any(|it| endpoint.service_name.starts_with(it));
    if !matches!(endpoint.kind.as_str(), "Interface" | "Gateway") {
        return Ok(Outcome::not_applicable(format!("an endpoint of the type {} takes no policy", endpoint.kind)));
    }
    if !of_aws || endpoint.service_name.starts_with("com.amazonaws.vpce.") {
        return Ok(Outcome::not_applicable(
            "the endpoint leads to a service that is not AWS's, for which nobody can write an endpoint policy: whoever \
             reaches the endpoint reaches the service",
        ));
    }
    let Some(text) = endpoint.policy.known()? else {
        return Err(Unreadable::undecidable(
            ACTION,
            "no policy was told, and whether the service takes one is not known",
        ));
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
        let of = |kind: &str, service: &str, policy| {
            let endpoint =
                VpcEndpoint { kind: kind.to_owned(), service_name: service.to_owned(), ..fixtures::endpoint(policy) };
            fixtures::status(&evaluate(&endpoint, &fixtures::policy()))
        };
        let full_access = || fixtures::policy_text(&[fixtures::FULL_ACCESS]);
        let cases = [
            ("Gateway", "com.amazonaws.us-east-1.s3", full_access(), Status::NonCompliant),
            ("Interface", "aws.sagemaker.us-east-1.notebook", full_access(), Status::NonCompliant),
            ("Interface", "com.amazonaws.us-east-1.ec2", Reading::Absent, Status::InsufficientData),
            ("Interface", "com.amazonaws.vpce.us-east-1.vpce-svc-1", full_access(), Status::NotApplicable),
            ("Interface", "com.example.payments", full_access(), Status::NotApplicable),
            ("GatewayLoadBalancer", "com.amazonaws.vpce.us-east-1.vpce-svc-1", Reading::Absent, Status::NotApplicable),
        ];
        for (kind, service, policy, expected) in cases {
            assert_eq!(of(kind, service, policy), expected, "{kind} {service}");
        }
    }
}
