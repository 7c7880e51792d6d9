//! EC2 as it answers in a small account, and what is read of it.

mod account;
mod vpcs;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use audit_model::{Reading, Tags, Unreadable};
use audit_rules::Needed;
use audit_task::Budget;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::test_util::infallible_client_fn;
use http::{Request, Response};

use super::Ec2Vpcs;

const VPCS: &str = "DescribeVpcs";
const FLOW_LOGS: &str = "DescribeFlowLogs";
const GROUPS: &str = "DescribeSecurityGroups";
const ENTRIES: &str = "GetManagedPrefixListEntries";
const INTERFACES: &str = "DescribeNetworkInterfaces";
const ACLS: &str = "DescribeNetworkAcls";
const SUBNETS: &str = "DescribeSubnets";
const TABLES: &str = "DescribeRouteTables";
const ENDPOINTS: &str = "DescribeVpcEndpoints";
const POLICY_SUPPORT: &str = "DescribeVpcEndpointServices";
const BLOCK: &str = "DescribeVpcBlockPublicAccessOptions";
const SERVICES: &str = "DescribeVpcEndpointServiceConfigurations";
const PRINCIPALS: &str = "DescribeVpcEndpointServicePermissions";
const PEERINGS: &str = "DescribeVpcPeeringConnections";
const ADDRESSES: &str = "DescribeAddresses";
const TEMPLATES: &str = "DescribeLaunchTemplateVersions";
const VPNS: &str = "DescribeVpnConnections";
const CLIENT_VPNS: &str = "DescribeClientVpnEndpoints";
const GATEWAYS: &str = "DescribeTransitGateways";

/// An answer of EC2: the status and the body.
type Answer = (u16, String);

/// The items of one page, in the form of the API reference, and the token of the next.
fn page(action: &str, items: &str, next: &str) -> Answer {
    let set = match action {
        VPCS => "vpcSet",
        FLOW_LOGS => "flowLogSet",
        GROUPS => "securityGroupInfo",
        ENTRIES => "entrySet",
        INTERFACES => "networkInterfaceSet",
        ACLS => "networkAclSet",
        SUBNETS => "subnetSet",
        TABLES => "routeTableSet",
        ENDPOINTS => "vpcEndpointSet",
        POLICY_SUPPORT => "serviceDetailSet",
        SERVICES => "serviceConfigurationSet",
        PRINCIPALS => "allowedPrincipals",
        PEERINGS => "vpcPeeringConnectionSet",
        ADDRESSES => "addressesSet",
        TEMPLATES => "launchTemplateVersionSet",
        VPNS => "vpnConnectionSet",
        CLIENT_VPNS => "clientVpnEndpoint",
        GATEWAYS => "transitGatewaySet",
        _ => panic!("{action} has no pages"),
    };
    let next = if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
    (200, format!("<{action}Response><{set}>{items}</{set}>{next}</{action}Response>"))
}

/// What EC2 answers where all of a first page's entries move to the second while the pages are read.
fn repeated(usual: fn(&Asked) -> Answer, asked: &Asked) -> Answer {
    let (status, body) = usual(asked);
    if asked.token.is_empty() {
        return (status, body);
    }
    let (_, first) = usual(&Asked { token: String::new(), ..asked.clone() });
    let entries = &first[first.find("<item>").unwrap()..first.rfind("</item>").unwrap() + "</item>".len()];
    (status, body.replacen("<item>", &format!("{entries}<item>"), 1))
}

fn error(status: u16, code: &str) -> Answer {
    let error = format!("<Error><Code>{code}</Code><Message>said so</Message></Error>");
    (status, format!("<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>"))
}

/// One request: the call, its parameters, and the token that asks for a later page.
#[derive(Debug, Clone)]
struct Asked {
    action: String,
    parameters: String,
    token: String,
}

impl Asked {
    fn new(form: &str) -> Self {
        let mut asked = Self { action: String::new(), parameters: form.to_owned(), token: String::new() };
        asked.action = asked.parameter("Action").to_owned();
        asked.token = asked.parameter("NextToken").to_owned();
        asked
    }

    /// The value of a parameter, empty if it is not given.
    fn parameter(&self, name: &str) -> &str {
        let value = self.parameters.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default()
    }
}

/// The account's network with EC2 answering as `answer` says, and what was asked of it.
fn ec2(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Ec2Vpcs, Arc<Mutex<Vec<Asked>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    let http_client = infallible_client_fn(move |request: Request<_>| {
        let form = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let asked = Asked::new(&form);
        let (status, body) = answer(&asked);
        seen.lock().unwrap().push(asked);
        Response::builder().status(status).body(body).unwrap()
    });
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::for_tests())
        .retry_config(RetryConfig::disabled())
        .http_client(http_client)
        .build();
    let ec2 = Ec2Vpcs {
        client: Client::from_conf(config),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        budget: Budget::new(NonZeroU32::new(10_000).unwrap()),
    };
    (ec2, requests)
}

fn tags<const N: usize>(pairs: [(&str, &str); N]) -> Reading<Tags> {
    Reading::seen(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
}

/// What was not readable, if something was not.
fn why<T>(reading: &Reading<T>) -> Option<Unreadable> {
    reading.known().err()
}
