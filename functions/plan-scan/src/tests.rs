use std::sync::Mutex;

use async_trait::async_trait;
use audit_artifacts::{MemoryStore, sample};
use audit_model::task::Execution;
use audit_model::{RemediationMode, Service, TriggerKind};
use audit_rules::CLOUD_TRAIL;
use jiff::Timestamp;
use jiff::civil::date;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::*;

const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:audit";
const EVENT_ID: &str = "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa";

/// A state machine whose executions run from the moment they are started.
#[derive(Default)]
struct Machine {
    running: Mutex<Vec<RunningExecution>>,
    store: MemoryStore,
    policy: Option<Result<String, TaskError>>,
    denied: bool,
    missing_settings: Vec<Setting>,
}

#[async_trait]
impl RunningExecutions for Machine {
    async fn running(&self, state_machine_arn: &str) -> Result<Vec<RunningExecution>, TaskError> {
        assert_eq!(state_machine_arn, MACHINE);
        if self.denied {
            return Err(TaskError::AccessDenied("states:ListExecutions was denied".to_owned()));
        }
        Ok(self.running.lock().unwrap().clone())
    }
}

impl Machine {
    /// Starts an execution at that second of 06:00 UTC.
    fn start(&self, name: &str, second: u8) -> Execution {
        let execution = execution(name, second);
        self.running.lock().unwrap().push(RunningExecution {
            arn: execution.id.clone(),
            name: execution.name.clone(),
            started_at: execution.start_time,
        });
        execution
    }

    fn end(&self, name: &str) {
        self.running.lock().unwrap().retain(|running| running.name != name);
    }

    async fn plan(&self, execution: &Execution, input: Value) -> Result<PlanScanOutput, TaskError> {
        let shipped = || Ok(include_str!("../../../infrastructure/audit-policy.toml").to_owned());
        let ports = Ports {
            store: &self.store,
            executions: self,
            policy_text: self.policy.clone().unwrap_or_else(shipped),
            account: sample::ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            system: "dev-pr42".to_owned(),
            missing_settings: self.missing_settings.clone(),
            settling: SignedDuration::from_secs(60),
        };
        handle(PlanScanInput { input, execution: execution.clone() }, &ports).await
    }
}

fn execution(name: &str, second: u8) -> Execution {
    Execution {
        id: format!("arn:aws:states:us-east-1:123456789012:execution:audit:{name}"),
        name: name.to_owned(),
        start_time: format!("2026-11-23T06:00:{second:02}.250Z").parse().unwrap(),
        state_machine_arn: MACHINE.to_owned(),
    }
}

fn requested(detail: &Value) -> Value {
    json!({
        "id": EVENT_ID,
        "detail-type": "Compliance Scan Requested",
        "source": "compliance.audit",
        "detail": detail,
    })
}

#[track_caller]
fn scan_id_of(output: &Result<PlanScanOutput, TaskError>) -> &str {
    match output {
        Ok(PlanScanOutput::Proceed { scan_id, .. }) => scan_id,
        other => panic!("it should proceed: {other:?}"),
    }
}

#[track_caller]
fn assert_skipped(output: &Result<PlanScanOutput, TaskError>, told: &[&str]) {
    match output {
        Ok(PlanScanOutput::Skip { reason, .. }) => {
            for word in told {
                assert!(reason.contains(word), "{word:?} is missing in {reason}");
            }
        }
        other => panic!("it should step aside: {other:?}"),
    }
}

#[tokio::test]
async fn a_plan_holds_the_request_and_the_whole_policy_in_force() {
    let machine = Machine::default();
    let first = machine.start("first", 0);
    let detail = json!({ "services": ["lambda", "vpc"], "remediation": "off", "reapply": ["ledger"], "requestedBy": "audit", "reason": "year end" });

    let output = machine.plan(&first, requested(&detail)).await;

    let scan_id = scan_id_of(&output).to_owned();
    let services = vec![Service::Vpc, Service::Lambda];
    let remediation = RemediationMode::Off;
    assert_eq!(
        output,
        Ok(PlanScanOutput::Proceed { scan_id: scan_id.clone(), services: services.clone(), remediation })
    );
    assert!(scan_id.starts_with("20261123T060000Z-"), "{scan_id}");
    let plan: Plan = machine.store.get_json(&keys::plan(&scan_id)).await.unwrap();
    assert_eq!(
        plan.policy,
        audit_policy::parse(include_str!("../../../infrastructure/audit-policy.toml"), date(2026, 11, 23)).unwrap()
    );
    assert_eq!(
        plan,
        Plan {
            scan_id,
            trigger: audit_model::Trigger {
                kind: TriggerKind::Event,
                event_id: Some(EVENT_ID.to_owned()),
                requested_by: Some("audit".to_owned()),
                reason: Some("year end".to_owned()),
            },
            account: sample::ACCOUNT.to_owned(),
            region: "us-east-1".to_owned(),
            services,
            resources: Vec::new(),
            remediation,
            remediation_requested: true,
            reapply: vec!["ledger".to_owned()],
            changes: Vec::new(),
            policy: plan.policy.clone(),
            missing_settings: Vec::new(),
            started_at: first.start_time,
            execution_arn: first.id,
        }
    );
}

/// No state machine runs it, so a plan that spoke of an execution started by hand would be untrue.
#[tokio::test]
async fn a_run_of_the_command_says_so() {
    let machine = Machine::default();
    let mut run = machine.start("first", 0);
    run.id = "compliance-audit:2026-11-23T06:00:00Z".to_owned();
    let caller = "arn:aws:sts::123456789012:assumed-role/auditor/alice";
    let asked = json!({ "services": ["s3"], "remediation": "off", "requestedBy": caller, "force": true });
    let plan = machine.plan(&run, asked).await;
    let plan: Plan = machine.store.get_json(&keys::plan(scan_id_of(&plan))).await.unwrap();
    assert_eq!((plan.trigger.kind, plan.is_of_deployment()), (TriggerKind::Command, false));
    assert_eq!(plan.trigger.to_string(), format!("the command compliance-audit, requested by {caller}"));
}

#[tokio::test]
async fn a_rule_that_needs_a_setting_of_the_deployment_is_off_without_it() {
    let mut machine = Machine { missing_settings: vec![CLOUD_TRAIL], ..Machine::default() };
    let needing = ["cloudtrail-all-read-s3-data-event-check", "cloudtrail-all-write-s3-data-event-check"];
    let first = machine.start("first", 0);
    let plan = machine.plan(&first, json!({})).await;
    machine.end("first");
    let plan: Plan = machine.store.get_json(&keys::plan(scan_id_of(&plan))).await.unwrap();
    assert_eq!(plan.missing_settings, ["cloudTrail"]);
    assert_eq!(plan.policy.rules_off().collect::<Vec<_>>(), needing);

    machine.missing_settings = Vec::new();
    let second = machine.start("second", 1);
    let plan = machine.plan(&second, json!({})).await;
    let plan: Plan = machine.store.get_json(&keys::plan(scan_id_of(&plan))).await.unwrap();
    assert_eq!(plan.missing_settings, [""; 0]);
    assert_eq!(plan.policy.rules_off().count(), 0);
}

#[tokio::test]
async fn a_repeated_task_gets_the_same_plan_whatever_has_changed_since() {
    let mut machine = Machine::default();
    let first = machine.start("first", 10);
    let before = machine.plan(&first, requested(&json!({}))).await;
    let stored = machine.store.text(&keys::plan(scan_id_of(&before)));

    machine.start("appears late in the listing", 5);
    machine.policy = Some(Ok("the policy of the next deploy".to_owned()));

    assert_eq!(machine.plan(&first, requested(&json!({}))).await, before);
    assert_eq!(machine.store.text(&keys::plan(scan_id_of(&before))), stored);
}

#[tokio::test]
async fn a_task_that_broke_after_its_claim_goes_on_with_it() {
    let machine = Machine::default();
    let first = machine.start("first", 0);
    let id = scan_id_of(&machine.plan(&first, requested(&json!({}))).await).to_owned();
    machine.store.remove(&keys::plan(&id));
    assert_eq!(scan_id_of(&machine.plan(&first, requested(&json!({}))).await), id);
}

fn rollback() -> Value {
    json!({
        "id": EVENT_ID,
        "detail-type": "Compliance Remediation Rollback Requested",
        "source": "compliance.audit",
        "detail": {
            "scanId": sample::SCAN_ID,
            "buckets": ["ledger"],
            "requestedBy": "oncall",
            "reason": "the partner cannot read",
        },
    })
}

#[tokio::test]
async fn a_rollback_gets_a_plan_of_its_own_even_while_a_scan_runs_or_the_policy_is_wrong() {
    let mut machine = Machine::default();
    machine.plan(&machine.start("scan", 0), json!({})).await.unwrap();
    machine.policy = Some(Ok("[alert]".to_owned()));
    let execution = machine.start("rollback", 1);

    let output = machine.plan(&execution, rollback()).await;

    let Ok(PlanScanOutput::Rollback { rollback_id, .. }) = &output else { panic!("no rollback: {output:?}") };
    assert!(rollback_id.starts_with("20261123T060001Z-"), "{rollback_id}");
    let trigger = audit_model::Trigger {
        kind: TriggerKind::Event,
        event_id: Some(EVENT_ID.to_owned()),
        requested_by: Some("oncall".to_owned()),
        reason: Some("the partner cannot read".to_owned()),
    };
    let expected = PlanScanOutput::Rollback {
        rollback_id: rollback_id.clone(),
        scan_id: sample::SCAN_ID.to_owned(),
        mode: RemediationMode::Apply,
        requested_by: "a custom event, requested by oncall, because: the partner cannot read".to_owned(),
    };
    assert_eq!(output.as_ref(), Ok(&expected));
    let plan: RollbackPlan = machine.store.get_json(&keys::rollback_plan(rollback_id)).await.unwrap();
    let expected = RollbackPlan {
        rollback_id: rollback_id.clone(),
        trigger,
        account: sample::ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
        scan_id: sample::SCAN_ID.to_owned(),
        buckets: Some(vec!["ledger".to_owned()]),
        mode: RemediationMode::Apply,
        started_at: execution.start_time,
        execution_arn: execution.id.clone(),
    };
    assert_eq!(plan, expected);
    // A repeated task gets the same, and a repeated event nothing.
    assert_eq!(machine.plan(&execution, rollback()).await, output);
    assert_skipped(&machine.plan(&machine.start("again", 2), rollback()).await, &[EVENT_ID, &execution.id]);
}

#[tokio::test]
async fn no_scan_steps_aside_for_a_rollback_or_waits_for_it() {
    let machine = Machine::default();
    machine.plan(&machine.start("rollback", 0), rollback()).await.unwrap();
    scan_id_of(&machine.plan(&machine.start("scan", 1), json!({})).await);
}

#[tokio::test]
async fn an_event_that_is_delivered_twice_is_scanned_once() {
    let machine = Machine::default();
    let first = machine.start("first", 0);
    let scan_id = scan_id_of(&machine.plan(&first, requested(&json!({}))).await).to_owned();
    machine.end("first");
    let keys = machine.store.keys();

    let second = machine.start("second", 30);
    let output = machine.plan(&second, requested(&json!({ "force": true }))).await;

    assert_skipped(&output, &[EVENT_ID, &first.id, &scan_id]);
    assert_eq!(machine.store.keys(), keys, "an execution that does not scan leaves nothing");
}

#[tokio::test]
async fn a_younger_execution_steps_aside_and_its_event_can_still_be_scanned() {
    let machine = Machine::default();
    let older = machine.start("older", 0);
    let scan_id = scan_id_of(&machine.plan(&older, json!({})).await).to_owned();
    let younger = machine.start("younger", 1);

    let output = machine.plan(&younger, requested(&json!({}))).await;
    assert_skipped(&output, &[&older.id, &scan_id, "force"]);
    assert_eq!(machine.store.keys(), [keys::plan(&scan_id)], "no claim and no plan of the one that steps aside");

    machine.end("older");
    machine.end("younger");
    let again = machine.start("again", 40);
    scan_id_of(&machine.plan(&again, requested(&json!({}))).await);
}

#[tokio::test]
async fn what_the_older_scan_leaves_out_is_told() {
    let machine = Machine::default();
    let older = machine.start("older", 0);
    machine.plan(&older, json!({ "services": ["s3"], "remediation": "off" })).await.unwrap();
    let younger = machine.start("younger", 1);
    let output = machine.plan(&younger, json!({ "remediation": "apply", "reapply": ["ledger"] })).await;
    let told = [
        "does not cover vpc, lambda",
        "remediation is off, not apply",
        "changes no bucket that was not announced before",
        "taken back of ledger",
        "send the request again",
    ];
    assert_skipped(&output, &told);

    let output = machine.plan(&younger, json!({ "services": ["s3"], "remediation": "off" })).await;
    let Ok(PlanScanOutput::Skip { reason, .. }) = output else { panic!("it should step aside: {output:?}") };
    assert!(!reason.contains("cover") && !reason.contains("remediation"), "{reason}");
}

#[tokio::test]
async fn of_two_executions_exactly_one_is_the_older() {
    // (name and second of one, name and second of the other): the first one scans, the other steps aside.
    for ((first, early), (second, late)) in [(("b", 0), ("a", 1)), (("a", 7), ("b", 7))] {
        let machine = Machine::default();
        let (second, first) = (machine.start(second, late), machine.start(first, early));
        scan_id_of(&machine.plan(&first, json!({})).await);
        assert_skipped(&machine.plan(&second, json!({})).await, &[&first.id]);
    }
}

#[tokio::test]
async fn an_execution_never_steps_aside_for_itself() {
    let machine = Machine::default();
    let this = machine.start("this", 9);
    machine.running.lock().unwrap()[0].started_at = "2026-11-23T06:00:09.249Z".parse().unwrap();
    scan_id_of(&machine.plan(&this, json!({})).await);
}

#[tokio::test]
async fn nobody_steps_aside_for_an_execution_that_may_not_scan() {
    let machine = Machine::default();
    machine.start("refused", 0);
    let younger = machine.start("younger", 1);

    let waiting = machine.plan(&younger, json!({})).await.unwrap_err();
    assert_eq!(waiting.name(), "Unavailable", "a name that the state machine retries");
    assert!(waiting.to_string().contains(":refused"), "{waiting}");
    assert_eq!(machine.store.keys(), Vec::<String>::new());

    machine.end("refused");
    scan_id_of(&machine.plan(&younger, json!({})).await);
}

#[tokio::test]
async fn force_scans_beside_an_older_execution() {
    let machine = Machine::default();
    machine.plan(&machine.start("older", 0), json!({})).await.unwrap();
    scan_id_of(&machine.plan(&machine.start("younger", 1), json!({ "force": true })).await);
}

#[tokio::test]
async fn what_is_wrong_leaves_nothing_behind() {
    let unreadable = TaskError::InvalidPolicy("audit-policy.toml cannot be read".to_owned());
    let cases = [
        (None, false, requested(&json!({ "services": ["ec3"] })), "InvalidRequest"),
        (None, false, requested(&json!({ "system": "prod-main" })), "InvalidRequest"),
        (Some(Ok("[alert]".to_owned())), false, requested(&json!({})), "InvalidPolicy"),
        (Some(Err(unreadable)), false, requested(&json!({})), "InvalidPolicy"),
        (None, true, requested(&json!({})), "AccessDenied"),
    ];
    for (policy, denied, input, name) in cases {
        let machine = Machine { policy, denied, ..Machine::default() };
        let error = machine.plan(&machine.start("first", 0), input).await.unwrap_err();
        assert_eq!(error.name(), name);
        assert_eq!(machine.store.keys(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_scan_id_that_another_execution_has_is_not_taken_over() {
    let machine = Machine::default();
    let first = machine.start("first", 0);
    let output = machine.plan(&first, json!({})).await;
    let key = keys::plan(scan_id_of(&output));
    let mut plan: Plan = machine.store.get_json(&key).await.unwrap();
    plan.execution_arn = execution("other", 0).id;
    machine.store.replace_json(&key, &plan).await.unwrap();
    assert_eq!(machine.plan(&first, json!({})).await.unwrap_err().name(), "Conflict");
}

#[tokio::test]
async fn a_scan_of_named_resources_steps_aside_for_nobody_and_nobody_for_it() {
    let machine = Machine::default();
    let everything = machine.start("everything", 1);
    scan_id_of(&machine.plan(&everything, json!({})).await);
    let named = machine.start("named", 2);
    let scan_id = machine.plan(&named, json!({ "resources": ["arn:aws:s3:::ledger"] })).await;
    let plan: Plan = machine.store.get_json(&keys::plan(scan_id_of(&scan_id))).await.unwrap();
    assert_eq!(plan.resources.iter().map(|named| named.arn()).collect::<Vec<_>>(), ["arn:aws:s3:::ledger"]);
    assert!(plan.is_scoped() && !plan.covers_all_services());
    machine.end("everything");
    scan_id_of(&machine.plan(&machine.start("next", 3), json!({})).await);
}

/// An event of a call that changes a bucket, that many seconds after 05:50 UTC, as a rule cuts it down.
fn changed(bucket: &str, second: i64, role: &str) -> Value {
    let time = "2026-11-23T05:50:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second);
    json!({
        "account": "123456789012",
        "detail": {
            "eventID": format!("{bucket}-{second}"),
            "eventName": "PutBucketPolicy",
            "eventSource": "s3.amazonaws.com",
            "eventTime": time.to_string(),
            "awsRegion": "us-east-1",
            "sourceIPAddress": "198.51.100.7",
            "userIdentity": {
                "type": "AssumedRole",
                "accountId": "123456789012",
                "principalId": "AROAEXAMPLE:alex",
                "sessionContext": { "sessionIssuer": { "userName": role } },
            },
            "named": bucket,
        },
    })
}

async fn plan_of(machine: &Machine, output: &Result<PlanScanOutput, TaskError>) -> Plan {
    machine.store.get_json(&keys::plan(scan_id_of(output))).await.unwrap()
}

#[tokio::test]
async fn a_batch_of_changes_makes_one_scan_of_what_was_changed_and_repairs_nothing() {
    let machine = Machine::default();
    // A scan of everything runs, and began to read before: it is no reason to step aside.
    let full = machine.start("full", 0);
    machine.plan(&full, json!({})).await.unwrap();
    let execution = machine.start("changes", 1);
    let events =
        json!([changed("ledger", 0, "deployer"), changed("ledger", 20, "deployer"), changed("shop", 70, "deployer")]);

    let output = machine.plan(&execution, events.clone()).await;

    let plan = plan_of(&machine, &output).await;
    let arns: Vec<&str> = plan.resources.iter().map(|named| named.arn()).collect();
    assert_eq!(arns, ["arn:aws:s3:::ledger", "arn:aws:s3:::shop"]);
    assert_eq!((plan.services, plan.remediation), (vec![Service::S3], RemediationMode::Off));
    assert_eq!(plan.trigger.kind, TriggerKind::Change);
    let told: Vec<_> = plan.changes.iter().map(|it| (it.event_id.as_str(), it.principal.as_str())).collect();
    let alex = "arn:aws:sts::123456789012:assumed-role/deployer/alex";
    assert_eq!(told, [("ledger-0", alex), ("ledger-20", alex), ("shop-70", alex)]);
    assert_eq!(machine.plan(&execution, events).await, output, "the same execution has the same plan");
}

/// Windows of changes are as long as the settling time, 60 seconds here.
#[tokio::test]
async fn one_window_of_changes_of_a_resource_makes_one_scan() {
    let machine = Machine::default();
    let plan = async |name: &str, events: Value| machine.plan(&machine.start(name, 1), events).await;
    assert!(matches!(
        plan("first", json!([changed("ledger", 0, "deployer")])).await,
        Ok(PlanScanOutput::Proceed { .. })
    ));
    // Delivered twice, or made in the same window.
    assert_skipped(&plan("again", json!([changed("ledger", 0, "deployer")])).await, &["none of the 1 events"]);
    let next = json!([changed("ledger", 59, "deployer"), changed("shop", 59, "deployer")]);
    let shop = plan_of(&machine, &plan("same window", next).await).await;
    assert_eq!(shop.resources, ["arn:aws:s3:::shop".parse().unwrap()]);
    assert_eq!(shop.changes.len(), 1);
    // The next window.
    assert!(matches!(
        plan("later", json!([changed("ledger", 60, "deployer")])).await,
        Ok(PlanScanOutput::Proceed { .. })
    ));
}

#[tokio::test]
async fn what_the_auditor_itself_changes_starts_nothing() {
    let machine = Machine::default();
    let events = json!([changed("ledger", 0, "remediate-s3-encryption-role-dev-pr42")]);
    assert_skipped(&machine.plan(&machine.start("own", 1), events).await, &["none of the 1 events"]);
}

#[tokio::test]
async fn what_is_not_understood_and_what_is_too_much_are_looked_at_whole() {
    let whole = async |events: Value| {
        let machine = Machine::default();
        let plan = plan_of(&machine, &machine.plan(&machine.start("changes", 1), events).await).await;
        (plan.services, plan.resources.len())
    };
    let mut unnamed = changed("", 0, "deployer");
    assert_eq!(whole(json!([changed("ledger", 0, "deployer"), unnamed])).await, (vec![Service::S3], 0));
    unnamed["detail"]["eventSource"] = "who.knows".into();
    assert_eq!(whole(json!([unnamed])).await, (Service::ALL.to_vec(), 0));
    let many = |number: i64| (0..number).map(|it| changed(&format!("bucket-{it}"), 0, "deployer")).collect::<Value>();
    assert_eq!(whole(many(100)).await, (vec![Service::S3], 100));
    assert_eq!(whole(many(101)).await, (vec![Service::S3], 0));
}

#[tokio::test]
async fn a_scan_of_everything_steps_aside_for_no_change() {
    let machine = Machine::default();
    let mut unnamed = changed("", 0, "deployer");
    unnamed["detail"]["eventSource"] = "who.knows".into();
    machine.plan(&machine.start("changes", 0), json!([unnamed])).await.unwrap();
    let output = machine.plan(&machine.start("scheduled", 1), json!({})).await;
    assert!(matches!(output, Ok(PlanScanOutput::Proceed { .. })), "{output:?}");
}

/// What has been claimed long ago is forgotten, so that the claims stay small.
#[tokio::test]
async fn claims_are_remembered_for_two_hours() {
    let machine = Machine::default();
    let at = |hour: u8| Execution {
        start_time: format!("2026-11-23T{hour:02}:00:00Z").parse().unwrap(),
        ..execution("e", 0)
    };
    for (hour, windows) in [(6, 1), (7, 2), (9, 1)] {
        let execution = Execution { id: format!("{}-{hour}", at(hour).id), ..at(hour) };
        let events = json!([changed("ledger", i64::from(hour - 6) * 3600, "deployer")]);
        machine.plan(&execution, events).await.unwrap();
        let claims: Value = machine.store.get_json(keys::CHANGES).await.unwrap();
        assert_eq!(claims["windows"].as_object().unwrap().len(), windows, "{hour}: {claims}");
    }
}
