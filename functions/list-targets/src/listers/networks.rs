//! Networks looked up by id. Asked for ids directly, EC2 refuses them all when one has gone; a filter leaves that one out.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>

use std::collections::BTreeMap;

use async_trait::async_trait;
use audit_model::VpcPart;
use audit_model::plan::Target;
use audit_task::{TaskError, task_error};
use aws_sdk_ec2::types::Filter;

use super::vpcs::Vpcs;
use super::{NetworkLookup, nameless, without_list};

/// Reads every page of a call for the ids and VPCs of what it lists.
macro_rules! vpcs_of {
    ($action:literal, $call:expr, $list:ident, $id:ident) => {{
        let mut found = BTreeMap::new();
        let mut pages = $call.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| task_error($action, &error))?;
            for entry in page.$list.ok_or_else(|| without_list($action))? {
                let id = entry.$id.ok_or_else(|| nameless($action))?;
                let vpc = entry.vpc_id.ok_or_else(|| homeless($action, &id))?;
                found.insert(id, vpc);
            }
        }
        Ok(found)
    }};
}

#[async_trait]
impl NetworkLookup for Vpcs {
    async fn vpcs_of(&self, part: VpcPart, ids: &[String]) -> Result<BTreeMap<String, String>, TaskError> {
        let ec2 = &self.client;
        match part {
            VpcPart::SecurityGroup => vpcs_of!(
                "ec2:DescribeSecurityGroups",
                ec2.describe_security_groups().filters(filter("group-id", ids)),
                security_groups,
                group_id
            ),
            VpcPart::NetworkAcl => vpcs_of!(
                "ec2:DescribeNetworkAcls",
                ec2.describe_network_acls().filters(filter("network-acl-id", ids)),
                network_acls,
                network_acl_id
            ),
            VpcPart::Subnet => vpcs_of!(
                "ec2:DescribeSubnets",
                ec2.describe_subnets().filters(filter("subnet-id", ids)),
                subnets,
                subnet_id
            ),
            VpcPart::RouteTable => vpcs_of!(
                "ec2:DescribeRouteTables",
                ec2.describe_route_tables().filters(filter("route-table-id", ids)),
                route_tables,
                route_table_id
            ),
            VpcPart::VpcEndpoint => vpcs_of!(
                "ec2:DescribeVpcEndpoints",
                ec2.describe_vpc_endpoints().filters(filter("vpc-endpoint-id", ids)),
                vpc_endpoints,
                vpc_endpoint_id
            ),
        }
    }

    async fn vpcs(&self, ids: &[String]) -> Result<Vec<Target>, TaskError> {
        self.described(self.client.describe_vpcs().filters(filter("vpc-id", ids))).await
    }
}

fn filter(name: &str, ids: &[String]) -> Filter {
    Filter::builder().name(name).set_values(Some(ids.to_vec())).build()
}

/// AWS listed what hangs on a VPC without saying on which one.
fn homeless(action: &str, id: &str) -> TaskError {
    TaskError::Corrupt(format!("{action} listed {id} without its VPC"))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::listers::replay::answers;
    use crate::listers::vpcs::tests::ec2_answering;

    #[tokio::test]
    async fn each_type_is_asked_for_by_a_filter_of_its_ids_and_what_has_gone_is_left_out() {
        let cases = [
            (VpcPart::SecurityGroup, "DescribeSecurityGroups", "securityGroupInfo", "groupId", "group-id"),
            (VpcPart::NetworkAcl, "DescribeNetworkAcls", "networkAclSet", "networkAclId", "network-acl-id"),
            (VpcPart::Subnet, "DescribeSubnets", "subnetSet", "subnetId", "subnet-id"),
            (VpcPart::RouteTable, "DescribeRouteTables", "routeTableSet", "routeTableId", "route-table-id"),
            (VpcPart::VpcEndpoint, "DescribeVpcEndpoints", "vpcEndpointSet", "vpcEndpointId", "vpc-endpoint-id"),
        ];
        for (part, call, list, id, name) in cases {
            let item = format!("<item><{id}>x-1</{id}><vpcId>vpc-1</vpcId></item>");
            let answers = answers(&[(200, &format!("<{call}Response><{list}>{item}</{list}></{call}Response>"))]);
            let ids = ["x-1".to_owned(), "x-gone".to_owned()];
            let found = ec2_answering(&answers).vpcs_of(part, &ids).await;
            assert_eq!(found, Ok([("x-1".to_owned(), "vpc-1".to_owned())].into()), "{part:?}");
            let request = answers.actual_requests().next().unwrap();
            let body = String::from_utf8_lossy(request.body().bytes().unwrap()).into_owned();
            for said in [
                format!("Action={call}&"),
                format!("Filter.1.Name={name}&Filter.1.Value.1=x-1&Filter.1.Value.2=x-gone"),
            ] {
                assert!(body.contains(&said), "{part:?}: {body}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_not_understood_is_no_answer() {
        let denied = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>\
                      </Errors><RequestID>r</RequestID></Response>";
        let homeless = "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId></item></subnetSet>\
                        </DescribeSubnetsResponse>";
        let hollow = "<DescribeSubnetsResponse></DescribeSubnetsResponse>";
        for (given, name) in [((403, denied), "AccessDenied"), ((200, homeless), "Corrupt"), ((200, hollow), "Corrupt")]
        {
            let found = ec2_answering(&answers(&[given])).vpcs_of(VpcPart::Subnet, &["subnet-1".to_owned()]).await;
            let error = found.unwrap_err();
            assert_eq!(error.name(), name, "{given:?}");
            assert!(error.to_string().contains("ec2:DescribeSubnets"), "{error}");
        }
    }
}
