use std::num::NonZeroU32;

use async_trait::async_trait;
use audit_artifacts::sample::{self, LISTING, SCAN_ID as SCAN};
use audit_artifacts::{ArtifactStoreExt, MemoryStore, keys};
use audit_model::plan::{Hidden, Shard, ShardReceipt, Target, TargetKind};
use audit_model::resource::{FlowLog, Identity, NetworkAccount, SecurityGroup, Vpc};
use audit_model::task::{ScanShardInput, ScanShardOutput};
use audit_model::{Finding, Reading, Service, Status, Unreadable, UnreadableCause};
use audit_rules::Needed;
use audit_task::TaskError;
use jiff::Timestamp;
use pretty_assertions::assert_eq;

use crate::{Ports, VpcCollector, handle};

const ACCOUNT: &str = "111122223333";

/// An account that shares `vpc-shared` with the audited one.
const OWNER: &str = "444455556666";

/// VPCs with flow logs and one security group each and otherwise unread, but for those that have gone, in an account
/// of which nothing can be read.
struct Vpcs {
    gone: &'static [&'static str],
}

fn identity(kind: &str, id: &str) -> Identity {
    Identity {
        name: id.to_owned(),
        arn: format!("arn:aws:ec2:us-east-1:{ACCOUNT}:{kind}/{id}"),
        account: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn denied() -> Unreadable {
    Unreadable { action: "ec2:Describe".to_owned(), cause: UnreadableCause::AccessDenied, detail: "no".to_owned() }
}

fn vpc(id: &str) -> Vpc {
    // The groups' ids run against the VPCs'.
    let group_id = match id {
        "vpc-a" => "sg-9",
        "vpc-b" => "sg-5",
        _ => "sg-1",
    };
    let of_owner = |identity: Identity| Identity {
        arn: identity.arn.replace(ACCOUNT, OWNER),
        account: OWNER.to_owned(),
        ..identity
    };
    let is_shared = id == "vpc-shared";
    let whose = |identity: Identity| if is_shared { of_owner(identity) } else { identity };
    let group = SecurityGroup {
        // The group that AWS makes with every VPC.
        identity: whose(Identity { name: "default".to_owned(), ..identity("security-group", group_id) }),
        id: group_id.to_owned(),
        vpc_id: id.to_owned(),
        tags: Reading::Absent,
        ingress: Vec::new(),
        egress: Vec::new(),
        network_interfaces: Reading::Unreadable(denied()),
    };
    let flow_log = FlowLog {
        id: "fl-1".to_owned(),
        traffic_type: "ALL".to_owned(),
        status: "ACTIVE".to_owned(),
        deliver_logs_status: Some("SUCCESS".to_owned()),
    };
    Vpc {
        identity: whose(identity("vpc", id)),
        id: id.to_owned(),
        audited_account: ACCOUNT.to_owned(),
        tags: Reading::Unreadable(denied()),
        flow_logs: Reading::seen(vec![flow_log]),
        security_groups: Reading::seen(vec![group]),
        network_acls: Reading::Unreadable(denied()),
        subnets: Reading::Unreadable(denied()),
        route_tables: Reading::Unreadable(denied()),
        endpoints: Reading::Unreadable(denied()),
    }
}

#[async_trait]
impl VpcCollector for Vpcs {
    async fn account(&self, _: &Needed) -> NetworkAccount {
        NetworkAccount {
            identity: Identity {
                name: ACCOUNT.to_owned(),
                arn: format!("arn:aws:iam::{ACCOUNT}:root"),
                account: ACCOUNT.to_owned(),
                region: "us-east-1".to_owned(),
            },
            block_public_access: Reading::Unreadable(denied()),
            endpoint_services: Reading::Unreadable(denied()),
            peering_connections: Reading::Unreadable(denied()),
            elastic_ips: Reading::Unreadable(denied()),
            network_interfaces: Reading::Unreadable(denied()),
            launch_templates: Reading::Unreadable(denied()),
            vpn_connections: Reading::Unreadable(denied()),
            client_vpn_endpoints: Reading::Unreadable(denied()),
            transit_gateways: Reading::Unreadable(denied()),
        }
    }

    async fn vpcs(&self, targets: &[Target], _: &Needed) -> Vec<Vpc> {
        let there = targets.iter().filter(|target| !self.gone.contains(&target.id.as_str()));
        there.map(|target| vpc(&target.id)).collect()
    }
}

/// A store with a plan and a shard of these VPCs.
async fn store(vpcs: &[&str]) -> MemoryStore {
    store_with(&vpcs.iter().map(|id| (TargetKind::Vpc, *id)).collect::<Vec<_>>()).await
}

/// A store with a plan and a shard of these targets.
async fn store_with(targets: &[(TargetKind, &str)]) -> MemoryStore {
    let store = MemoryStore::default();
    store.replace_json(&keys::plan(SCAN), &sample::plan()).await.unwrap();
    let target = |(kind, id): &(TargetKind, &str)| Target {
        kind: *kind,
        id: id.to_string(),
        region: None,
        owner: None,
        only: Vec::new(),
    };
    let shard =
        Shard { service: Service::Vpc, number: 2, targets: targets.iter().map(target).collect(), versions: None };
    store.replace_json(&keys::shard(SCAN, Service::Vpc, LISTING, 2), &shard).await.unwrap();
    store
}

async fn scan(
    store: &MemoryStore,
    service: Service,
    gone: &'static [&'static str],
) -> Result<ScanShardOutput, TaskError> {
    let ports = Ports { store, vpcs: &Vpcs { gone }, now: || Timestamp::UNIX_EPOCH };
    let (scan_id, listing) = (SCAN.to_owned(), LISTING.to_owned());
    let input = ScanShardInput { scan_id, service, listing, shard: 2, at_once: NonZeroU32::MIN };
    handle(input, &ports).await
}

async fn findings(store: &MemoryStore) -> Vec<Finding> {
    sample::shard_findings(store, Service::Vpc, 2).await.unwrap()
}

/// The id of the resource that a finding is on.
fn id(finding: &Finding) -> &str {
    finding.resource.arn.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn findings_are_in_order_over_the_whole_shard_and_the_receipt_counts_them() {
    let store = store(&["vpc-a", "vpc-b", "vpc-c"]).await;
    let output = scan(&store, Service::Vpc, &[]).await.unwrap();
    let findings = findings(&store).await;

    assert!(findings.is_sorted_by(|one, next| one.sort_key() < next.sort_key()));
    let mut ids: Vec<&str> = findings.iter().map(id).collect();
    ids.dedup();
    assert_eq!(ids, ["sg-1", "sg-5", "sg-9", "vpc-a", "vpc-b", "vpc-c"]);
    let logged: Vec<Status> = findings
        .iter()
        .filter(|finding| finding.rule_id == "vpc-flow-logs-enabled")
        .map(|finding| finding.status)
        .collect();
    assert_eq!(logged, [Status::Compliant; 3]);

    let count = findings.len() as u64;
    // What of the three VPCs could not be listed.
    let hidden = ["AWS::EC2::NetworkAcl", "AWS::EC2::Subnet", "AWS::EC2::VPCEndpoint"].map(|hidden| Hidden {
        resource_type: hidden.to_owned(),
        parents: 3,
        reason: "ec2:Describe was denied: no".to_owned(),
    });
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::Vpc, 2)).await.unwrap();
    let expected = ShardReceipt {
        service: Service::Vpc,
        listing: LISTING.to_owned(),
        shard: 2,
        resources: 3,
        gone: 0,
        of_others: 0,
        findings: count,
        first: Some(findings[0].resource.arn.clone()),
        hidden: hidden.into(),
    };
    assert_eq!(receipt, expected);
    assert_eq!(
        output,
        ScanShardOutput { scan_id: SCAN.to_owned(), service: Service::Vpc, shard: 2, resources: 3, findings: count }
    );
}

#[tokio::test]
async fn a_vpc_that_has_gone_is_counted_and_not_judged() {
    let store = store(&["vpc-a", "vpc-b"]).await;
    let output = scan(&store, Service::Vpc, &["vpc-a"]).await.unwrap();
    assert_eq!(output.resources, 1);
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::Vpc, 2)).await.unwrap();
    assert_eq!((receipt.resources, receipt.gone), (1, 1));
    assert!(findings(&store).await.iter().all(|finding| ["sg-5", "vpc-b"].contains(&id(finding))));
}

#[tokio::test]
async fn what_lies_with_others_is_counted_and_not_judged() {
    let store = store(&["vpc-a", "vpc-shared"]).await;
    let output = scan(&store, Service::Vpc, &[]).await.unwrap();
    let receipt: ShardReceipt = store.get_json(&keys::shard_receipt(SCAN, Service::Vpc, 2)).await.unwrap();
    // The shared VPC was looked at; it and its group are others'.
    assert_eq!((output.resources, receipt.resources, receipt.of_others), (2, 2, 2));
    let mut ids: Vec<String> = findings(&store).await.iter().map(|finding| id(finding).to_owned()).collect();
    ids.dedup();
    assert_eq!(ids, ["sg-9", "vpc-a", "vpc-shared"]);
}

#[tokio::test]
async fn the_account_counts_as_one_more_resource() {
    let with_account = store_with(&[(TargetKind::Account, ACCOUNT), (TargetKind::Vpc, "vpc-a")]).await;
    assert_eq!(scan(&with_account, Service::Vpc, &[]).await.unwrap().resources, 2);
    assert!(findings(&with_account).await.is_sorted_by(|one, next| one.sort_key() < next.sort_key()));

    let alone = store_with(&[(TargetKind::Account, ACCOUNT)]).await;
    scan(&alone, Service::Vpc, &[]).await.unwrap();
    let receipt: ShardReceipt = alone.get_json(&keys::shard_receipt(SCAN, Service::Vpc, 2)).await.unwrap();
    assert_eq!((receipt.resources, receipt.gone), (1, 0));
    let findings = findings(&alone).await;
    assert!(findings.iter().all(|finding| finding.resource.arn == format!("arn:aws:iam::{ACCOUNT}:root")));
}

#[tokio::test]
async fn a_target_that_this_scanner_does_not_read_stops_it() {
    let store = store_with(&[(TargetKind::Vpc, "vpc-a"), (TargetKind::Function, "settle")]).await;
    assert_eq!(scan(&store, Service::Vpc, &[]).await.unwrap_err().name(), "Corrupt");
}

#[tokio::test]
async fn a_shard_whose_vpcs_have_all_gone_has_findings_that_are_empty() {
    let store = store(&["vpc-a"]).await;
    let output = scan(&store, Service::Vpc, &["vpc-a"]).await.unwrap();
    assert_eq!((output.resources, output.findings), (0, 0));
    assert_eq!(findings(&store).await, []);
}

#[tokio::test]
async fn a_repetition_writes_the_same() {
    let store = store(&["vpc-a", "vpc-b"]).await;
    let first = (scan(&store, Service::Vpc, &[]).await.unwrap(), findings(&store).await);
    let second = (scan(&store, Service::Vpc, &[]).await.unwrap(), findings(&store).await);
    assert_eq!(first, second);
}

#[tokio::test]
async fn nothing_is_written_without_a_plan_a_shard_or_the_right_service() {
    let whole = store(&["vpc-a"]).await;
    assert_eq!(scan(&whole, Service::Lambda, &[]).await.unwrap_err().name(), "InvalidRequest");
    for key in [keys::plan(SCAN), keys::shard(SCAN, Service::Vpc, LISTING, 2)] {
        let store = store(&["vpc-a"]).await;
        store.remove(&key);
        let before = store.keys();
        assert_eq!(scan(&store, Service::Vpc, &[]).await.unwrap_err().name(), "NotFound", "{key}");
        assert_eq!(store.keys(), before);
    }
}

#[tokio::test]
async fn of_a_vpc_with_named_parts_these_are_reported_and_what_could_not_be_listed_of_them() {
    let arn = |kind: &str, id: &str| format!("arn:aws:ec2:us-east-1:{ACCOUNT}:{kind}/{id}");
    let target = |id: &str, only: Vec<String>| Target { only, ..sample::target(TargetKind::Vpc, id) };
    // (what is named in vpc-b, what is reported of it beside all of vpc-a)
    let cases = [
        (arn("security-group", "sg-5"), vec!["sg-5"], 0),
        (arn("security-group", "sg-7"), vec![], 0),
        // The ACLs could not be listed: their rules say so on the VPC, and no other rule says anything of it.
        (arn("network-acl", "acl-1"), vec!["vpc-b"], 1),
    ];
    for (named, reported, hidden) in cases {
        let store = store(&[]).await;
        let shard = Shard {
            service: Service::Vpc,
            number: 2,
            targets: vec![target("vpc-a", Vec::new()), target("vpc-b", vec![named.clone()])],
            versions: None,
        };
        store.replace_json(&keys::shard(SCAN, Service::Vpc, LISTING, 2), &shard).await.unwrap();
        let output = scan(&store, Service::Vpc, &[]).await.unwrap();
        assert_eq!(output.resources, 2, "both were read");
        let findings = findings(&store).await;
        assert!(findings.is_sorted_by(|one, next| one.sort_key() < next.sort_key()), "{named}");
        let of_whole = ["sg-9", "vpc-a"];
        assert!(of_whole.iter().all(|id_of| findings.iter().any(|finding| id(finding) == *id_of)), "{named}");
        let mut others: Vec<&Finding> = findings.iter().filter(|it| !of_whole.contains(&id(it))).collect();
        if hidden > 0 {
            let type_of = |finding: &Finding| audit_rules::rule(&finding.rule_id).unwrap().check.resource_type();
            assert!(others.iter().all(|it| it.status == Status::InsufficientData), "{named}");
            assert!(others.iter().all(|it| type_of(it) == "AWS::EC2::NetworkAcl"), "{named}");
        }
        others.dedup_by(|one, other| id(one) == id(other));
        assert_eq!(others.into_iter().map(id).collect::<Vec<_>>(), reported, "{named}");
    }
}
