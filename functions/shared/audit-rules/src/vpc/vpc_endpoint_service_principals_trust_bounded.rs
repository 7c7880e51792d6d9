//! An endpoint service is offered to trusted accounts only.

use audit_model::resource::EndpointService;
use audit_model::{Policy, Severity, Unreadable};

use crate::parameter::TRUSTED_ACCOUNTS;
use crate::resource_policy::account_of;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "vpc-endpoint-service-principals-trust-bounded",
    title: "VPC endpoint service is offered to trusted accounts only",
    severity: Severity::High,
    rationale: "Whoever may create endpoints to a service reaches what is behind it from a network of their own, past \
        every firewall of its provider.",
    expected: "The allowed principals, if there are any, are all of this account and of the trusted accounts",
    remediation: "Remove the principals of accounts that are not trusted, and reject their connections, which stay \
        otherwise; or name the accounts as trusted in the audit policy.",
    console: "In the Amazon VPC console, open Endpoint services, choose the service, then the Allow principals tab, \
        and delete the principals that are not trusted. On the Endpoint connections tab, reject their connections.",
    cli: "aws ec2 describe-vpc-endpoint-service-permissions --service-id SERVICE_ID\n\
        aws ec2 modify-vpc-endpoint-service-permissions --service-id SERVICE_ID --remove-allowed-principals \
        PRINCIPAL_ARN\n\
        aws ec2 describe-vpc-endpoint-connections --filters Name=service-id,Values=SERVICE_ID\n\
        aws ec2 reject-vpc-endpoint-connections --service-id SERVICE_ID --vpc-endpoint-ids ENDPOINT_ID",
    documentation: "https://docs.aws.amazon.com/vpc/latest/privatelink/configure-endpoint-service.html",
    parameters: &[TRUSTED_ACCOUNTS],
    references: &[],
    reads: &["ec2:DescribeVpcEndpointServiceConfigurations", "ec2:DescribeVpcEndpointServicePermissions"],
    remediable: false,
    check: Check::EndpointService(evaluate),
    source: file!(),
};

const ACTION: &str = "ec2:DescribeVpcEndpointServicePermissions";

fn evaluate(service: &EndpointService, policy: &Policy) -> Result<Outcome, Unreadable> {
    let principals = service.allowed_principals.listed()?;
    let trusted = |account: &str| {
        account == service.identity.account || policy.parameters.trusted_accounts.iter().any(|it| it == account)
    };
    let mut missing = Vec::new();
    for principal in principals {
        match account_of(principal) {
            _ if principal == "*" => return Ok(Outcome::non_compliant("anyone may use the service")),
            Some(account) if trusted(account) => {}
            Some(_) => {
                return Ok(Outcome::non_compliant(format!(
                    "{principal} may use the service, whose account is not trusted"
                )));
            }
            None => {
                missing.push(Unreadable::undecidable(ACTION, format!("the principal {principal} names no account")))
            }
        }
    }
    Ok(if !missing.is_empty() {
        Outcome::insufficient_data(missing)
    } else if principals.is_empty() {
        Outcome::compliant("nobody else may use the service")
    } else {
        Outcome::compliant(format!("{} allowed principals, all of trusted accounts", principals.len()))
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Status;

    use super::*;
    use crate::fixtures;

    #[test]
    fn only_principals_of_trusted_accounts_pass() {
        let arn = |account: &str, whom: &str| format!("arn:aws:iam::{account}:{whom}");
        let (own, trusted) = (arn(fixtures::ACCOUNT, "root"), arn(fixtures::TRUSTED_ACCOUNT, "role/reader"));
        let stranger = arn(fixtures::OTHER_ACCOUNT, "root");
        let cases: [(&[&str], Status); 6] = [
            (&[], Status::Compliant),
            (&[&own, &trusted], Status::Compliant),
            (&[&own, &stranger], Status::NonCompliant),
            (&["*"], Status::NonCompliant),
            (&["AIDACKCEVSQ6C2EXAMPLE"], Status::InsufficientData),
            (&["AIDACKCEVSQ6C2EXAMPLE", &stranger], Status::NonCompliant),
        ];
        for (principals, expected) in cases {
            let answer = evaluate(&fixtures::endpoint_service(principals), &fixtures::policy());
            assert_eq!(fixtures::status(&answer), expected, "{principals:?}");
        }
    }
}
