use std::sync::Mutex;

use custom_resource::{Answer, Request, TIME_TO_ANSWER, handle};
use pretty_assertions::assert_eq;
use serde_json::json;

use super::*;

const ID: &str = "sg-1";

/// What was asked of the fake: the direction, and the permissions to take away.
type Revoked = (Direction, Vec<&'static str>);

/// One security group in memory.
struct FakeGroups {
    group: Mutex<Group<&'static str>>,
    revoked: Mutex<Vec<Revoked>>,
    /// How many calls find one of the permissions gone, and so revoke none.
    disturbed: Mutex<u32>,
    denies: bool,
}

impl FakeGroups {
    fn new(name: &str, ingress: &[&'static str], egress: &[&'static str]) -> Self {
        let group = Group { name: name.to_owned(), ingress: ingress.to_vec(), egress: egress.to_vec() };
        Self { group: Mutex::new(group), revoked: Mutex::default(), disturbed: Mutex::default(), denies: false }
    }

    fn revoked(&self) -> Vec<Revoked> {
        self.revoked.lock().unwrap().clone()
    }
}

#[async_trait]
impl SecurityGroups for &FakeGroups {
    type Permission = &'static str;

    async fn group(&self, id: &str) -> Result<Group<&'static str>, TaskError> {
        assert_eq!(id, ID);
        Ok(self.group.lock().unwrap().clone())
    }

    async fn revoke(&self, id: &str, direction: Direction, permissions: &[&'static str]) -> Result<(), TaskError> {
        assert_eq!(id, ID);
        if self.denies {
            return Err(TaskError::AccessDenied("ec2:RevokeSecurityGroupIngress was denied".to_owned()));
        }
        self.revoked.lock().unwrap().push((direction, permissions.to_vec()));
        let mut disturbed = self.disturbed.lock().unwrap();
        if *disturbed > 0 {
            *disturbed -= 1;
            return Ok(());
        }
        let mut group = self.group.lock().unwrap();
        let there = match direction {
            Direction::Ingress => &mut group.ingress,
            Direction::Egress => &mut group.egress,
        };
        there.retain(|permission| !permissions.contains(permission));
        Ok(())
    }
}

fn request(kind: &str, properties: &Value) -> Request {
    serde_json::from_value(json!({
        "RequestType": kind,
        "ResponseURL": "http://127.0.0.1/answer?signature=secret",
        "StackId": "stack",
        "RequestId": "request",
        "ResourceType": "Custom::CloseDefaultSecurityGroup",
        "LogicalResourceId": "ClosedDefaultGroup",
        "PhysicalResourceId": "closed-sg-1",
        "ResourceProperties": properties,
    }))
    .unwrap()
}

/// What the custom resource answers about the group.
async fn answer(kind: &str, groups: &FakeGroups) -> Answer {
    let resource = CloseDefaultSecurityGroup { groups, pause: Duration::ZERO };
    let request = request(kind, &json!({ "SecurityGroupId": ID }));
    handle(&resource, &request, TIME_TO_ANSWER + Duration::from_secs(10)).await
}

#[tokio::test]
async fn a_creation_and_an_update_revoke_what_is_there_and_a_deletion_nothing() {
    let all_in = (Direction::Ingress, vec!["all from itself", "ssh from anywhere"]);
    let all_out = (Direction::Egress, vec!["all to anywhere"]);
    for kind in ["Create", "Update", "Delete"] {
        for (ingress, egress, expected) in [
            (true, true, vec![all_in.clone(), all_out.clone()]),
            (true, false, vec![all_in.clone()]),
            (false, true, vec![all_out.clone()]),
            (false, false, vec![]),
        ] {
            let some = |there: bool, permissions: &Revoked| if there { permissions.1.clone() } else { vec![] };
            let groups = FakeGroups::new("default", &some(ingress, &all_in), &some(egress, &all_out));
            let answer = answer(kind, &groups).await;
            assert_eq!((answer.status(), answer.physical_resource_id()), ("SUCCESS", "closed-sg-1"), "{kind}");
            let expected = if kind == "Delete" { vec![] } else { expected };
            assert_eq!(groups.revoked(), expected, "{kind}");
        }
    }
}

#[tokio::test]
async fn a_group_that_is_no_default_one_keeps_its_rules() {
    let groups = FakeGroups::new("web", &["https from anywhere"], &["all to anywhere"]);
    let answer = answer("Create", &groups).await;
    assert_eq!(answer.status(), "FAILED");
    assert_eq!(
        answer.reason(),
        "security group sg-1 could not be closed: its name is \"web\"; only the default security group of a VPC is \
         closed, and that one's name is \"default\""
    );
    assert_eq!(groups.revoked(), []);
}

#[tokio::test]
async fn a_call_that_somebody_forestalled_is_made_again() {
    let groups = FakeGroups::new("default", &["all from itself"], &["all to anywhere"]);
    *groups.disturbed.lock().unwrap() = 1;
    assert_eq!(answer("Create", &groups).await.status(), "SUCCESS");
    let directions: Vec<Direction> = groups.revoked().into_iter().map(|(direction, _)| direction).collect();
    assert_eq!(directions, [Direction::Ingress, Direction::Egress, Direction::Ingress]);
}

#[tokio::test]
async fn permissions_that_stay_fail_the_creation_with_their_number() {
    let groups = FakeGroups::new("default", &["all from itself", "ssh from anywhere"], &["all to anywhere"]);
    *groups.disturbed.lock().unwrap() = u32::MAX;
    let answer = answer("Create", &groups).await;
    assert_eq!((answer.status(), answer.physical_resource_id()), ("FAILED", "closed-sg-1"));
    assert!(answer.reason().contains("2 ingress and 1 egress permissions are left"), "{}", answer.reason());
    assert_eq!(groups.revoked().len(), 2 * ROUNDS as usize);
}

#[tokio::test]
async fn a_denied_call_fails_the_creation_with_the_reason() {
    let groups = FakeGroups { denies: true, ..FakeGroups::new("default", &["all from itself"], &[]) };
    let answer = answer("Create", &groups).await;
    assert_eq!(answer.status(), "FAILED");
    assert_eq!(answer.reason(), "security group sg-1 could not be closed: ec2:RevokeSecurityGroupIngress was denied");
}

#[test]
fn a_request_without_a_group_is_refused_with_the_property_s_name() {
    let reason = CloseDefaultSecurityGroup::<&FakeGroups>::subject(&json!({})).unwrap_err();
    assert_eq!(reason, "the property SecurityGroupId is missing; it must be the id of a VPC's default security group");
}
