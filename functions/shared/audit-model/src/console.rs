//! Links into the AWS Management Console.

use crate::ResourceRef;

/// The page of a resource, for those types of which the console has one for each.
pub fn resource(resource: &ResourceRef) -> Option<String> {
    let region = &resource.region;
    // The id is the end of the ARN; the name may be a tag.
    let id = resource.arn.rsplit([':', '/']).next()?;
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_'))
    };
    if !plain(id) || !plain(region) {
        return None;
    }
    let path = match &*resource.resource_type {
        "AWS::S3::Bucket" => format!("s3/buckets/{id}?region={region}"),
        "AWS::EC2::VPC" => format!("vpcconsole/home?region={region}#VpcDetails:VpcId={id}"),
        "AWS::EC2::SecurityGroup" => format!("ec2/home?region={region}#SecurityGroup:groupId={id}"),
        "AWS::S3::AccessPoint" => format!("s3/ap/{}/{id}?region={region}", resource.account),
        "AWS::EC2::NetworkAcl" => format!("vpcconsole/home?region={region}#NetworkAclDetails:networkAclId={id}"),
        "AWS::EC2::Subnet" => format!("vpcconsole/home?region={region}#SubnetDetails:subnetId={id}"),
        "AWS::EC2::VPCEndpoint" => format!("vpcconsole/home?region={region}#EndpointDetails:vpcEndpointId={id}"),
        "AWS::EC2::VPCPeeringConnection" => {
            format!("vpcconsole/home?region={region}#PeeringConnectionDetails:VpcPeeringConnectionId={id}")
        }
        "AWS::Lambda::Function" => format!("lambda/home?region={region}#/functions/{id}"),
        _ => return None,
    };
    Some(format!("https://{region}.console.aws.amazon.com/{path}"))
}

/// The page of an object, as the console itself links to it.
pub fn object(bucket: &str, key: &str, region: &str) -> String {
    // Of what keys of reports are made of, only the sign of equality means something in a query.
    let prefix = key.replace('=', "%3D");
    format!("https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={prefix}")
}

/// The page of an event of `CloudTrail`, if the id is one.
pub fn trail_event(id: &str, region: &str) -> Option<String> {
    let plain = !id.is_empty() && id.chars().all(|char| char.is_ascii_alphanumeric() || char == '-');
    plain.then(|| format!("https://{region}.console.aws.amazon.com/cloudtrailv2/home?region={region}#/events/{id}"))
}

/// The page of an execution.
pub fn execution(arn: &str, region: &str) -> String {
    format!("https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{arn}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(resource_type: &str, arn: &str) -> Option<String> {
        resource(&ResourceRef {
            arn: arn.to_owned(),
            resource_type: resource_type.to_owned().into(),
            name: "a name that is a tag".to_owned(),
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            tags: None,
        })
    }

    #[test]
    fn every_audited_type_has_its_page() {
        let console = "https://us-east-1.console.aws.amazon.com";
        let arn = |service: &str, id: &str| format!("arn:aws:{service}:us-east-1:123456789012:{id}");
        let cases = [
            ("AWS::S3::Bucket", "arn:aws:s3:::my.ledger".to_owned(), "s3/buckets/my.ledger?region=us-east-1"),
            ("AWS::EC2::VPC", arn("ec2", "vpc/vpc-0abc"), "vpcconsole/home?region=us-east-1#VpcDetails:VpcId=vpc-0abc"),
            (
                "AWS::S3::AccessPoint",
                arn("s3", "accesspoint/reporting"),
                "s3/ap/123456789012/reporting?region=us-east-1",
            ),
            (
                "AWS::EC2::NetworkAcl",
                arn("ec2", "network-acl/acl-0abc"),
                "vpcconsole/home?region=us-east-1#NetworkAclDetails:networkAclId=acl-0abc",
            ),
            (
                "AWS::EC2::Subnet",
                arn("ec2", "subnet/subnet-0abc"),
                "vpcconsole/home?region=us-east-1#SubnetDetails:subnetId=subnet-0abc",
            ),
            (
                "AWS::EC2::VPCEndpoint",
                arn("ec2", "vpc-endpoint/vpce-0abc"),
                "vpcconsole/home?region=us-east-1#EndpointDetails:vpcEndpointId=vpce-0abc",
            ),
            (
                "AWS::EC2::VPCPeeringConnection",
                arn("ec2", "vpc-peering-connection/pcx-0abc"),
                "vpcconsole/home?region=us-east-1#PeeringConnectionDetails:VpcPeeringConnectionId=pcx-0abc",
            ),
            (
                "AWS::EC2::SecurityGroup",
                arn("ec2", "security-group/sg-0abc"),
                "ec2/home?region=us-east-1#SecurityGroup:groupId=sg-0abc",
            ),
            (
                "AWS::Lambda::Function",
                arn("lambda", "function:pay_out"),
                "lambda/home?region=us-east-1#/functions/pay_out",
            ),
        ];
        for (resource_type, arn, path) in cases {
            assert_eq!(link(resource_type, &arn), Some(format!("{console}/{path}")));
        }
    }

    #[test]
    fn a_report_has_its_page() {
        assert_eq!(
            object("reports", "reports/date=2026-11-23/scan.html", "us-east-1"),
            "https://us-east-1.console.aws.amazon.com/s3/object/reports?region=us-east-1&prefix=reports/date%3D2026-11-23/scan.html"
        );
    }

    #[test]
    fn there_is_no_link_rather_than_a_wrong_one() {
        assert_eq!(link("AWS::SQS::Queue", "arn:aws:sqs:us-east-1:123456789012:queue"), None);
        assert_eq!(link("AWS::S3::Bucket", "arn:aws:s3:::a?b"), None);
        assert_eq!(link("AWS::S3::Bucket", ""), None);
    }
}
