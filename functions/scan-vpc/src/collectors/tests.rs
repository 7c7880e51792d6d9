use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use audit_model::plan::Target;
use audit_model::resource::{FlowLog, IpPermission, PrefixList, Vpc};
use audit_model::{Reading, Tags, Unreadable, UnreadableCause};
use audit_task::Budget;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::test_util::infallible_client_fn;
use http::{Request, Response};
use pretty_assertions::assert_eq;

use super::{Ec2Vpcs, VpcCollector};

const VPCS: &str = "DescribeVpcs";
const FLOW_LOGS: &str = "DescribeFlowLogs";
const GROUPS: &str = "DescribeSecurityGroups";
const ENTRIES: &str = "GetManagedPrefixListEntries";

/// An answer of EC2: the status and the body.
type Answer = (u16, String);

/// The items of one page, in the form of the API reference, and the token of the next.
fn page(action: &str, items: &str, next: &str) -> Answer {
    let set = match action {
        VPCS => "vpcSet",
        FLOW_LOGS => "flowLogSet",
        GROUPS => "securityGroupInfo",
        ENTRIES => "entrySet",
        _ => panic!("{action} is not called"),
    };
    let next = if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
    (200, format!("<{action}Response><{set}>{items}</{set}>{next}</{action}Response>"))
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
        let parameter = |name: &str| {
            let value = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_default().to_owned()
        };
        Self { action: parameter("Action"), parameters: form.to_owned(), token: parameter("NextToken") }
    }
}

/// What EC2 answers in a small account: `vpc-1` with everything and `vpc-2` with nothing but its default group.
fn usual(asked: &Asked) -> Answer {
    match (asked.action.as_str(), asked.token.as_str()) {
        (VPCS, _) => page(
            VPCS,
            "<item><vpcId>vpc-1</vpcId><isDefault>true</isDefault><tagSet>\
             <item><key>Name</key><value>payments</value></item><item><key>Owner</key><value>ledger</value></item>\
             </tagSet></item><item><vpcId>vpc-2</vpcId><isDefault>false</isDefault></item>",
            "",
        ),
        (FLOW_LOGS, _) => page(
            FLOW_LOGS,
            "<item><flowLogId>fl-1</flowLogId><flowLogStatus>ACTIVE</flowLogStatus><resourceId>vpc-1</resourceId>\
             <trafficType>REJECT</trafficType><deliverLogsStatus>SUCCESS</deliverLogsStatus></item>",
            "",
        ),
        (GROUPS, "") => page(
            GROUPS,
            "<item><groupId>sg-1</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId><tagSet>\
             <item><key>Owner</key><value>shop</value></item></tagSet><ipPermissions><item><ipProtocol>tcp</ipProtocol>\
             <fromPort>22</fromPort><toPort>23</toPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>\
             <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges><prefixListIds><item>\
             <prefixListId>pl-1</prefixListId></item></prefixListIds><groups><item><groupId>sg-7</groupId></item></groups>\
             </item></ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><prefixListIds><item>\
             <prefixListId>pl-1</prefixListId></item></prefixListIds></item></ipPermissionsEgress></item>",
            "more",
        ),
        (GROUPS, "more") => page(
            GROUPS,
            "<item><groupId>sg-2</groupId><groupName>default</groupName><vpcId>vpc-2</vpcId>\
             <ownerId>444455556666</ownerId></item><item><groupId>sg-3</groupId><groupName>default</groupName><vpcId>vpc-1</vpcId></item>",
            "",
        ),
        (ENTRIES, "") => page(ENTRIES, "<item><cidr>10.0.0.0/8</cidr></item>", "rest"),
        (ENTRIES, "rest") => page(ENTRIES, "<item><cidr>203.0.113.0/24</cidr></item>", ""),
        _ => panic!("{asked:?} was not expected"),
    }
}

/// Reads `vpc-1` and `vpc-2` with EC2 answering as `answer` says, and tells what was asked.
async fn read(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> (Vec<Vpc>, Vec<Asked>) {
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
    let collector = Ec2Vpcs {
        client: Client::from_conf(config),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        budget: Budget::share(NonZeroU32::new(10_000).unwrap(), NonZeroU32::MIN),
    };
    let targets = ["vpc-1", "vpc-2"].map(|id| Target { id: id.to_owned(), region: Some("us-east-1".to_owned()) });
    let vpcs = collector.vpcs(&targets).await;
    let asked = requests.lock().unwrap().clone();
    (vpcs, asked)
}

/// The same with one call answering otherwise.
async fn read_with(action: &'static str, answer: Answer) -> Vec<Vpc> {
    let (vpcs, _) = read(move |asked| if asked.action == action { answer.clone() } else { usual(asked) }).await;
    vpcs
}

fn tags<const N: usize>(pairs: [(&str, &str); N]) -> Reading<Tags> {
    Reading::seen(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
}

/// What was not readable, if something was not.
fn why<T>(reading: &Reading<T>) -> Option<Unreadable> {
    reading.known().err()
}

#[tokio::test]
async fn what_is_there_is_read_whole() {
    let (vpcs, _) = read(usual).await;
    let [one, two] = vpcs.as_slice() else { panic!("both are there") };

    assert_eq!(one.identity.arn, "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1");
    assert_eq!(one.identity.name, "payments");
    assert_eq!(one.tags, tags([("Name", "payments"), ("Owner", "ledger")]));
    let log = FlowLog {
        id: "fl-1".to_owned(),
        traffic_type: "REJECT".to_owned(),
        status: "ACTIVE".to_owned(),
        deliver_logs_status: Some("SUCCESS".to_owned()),
    };
    assert_eq!(one.flow_logs, Reading::seen(vec![log]));

    let Reading::Seen { value: groups } = &one.security_groups else { panic!("its groups are there") };
    let [web, default] = groups.as_slice() else { panic!("the groups of both pages are there") };
    assert_eq!(web.identity.arn, "arn:aws:ec2:us-east-1:111122223333:security-group/sg-1");
    assert_eq!((web.identity.name.as_str(), web.vpc_id.as_str()), ("web", "vpc-1"));
    assert_eq!(web.tags, tags([("Owner", "shop")]));
    let list = PrefixList {
        id: "pl-1".to_owned(),
        entries: Reading::seen(vec!["10.0.0.0/8".to_owned(), "203.0.113.0/24".to_owned()]),
    };
    let ssh = IpPermission {
        protocol: "tcp".to_owned(),
        from_port: Some(22),
        to_port: Some(23),
        ipv4_ranges: vec!["0.0.0.0/0".to_owned()],
        ipv6_ranges: vec!["::/0".to_owned()],
        prefix_lists: vec![list.clone()],
        security_groups: vec!["sg-7".to_owned()],
    };
    let out = IpPermission {
        protocol: "-1".to_owned(),
        from_port: None,
        to_port: None,
        ipv4_ranges: Vec::new(),
        ipv6_ranges: Vec::new(),
        prefix_lists: vec![list],
        security_groups: Vec::new(),
    };
    assert_eq!((&web.ingress, &web.egress), (&vec![ssh], &vec![out]));
    assert!(default.is_default());

    assert_eq!(two.identity.name, "vpc-2");
    assert_eq!((&two.tags, &two.flow_logs), (&tags([]), &Reading::seen(Vec::new())));
    let Reading::Seen { value: groups } = &two.security_groups else { panic!("its group is there") };
    let arns: Vec<&str> = groups.iter().map(|group| group.identity.arn.as_str()).collect();
    // Its owner is another account.
    assert_eq!(arns, ["arn:aws:ec2:us-east-1:444455556666:security-group/sg-2"]);
}

#[tokio::test]
async fn calls_are_made_for_the_whole_shard_and_prefix_lists_are_read_once() {
    let (_, asked) = read(usual).await;
    let mut calls: Vec<&str> = asked.iter().map(|asked| asked.action.as_str()).collect();
    calls.sort_unstable();
    // Security groups and entries have two pages.
    assert_eq!(calls, [FLOW_LOGS, GROUPS, GROUPS, VPCS, ENTRIES, ENTRIES]);
    for asked in asked.iter().filter(|asked| asked.action != ENTRIES) {
        let name = if asked.action == FLOW_LOGS { "resource-id" } else { "vpc-id" };
        let filter = format!("Filter.1.Name={name}&Filter.1.Value.1=vpc-1&Filter.1.Value.2=vpc-2");
        assert!(asked.parameters.contains(&filter), "{}", asked.parameters);
    }
}

#[tokio::test]
async fn one_refused_call_spoils_its_own_readings_only() {
    let refusals = [
        (error(403, "UnauthorizedOperation"), UnreadableCause::AccessDenied),
        (error(503, "RequestLimitExceeded"), UnreadableCause::Throttled),
        (error(500, "InternalError"), UnreadableCause::Failed),
    ];
    for (answer, cause) in refusals {
        let expected = |action: &str, refused: &str| (action == refused).then_some((format!("ec2:{action}"), cause));
        for refused in [VPCS, FLOW_LOGS, GROUPS] {
            let vpcs = read_with(refused, answer.clone()).await;
            assert_eq!(vpcs.len(), 2, "{refused}");
            for vpc in vpcs {
                let found = [why(&vpc.tags), why(&vpc.flow_logs), why(&vpc.security_groups)]
                    .map(|why| why.map(|why| (why.action, why.cause)));
                let wanted = [VPCS, FLOW_LOGS, GROUPS].map(|action| expected(action, refused));
                assert_eq!(found, wanted, "{refused}");
            }
        }
        let vpcs = read_with(ENTRIES, answer.clone()).await;
        let Reading::Seen { value: groups } = &vpcs[0].security_groups else { panic!("the groups are there") };
        let why = why(&groups[0].ingress[0].prefix_lists[0].entries).unwrap();
        assert_eq!((why.action, why.cause), (format!("ec2:{ENTRIES}"), cause));
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_is_no_list() {
    for (broken, first) in [(GROUPS, "more"), (ENTRIES, "rest")] {
        let (vpcs, _) = read(move |asked| {
            let refused = asked.action == broken && asked.token == first;
            if refused { error(503, "RequestLimitExceeded") } else { usual(asked) }
        })
        .await;
        let groups = &vpcs[0].security_groups;
        let why = match groups {
            Reading::Seen { value: groups } => why(&groups[0].ingress[0].prefix_lists[0].entries),
            other => why(other),
        };
        assert_eq!(why.map(|why| why.cause), Some(UnreadableCause::Throttled), "{broken}");
    }
}

#[tokio::test]
async fn a_vpc_that_is_not_described_has_gone() {
    let answer = page(VPCS, "<item><vpcId>vpc-2</vpcId></item>", "");
    let vpcs = read_with(VPCS, answer).await;
    assert_eq!(vpcs.iter().map(|vpc| vpc.id.as_str()).collect::<Vec<_>>(), ["vpc-2"]);
}

#[tokio::test]
async fn nameless_vpcs_go_by_their_id_also_when_they_could_not_be_described() {
    let vpcs = read_with(VPCS, error(403, "UnauthorizedOperation")).await;
    assert_eq!(vpcs[0].identity.name, "vpc-1");
    assert_eq!(vpcs[0].identity.arn, "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1");
}

#[tokio::test]
async fn an_entry_that_is_not_understood_spoils_the_list_of_its_vpc_only() {
    let other = "<item><groupId>sg-2</groupId><groupName>default</groupName><vpcId>vpc-2</vpcId></item>";
    let strange = [
        "<item><groupId>sg-1</groupId><vpcId>vpc-1</vpcId></item>",
        "<item><groupName>web</groupName><vpcId>vpc-1</vpcId></item>",
        "<item><groupId>sg-1</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId><ipPermissions><item>\
         <fromPort>22</fromPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissions>\
         </item>",
        "<item><groupId>sg-1</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId><ipPermissions><item>\
         <ipProtocol>tcp</ipProtocol><ipRanges><item></item></ipRanges></item></ipPermissions></item>",
        "<item><groupId>sg-1</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId><ipPermissions><item>\
         <ipProtocol>tcp</ipProtocol><prefixListIds><item></item></prefixListIds></item></ipPermissions></item>",
        // A permission that lets nobody in.
        "<item><groupId>sg-1</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId><ipPermissions><item>\
         <ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort></item></ipPermissions></item>",
    ];
    for item in strange {
        // What comes after the strange entry does not make it good.
        let good = "<item><groupId>sg-8</groupId><groupName>late</groupName><vpcId>vpc-1</vpcId></item>";
        let vpcs = read_with(GROUPS, page(GROUPS, &format!("{item}{other}{good}"), "")).await;
        let cause = why(&vpcs[0].security_groups).map(|why| why.cause);
        assert_eq!(cause, Some(UnreadableCause::Malformed), "{item}");
        assert_eq!(why(&vpcs[1].security_groups), None, "{item}");
    }

    let log = "<item><flowLogId>fl-1</flowLogId><resourceId>vpc-1</resourceId><trafficType>ALL</trafficType></item>";
    let vpcs = read_with(FLOW_LOGS, page(FLOW_LOGS, log, "")).await;
    assert_eq!(why(&vpcs[0].flow_logs).map(|why| why.cause), Some(UnreadableCause::Malformed));
    assert_eq!(why(&vpcs[1].flow_logs), None);
}

#[tokio::test]
async fn an_entry_of_nobody_spoils_every_list() {
    let nobody = [
        (VPCS, "<item></item>"),
        (FLOW_LOGS, "<item><flowLogId>fl-1</flowLogId></item>"),
        (GROUPS, "<item><groupId>sg-1</groupId><groupName>web</groupName></item>"),
    ];
    for (action, item) in nobody {
        for vpc in read_with(action, page(action, item, "")).await {
            let why = match action {
                VPCS => why(&vpc.tags),
                FLOW_LOGS => why(&vpc.flow_logs),
                _ => why(&vpc.security_groups),
            };
            assert_eq!(why.map(|why| why.cause), Some(UnreadableCause::Malformed), "{action}");
        }
    }
}
