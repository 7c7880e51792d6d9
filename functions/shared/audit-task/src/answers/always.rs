//! What AWS always sends, also where there is nothing to tell. The SDK takes an answer that lacks it for one that says
//! "none"; some of its parsers put an empty list there, so that nobody behind them could tell.

use std::collections::HashMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde::de::IgnoredAny;

/// How a request tells which operation it asks for.
#[derive(Debug, Clone, Copy)]
enum Asks {
    /// By `Action` in a form.
    Action(&'static str),
    /// By a parameter of the address.
    Parameter(&'static str),
    /// By the path, in which `*` stands for one word.
    Path(&'static str),
    /// By a header.
    Target(&'static str),
}

use Asks::{Action, Parameter, Path, Target};

/// By operation the member of its answer that is always there, by the name that it has on the wire: for each list that
/// any function asks for, the list. Settings of a bucket whose absence is a whole answer (versioning, logging,
/// notifications, location) have none, nor have the versions and uploads of a bucket, which come without a list around them.
///
/// AWS requires `FunctionUrlConfigs`, `TagSet` and `executions` in its models, which is why the SDK puts empty ones there:
/// <https://github.com/aws/api-models-aws/blob/main/models/lambda/service/2015-03-31/lambda-2015-03-31.json>
/// <https://github.com/aws/api-models-aws/blob/main/models/s3/service/2006-03-01/s3-2006-03-01.json>
/// Of the others the models say nothing. The references' examples show empty sets of EC2 written out, for instance
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkAcls.html>; that an account without access points
/// is told so by an empty `AccessPointList` is what only a real account can show (`infrastructure/README.md`).
const ALWAYS: [(Asks, &str); 31] = [
    (Parameter("x-id=ListBuckets"), "Buckets"),
    (Parameter("acl"), "AccessControlList"),
    (Parameter("replication"), "Rule"),
    (Parameter("tagging"), "TagSet"),
    (Path("/v20180820/accesspoint"), "AccessPointList"),
    (Action("DescribeAddresses"), "addressesSet"),
    (Action("DescribeClientVpnEndpoints"), "clientVpnEndpoint"),
    (Action("DescribeFlowLogs"), "flowLogSet"),
    (Action("DescribeLaunchTemplateVersions"), "launchTemplateVersionSet"),
    (Action("DescribeNetworkAcls"), "networkAclSet"),
    (Action("DescribeNetworkInterfaces"), "networkInterfaceSet"),
    (Action("DescribeRouteTables"), "routeTableSet"),
    (Action("DescribeSecurityGroups"), "securityGroupInfo"),
    (Action("DescribeSubnets"), "subnetSet"),
    (Action("DescribeTransitGateways"), "transitGatewaySet"),
    (Action("DescribeVpcEndpointServiceConfigurations"), "serviceConfigurationSet"),
    (Action("DescribeVpcEndpointServicePermissions"), "allowedPrincipals"),
    (Action("DescribeVpcEndpointServices"), "serviceDetailSet"),
    (Action("DescribeVpcEndpoints"), "vpcEndpointSet"),
    (Action("DescribeVpcPeeringConnections"), "vpcPeeringConnectionSet"),
    (Action("DescribeVpcs"), "vpcSet"),
    (Action("DescribeVpnConnections"), "vpnConnectionSet"),
    (Action("GetManagedPrefixListEntries"), "entrySet"),
    (Path("/2015-03-31/functions"), "Functions"),
    (Path("/2015-03-31/functions/*"), "Configuration"),
    (Path("/2015-03-31/functions/*/aliases"), "Aliases"),
    (Path("/2021-10-31/functions/*/urls"), "FunctionUrlConfigs"),
    (Target("AWSStepFunctions.ListExecutions"), "executions"),
    (Target("TrentService.ListAliases"), "Aliases"),
    (Target("TrentService.ListKeys"), "Keys"),
    (Target("TrentService.ListResourceTags"), "Tags"),
];

impl Asks {
    fn is_asked_by(self, request: &HttpRequest) -> bool {
        let is_get = request.method() == "GET";
        match self {
            Action(action) => {
                let form = request.body().bytes().unwrap_or_default();
                form.strip_prefix(b"Action=")
                    .and_then(|rest| rest.strip_prefix(action.as_bytes()))
                    .is_some_and(|rest| rest.first().is_none_or(|&next| next == b'&'))
            }
            Parameter(parameter) => is_get && query(request).split('&').any(|it| it == parameter),
            Path(path) => {
                let (asked, known) = (words(self::path(request)), words(path));
                is_get
                    && asked.clone().count() == known.clone().count()
                    && asked.zip(known).all(|(word, known)| known == "*" || word == known)
            }
            Target(target) => request.headers().get("x-amz-target") == Some(target),
        }
    }
}

/// What the answer to this request holds whenever the request succeeds, if that is known.
pub(super) fn sent(request: &HttpRequest) -> Option<&'static str> {
    ALWAYS.iter().find(|(operation, _)| operation.is_asked_by(request)).map(|(_, member)| *member)
}

/// Whether an answer has this element, or this member at its top. What is not JSON the SDK's parser refuses.
pub(super) fn is_in(answer: &[u8], member: &str) -> bool {
    if !answer.starts_with(b"<") {
        let members = serde_json::from_slice::<HashMap<String, Option<IgnoredAny>>>(answer);
        return members.map_or(true, |members| matches!(members.get(member), Some(Some(_))));
    }
    // No text within XML has the character that begins a tag.
    answer.split(|&byte| byte == b'<').any(|tag| {
        let rest = tag.strip_prefix(member.as_bytes()).and_then(|rest| rest.first());
        rest.is_some_and(|&next| next == b'>' || next == b'/' || next.is_ascii_whitespace())
    })
}

fn query(request: &HttpRequest) -> &str {
    request.uri().split_once('?').map_or("", |(_, query)| query)
}

fn path(request: &HttpRequest) -> &str {
    let uri = request.uri().split('?').next().unwrap_or_default();
    let behind_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    behind_scheme.find('/').map_or("", |at| &behind_scheme[at..])
}

fn words(path: &str) -> impl Iterator<Item = &str> + Clone {
    path.split('/').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn request(method: &str, uri: &str, body: &'static str) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(method).unwrap();
        request.set_uri(uri.to_owned()).unwrap();
        request
    }

    /// A request for each operation of the table, as the SDK sends it.
    fn asking(operation: Asks) -> HttpRequest {
        match operation {
            Action(action) => request("POST", "https://ec2.us-east-1.amazonaws.com/", "")
                .map(|_| SdkBody::from(format!("Action={action}&Version=2016-11-15&Filter.1.Name=vpc-id"))),
            Parameter(parameter) => {
                request("GET", &format!("https://b.s3.amazonaws.com/?max-buckets=9&{parameter}"), "")
            }
            Path(path) => request("GET", &format!("https://aws.test{}/?MaxItems=50", path.replace('*', "pay")), ""),
            Target(target) => {
                let mut request = request("POST", "https://aws.test/", "{}");
                request.headers_mut().insert("x-amz-target", target);
                request
            }
        }
    }

    #[test]
    fn of_every_operation_an_answer_without_its_list_is_told_from_one_with_an_empty_list() {
        for (operation, member) in ALWAYS {
            assert_eq!(sent(&asking(operation)), Some(member), "{operation:?}");
            // AWS Lambda speaks JSON on paths that begin with a date, Amazon S3 Control XML on one that begins with a version.
            let is_json = match operation {
                Target(_) => true,
                Path(path) => path.starts_with("/20"),
                Action(_) | Parameter(_) => false,
            };
            let (hollow, empty) = if is_json {
                ("{}".to_owned(), format!(r#"{{"NextMarker":null,"{member}":[]}}"#))
            } else {
                (
                    "<Root><requestId>r</requestId></Root>".to_owned(),
                    format!("<Root><requestId>r</requestId><{member}/></Root>"),
                )
            };
            assert!(!is_in(hollow.as_bytes(), member), "{operation:?}");
            assert!(is_in(empty.as_bytes(), member), "{operation:?}");
        }
    }

    #[test]
    fn what_only_looks_like_a_member_is_none() {
        let cases = [
            ("<Root><vpcSet><item/></vpcSet></Root>", true),
            ("<?xml version=\"1.0\"?>\n<Root><vpcSet xmlns=\"x\"/></Root>", true),
            ("<Root><vpcSetOf/><name>vpcSet</name></Root>", false),
            (r#"{"vpcSet":null}"#, false),
            (r#"{"Tags":{"vpcSet":"x"},"Name":"vpcSet"}"#, false),
        ];
        for (answer, is_there) in cases {
            assert_eq!(is_in(answer.as_bytes(), "vpcSet"), is_there, "{answer}");
        }
    }

    #[test]
    fn requests_for_anything_else_expect_nothing() {
        let others = [
            request("PUT", "https://b.s3.amazonaws.com/?tagging", "<Tagging/>"),
            request("GET", "https://b.s3.amazonaws.com/?versioning", ""),
            request("GET", "https://b.s3.amazonaws.com/tagging", ""),
            request("GET", "https://aws.test/2015-03-31/functions/pay/policy", ""),
            request("POST", "https://aws.test/", "Action=DescribeVpcBlockPublicAccessOptions&Version=2016-11-15"),
        ];
        for other in others {
            assert_eq!(sent(&other), None, "{}", other.uri());
        }
    }
}
