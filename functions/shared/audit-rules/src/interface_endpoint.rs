//! Whether a VPC reaches a service of AWS through an interface endpoint.

use audit_model::Unreadable;
use audit_model::resource::{Vpc, VpcEndpoint};

use crate::listing::first_of;
use crate::rule::Outcome;

/// Judges whether the VPC has an interface endpoint in use for a service, which goes by `name` in the names of endpoint
/// services (`ec2`, `ecr.api`) and is called `called` in words. As AWS Config's [`vpc-endpoint-enabled`][config] does,
/// it asks this of every VPC, also of one without subnets.
///
/// [config]: https://docs.aws.amazon.com/config/latest/developerguide/vpc-endpoint-enabled.html
pub(crate) fn leads_to(vpc: &Vpc, name: &str, called: &str) -> Result<Outcome, Unreadable> {
    let endpoints = vpc.endpoints.listed()?;
    let there: Vec<&VpcEndpoint> =
        endpoints.iter().filter(|it| is_interface_for(it, name, &vpc.identity.region)).collect();
    Ok(if let Some(endpoint) = there.iter().find(|it| it.state.eq_ignore_ascii_case("available")) {
        Outcome::compliant(format!("{} leads to {}", endpoint.id, endpoint.service_name))
    } else if there.is_empty() {
        Outcome::non_compliant(format!("there is no interface endpoint for {called}"))
    } else {
        let states: Vec<String> = there.iter().map(|it| format!("{} is {}", it.id, it.state)).collect();
        Outcome::non_compliant(first_of(&states))
    })
}

/// Whether this is an interface endpoint for the service of the region. The [FIPS variant][services] is as good, as AWS
/// Config's rule says. In China the name begins with `cn.com.amazonaws`.
///
/// [services]: https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
fn is_interface_for(endpoint: &VpcEndpoint, name: &str, region: &str) -> bool {
    let service = endpoint.service_name.strip_prefix("cn.").unwrap_or(&endpoint.service_name);
    let service = service.strip_prefix("com.amazonaws.").and_then(|rest| rest.strip_prefix(region));
    let service = service.and_then(|rest| rest.strip_prefix('.'));
    endpoint.kind.eq_ignore_ascii_case("Interface")
        && service.is_some_and(|service| service.strip_suffix("-fips").unwrap_or(service) == name)
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;

    use super::*;
    use crate::fixtures;

    fn endpoint(service: &str, kind: &str, state: &str) -> VpcEndpoint {
        VpcEndpoint {
            service_name: service.to_owned(),
            kind: kind.to_owned(),
            state: state.to_owned(),
            ..fixtures::endpoint(Reading::Absent)
        }
    }

    fn judge(name: &str, endpoints: Reading<Vec<VpcEndpoint>>) -> Result<Outcome, Unreadable> {
        leads_to(&Vpc { endpoints, ..fixtures::good_vpc() }, name, "the service")
    }

    #[test]
    fn it_must_be_the_service_of_the_region_and_in_use() {
        let ec2 = "com.amazonaws.us-east-1.ec2";
        // AWS's names of services: https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
        let cases = [
            ("ec2", ec2, "Interface", "available", true),
            ("ec2", ec2, "Interface", "Available", true),
            ("ec2", "com.amazonaws.us-east-1.ec2-fips", "Interface", "available", true),
            ("ec2", "com.amazonaws.us-east-1.ec2messages", "Interface", "available", false),
            ("ec2", "com.amazonaws.eu-west-1.ec2", "Interface", "available", false),
            ("ec2", "com.example.us-east-1.ec2", "Interface", "available", false),
            ("ec2", "com.amazonaws.us-east-1.s3", "Gateway", "available", false),
            ("ec2", ec2, "Gateway", "available", false),
            ("ec2", ec2, "Interface", "pending", false),
            ("ec2", ec2, "Interface", "deleting", false),
            ("ecr.api", "com.amazonaws.us-east-1.ecr.api", "Interface", "available", true),
            ("ecr.api", "com.amazonaws.us-east-1.ecr.dkr", "Interface", "available", false),
            ("ssm", "com.amazonaws.us-east-1.ssm", "Interface", "available", true),
            ("ssm", "com.amazonaws.us-east-1.ssmmessages", "Interface", "available", false),
            ("ssm", "com.amazonaws.us-east-1.ssm-incidents", "Interface", "available", false),
            ("ssm-incidents", "com.amazonaws.us-east-1.ssm-incidents-fips", "Interface", "available", true),
            ("ssm-incidents", "com.amazonaws.us-east-1.ssm-contacts", "Interface", "available", false),
        ];
        for (name, service, kind, state, passes) in cases {
            let answer = judge(name, Reading::seen(vec![endpoint(service, kind, state)])).unwrap();
            assert_eq!(matches!(answer, Outcome::Compliant { .. }), passes, "{name} {service} {kind} {state}");
            assert_eq!(matches!(answer, Outcome::NonCompliant { .. }), !passes, "{name} {service} {kind} {state}");
        }
        let mut chinese = fixtures::good_vpc();
        chinese.identity.region = "cn-north-1".to_owned();
        chinese.endpoints = Reading::seen(vec![endpoint("cn.com.amazonaws.cn-north-1.ec2", "Interface", "available")]);
        assert!(matches!(leads_to(&chinese, "ec2", "the service"), Ok(Outcome::Compliant { .. })));
    }

    #[test]
    fn every_vpc_needs_one_even_without_subnets() {
        let none = Ok(Outcome::non_compliant("there is no interface endpoint for the service"));
        let empty = Vpc { subnets: Reading::Absent, endpoints: Reading::Absent, ..fixtures::good_vpc() };
        assert_eq!(leads_to(&empty, "ec2", "the service"), none);
        assert_eq!(judge("ec2", Reading::seen(Vec::new())), none);
        let action = "ec2:DescribeVpcEndpoints";
        assert_eq!(judge("ec2", fixtures::unreadable(action)), Err(fixtures::denied(action)));
    }
}
