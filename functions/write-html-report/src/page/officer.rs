//! What an officer wants to know: are we compliant, is it getting better, what has changed, what was not looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit_artifacts::ScanRecord;
use audit_model::summary::{Comparison, ExceptionState, ExceptionUse, ScanStatus, Scope, Summary};
use audit_model::{Change, History, PastScan, Rules, Service, Severity};
use audit_task::TaskError;
use jiff::Timestamp;

use super::engineer::Violations;
use super::{TEXT, list, room, service_name, severity_class, title};
use crate::chart::{Chart, Part, Span, Unit, Values, bar, day_number};
use crate::gathered::{Judged, Resource, Unread};
use crate::text::{count, day, percent, shown, things};
use crate::top::Top;

/// How many new violations the overview names; all of them stand below.
const NEW: usize = 50;

/// How many past scans stand in figures: a week of the schedule's.
const PAST: usize = 28;

/// Where we stand.
pub(super) struct Overview {
    pub(super) verdict: String,
    pub(super) verdict_class: &'static str,
    pub(super) score_of: &'static str,
    pub(super) score: String,
    pub(super) coverage: String,
    pub(super) compliant: String,
    pub(super) judged: String,
    pub(super) insufficient: String,
    pub(super) open: String,
    pub(super) excepted: String,
    pub(super) changes: Option<ChangesView>,
    pub(super) bar: Vec<Part>,
    pub(super) severities: Vec<SeverityView>,
    pub(super) services: Vec<ServiceView>,
    /// `None` when there are none.
    pub(super) of_others: Option<String>,
}

pub(super) struct ChangesView {
    pub(super) new: String,
    pub(super) first_evaluated: String,
    pub(super) still_open: String,
    pub(super) resolved: String,
    pub(super) not_looked_at: String,
}

pub(super) struct SeverityView {
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    pub(super) open: String,
}

pub(super) struct ServiceView {
    pub(super) id: Service,
    pub(super) name: &'static str,
    pub(super) resources: String,
    pub(super) score: String,
    pub(super) coverage: String,
    pub(super) open: String,
    pub(super) excepted: String,
    pub(super) compliant: String,
    pub(super) insufficient: String,
    pub(super) compared: String,
}

impl Overview {
    pub(super) fn new(ScanRecord { plan, summary }: &ScanRecord) -> Self {
        let totals = &summary.totals;
        let (verdict_class, verdict) = verdict(summary);
        let open = |severity: &Severity| summary.violations_by_severity.get(severity).copied().unwrap_or_default();
        let severity = |severity: Severity| SeverityView {
            name: severity.as_str(),
            class: severity_class(severity),
            open: count(open(&severity)),
        };
        let service = |&id: &Service| {
            let counts = summary.by_service.get(&id).copied().unwrap_or_default();
            ServiceView {
                id,
                name: service_name(id),
                resources: count(summary.resources.get(&id).copied().unwrap_or_default()),
                score: percent(counts.score()),
                coverage: percent(counts.coverage()),
                open: count(counts.open()),
                excepted: count(counts.excepted),
                compliant: count(counts.compliant),
                insufficient: count(counts.insufficient_data),
                compared: match summary.comparison.get(&id) {
                    Some(Comparison::Compared { started_at, .. }) => format!("since {}", day(*started_at)),
                    Some(_) | None => "with nothing".to_owned(),
                },
            }
        };
        Self {
            verdict,
            verdict_class,
            score_of: if summary.scope.is_full() { "Compliance score" } else { "Score of what was named" },
            score: percent(summary.score()),
            coverage: percent(summary.coverage()),
            compliant: count(totals.compliant),
            judged: count(totals.compliant + totals.non_compliant),
            insufficient: count(totals.insufficient_data),
            open: count(totals.open()),
            excepted: count(totals.excepted),
            changes: summary.changes().map(|changes| ChangesView {
                new: count(changes.new),
                first_evaluated: count(changes.first_evaluated),
                still_open: count(changes.still_open),
                resolved: count(changes.resolved),
                not_looked_at: count(changes.not_looked_at),
            }),
            bar: bar(&Severity::ALL.map(|severity| (severity_class(severity), open(&severity)))),
            severities: Severity::ALL.map(severity).into(),
            services: plan.services.iter().map(service).collect(),
            of_others: (summary.of_others > 0).then(|| count(summary.of_others)),
        }
    }
}

/// The answer to "are we compliant?": never better than what was looked at.
fn verdict(summary: &Summary) -> (&'static str, String) {
    let (class, said) = verdict_on_what_was_looked_at(summary);
    match &summary.scope {
        Scope::Full => (class, said),
        scope => (class, format!("Looked at: {scope}. Of the account this says nothing. {said}")),
    }
}

fn verdict_on_what_was_looked_at(summary: &Summary) -> (&'static str, String) {
    let totals = &summary.totals;
    let critical = summary.violations_by_severity.get(&Severity::Critical).copied().unwrap_or_default();
    let unseen = match (summary.status, totals.insufficient_data) {
        (ScanStatus::Complete, 0) => String::new(),
        (ScanStatus::Complete, lacking) => format!(" {} came to no verdict.", things(lacking, "evaluation")),
        (ScanStatus::Partial, 0) => " Not everything was looked at.".to_owned(),
        (ScanStatus::Partial, lacking) => {
            format!(" Not everything was looked at, and {} came to no verdict.", things(lacking, "evaluation"))
        }
    };
    if totals.open() > 0 {
        let critical = if critical == 0 {
            "none of them critical".to_owned()
        } else {
            format!("{} of them critical", count(critical))
        };
        return ("bad", format!("Not compliant: {}, {critical}.{unseen}", things(totals.open(), "open violation")));
    }
    if !unseen.is_empty() {
        return ("unknown", format!("Not known: no open violation was found, but there is more to look at.{unseen}"));
    }
    match (totals.compliant, totals.excepted) {
        (0, 0) => ("unknown", "Nothing was there to be judged.".to_owned()),
        (_, 0) if !summary.scope.is_full() => ("good", "Compliant: nothing is wrong with what was named.".to_owned()),
        (_, 0) => ("good", "Compliant: everything was looked at, and nothing is wrong.".to_owned()),
        (_, excepted) => (
            "good",
            format!(
                "No violation is open; {} by exceptions.",
                match excepted {
                    1 => "1 is covered".to_owned(),
                    more => format!("{} are covered", count(more)),
                }
            ),
        ),
    }
}

/// Is it getting better?
pub(super) struct Trend {
    pub(super) lead: String,
    pub(super) charts: Vec<Chart>,
    /// The newest first.
    pub(super) scans: Vec<PastView>,
    pub(super) earlier: usize,
}

pub(super) struct PastView {
    pub(super) started: String,
    pub(super) kind: String,
    pub(super) counts: bool,
    pub(super) score: String,
    pub(super) coverage: String,
    pub(super) open: String,
    pub(super) critical: String,
    pub(super) new: String,
    pub(super) resolved: String,
    pub(super) excepted: String,
}

impl Trend {
    pub(super) fn new(history: Option<History>, ScanRecord { plan, .. }: &ScanRecord) -> Self {
        let Some(History { mut scans }) = history else {
            let lead = "The history of the scans cannot be read, so there is no trend in this report.".to_owned();
            return Self { lead, charts: Vec::new(), scans: Vec::new(), earlier: 0 };
        };
        // What came later is for later reports.
        scans.retain(|scan| scan.started_at <= plan.started_at);
        let span = Span::up_to(plan.started_at, scans.first().map(|scan| scan.started_at));
        scans.retain(|scan| span.holds(scan.started_at));
        let (of_the_account, aside): (Vec<&PastScan>, Vec<&PastScan>) =
            scans.iter().partition(|scan| scan.is_of_the_account());
        let line = |class, name, value: fn(&PastScan) -> Option<f64>| {
            let values = of_the_account.iter().filter_map(|scan| Some((scan.started_at, value(scan)?))).collect();
            Values { class, name, values }
        };
        let marks: Vec<(Timestamp, String)> = aside
            .iter()
            .map(|scan| {
                (scan.started_at, format!("{}: {}, in no line", crate::text::time(scan.started_at), kind(scan)))
            })
            .collect();
        let chart = |names, unit, lines| Chart::new(names, unit, span, lines, &marks);
        let changes = |class, name, value: fn(&PastScan) -> Option<u64>| Values {
            class,
            name,
            values: by_day(&of_the_account, value),
        };
        let charts = vec![
            chart(
                ("score", "Score and coverage"),
                Unit::Percent,
                vec![line("first", "score", |scan| scan.score), line("second", "coverage", |scan| scan.coverage)],
            ),
            chart(
                ("open", "Open violations"),
                Unit::Number,
                vec![
                    line("first", "all", |scan| Some(number(scan.open()))),
                    line("critical", "critical", |scan| scan.open.get(&Severity::Critical).copied().map(number)),
                ],
            ),
            chart(
                ("moved", "New and resolved, by day"),
                Unit::Number,
                vec![changes("critical", "new", |scan| scan.new), changes("good", "resolved", |scan| scan.resolved)],
            ),
        ];
        let lead = match (of_the_account.len(), aside.len()) {
            (0, 0) => "No scan is in the history yet.".to_owned(),
            (1, 0) if !plan.is_scoped() => "This is the first scan in the history; the lines begin here.".to_owned(),
            (some, 0) => format!("{} in the last 90 days.", things(some as u64, "scan")),
            (some, aside) => format!(
                "{} in the last 90 days. {} more of some services or of a part only: marked at the foot of the charts, and in no line.",
                things(some as u64, "scan"),
                count(aside as u64)
            ),
        };
        let earlier = scans.len().saturating_sub(PAST);
        Self { lead, charts, scans: scans.iter().rev().take(PAST).map(PastView::new).collect(), earlier }
    }
}

impl PastView {
    fn new(scan: &PastScan) -> Self {
        let known = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), count);
        Self {
            started: scan.started_at.strftime("%Y-%m-%d %H:%M").to_string(),
            kind: kind(scan),
            counts: scan.is_of_the_account(),
            score: percent(scan.score),
            coverage: percent(scan.coverage),
            open: count(scan.open()),
            critical: known(scan.open.get(&Severity::Critical).copied()),
            new: known(scan.new),
            resolved: known(scan.resolved),
            excepted: count(scan.excepted),
        }
    }
}

fn kind(scan: &PastScan) -> String {
    let services = list(scan.services.iter().map(|service| service.as_str()));
    let all = Service::ALL.iter().all(|service| scan.services.contains(service));
    match (scan.status, all) {
        (ScanStatus::Complete, true) => "complete".to_owned(),
        (ScanStatus::Complete, false) => format!("only {services}"),
        (ScanStatus::Partial, true) => "partial".to_owned(),
        (ScanStatus::Partial, false) => format!("partial, only {services}"),
    }
}

/// The sums of the days, at the end of each day's last scan.
fn by_day(scans: &[&PastScan], value: fn(&PastScan) -> Option<u64>) -> Vec<(Timestamp, f64)> {
    let mut days: BTreeMap<i64, (Timestamp, u64)> = BTreeMap::new();
    for scan in scans {
        if let Some(value) = value(scan) {
            let day = days.entry(day_number(scan.started_at)).or_insert((scan.started_at, 0));
            *day = (scan.started_at, day.1 + value);
        }
    }
    days.into_values().map(|(at, sum)| (at, number(sum))).collect()
}

/// A double holds every number of findings that an account can have.
fn number(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

/// What is different from the scan before.
pub(super) struct Changes {
    pub(super) compared: Vec<String>,
    pub(super) new: Vec<New>,
    pub(super) new_omitted: u64,
    pub(super) resolved: Vec<Named>,
    pub(super) resolved_omitted: u64,
    pub(super) gone: u64,
    pub(super) gone_told: String,
}

/// A violation that was not known.
pub(super) struct New {
    /// Its number among those that are listed by rule.
    pub(super) number: usize,
    pub(super) title: String,
    pub(super) severity: &'static str,
    pub(super) severity_class: &'static str,
    pub(super) resource: Arc<Resource>,
}

/// A violation by its rule and its resource.
pub(super) struct Named {
    pub(super) title: String,
    pub(super) severity: &'static str,
    pub(super) severity_class: &'static str,
    pub(super) resource: Arc<Resource>,
    pub(super) observed: String,
    pub(super) missing: String,
    pub(super) since: String,
    pub(super) last_seen: String,
    pub(super) approver: String,
    pub(super) expires: String,
}

impl Named {
    fn new(judged: Judged, rules: &Rules) -> Result<Self, TaskError> {
        let known = |at: Option<Timestamp>| at.map_or_else(|| "–".to_owned(), day);
        Ok(Self {
            title: title(rules, &judged.rule_id)?,
            severity: judged.severity.as_str(),
            severity_class: severity_class(judged.severity),
            resource: judged.resource,
            observed: judged.observed,
            missing: judged.missing,
            since: known(judged.first_seen),
            last_seen: known(judged.last_seen),
            expires: judged.exception.as_ref().map(|mark| mark.expires.to_string()).unwrap_or_default(),
            approver: judged.exception.map(|mark| mark.approver).unwrap_or_default(),
        })
    }

    fn all<R: Ord>(judged: Top<R, Judged>, rules: &Rules) -> Result<(Vec<Self>, u64), TaskError> {
        let (kept, omitted) = judged.into_kept();
        let named: Result<Vec<Self>, TaskError> = kept.into_iter().map(|judged| Self::new(judged, rules)).collect();
        let (named, no_room) = room::within(named?, room::LIST, |it| {
            room::row([&*it.title, &*it.resource.name, &*it.observed, &*it.missing, &*it.approver])
        });
        Ok((named, omitted + no_room))
    }
}

impl Changes {
    pub(super) fn new<R: Ord>(
        ScanRecord { summary, .. }: &ScanRecord,
        violations: &Violations,
        resolved: Top<R, Judged>,
        rules: &Rules,
    ) -> Result<Self, TaskError> {
        let mut new: Vec<New> = violations
            .rules
            .iter()
            .flat_map(|rule| rule.violations.iter().map(move |violation| (rule, violation)))
            .filter(|(_, violation)| violation.kind == Some(Change::New))
            .map(|(rule, violation)| New {
                number: violation.number,
                title: rule.title.clone(),
                severity: rule.severity,
                severity_class: violation.severity_class,
                resource: Arc::clone(&violation.resource),
            })
            .collect();
        new.sort_by_key(|violation| violation.number);
        new.truncate(NEW);
        let changes = summary.changes().unwrap_or_default();
        let seen_mended = resolved.seen();
        let (resolved, resolved_omitted) = Named::all(resolved, rules)?;
        let gone = changes.resolved.saturating_sub(seen_mended);
        Ok(Self {
            compared: summary
                .comparison
                .iter()
                .map(|(service, comparison)| match comparison {
                    Comparison::Compared { scan_id, started_at, .. } => {
                        format!(
                            "{}: since scan {scan_id} of {}",
                            service_name(*service),
                            crate::text::time(*started_at)
                        )
                    }
                    nothing => format!("{}: {nothing}", service_name(*service)),
                })
                .collect(),
            new_omitted: changes.new.saturating_sub(new.len() as u64),
            new,
            resolved,
            resolved_omitted,
            gone,
            gone_told: match gone {
                1 => "1 violation was".to_owned(),
                more => format!("{} violations were", count(more)),
            },
        })
    }
}

/// What somebody answers for.
pub(super) struct Exceptions {
    pub(super) uses: Vec<ExceptionView>,
    pub(super) omitted: u64,
    pub(super) excepted: Vec<Named>,
    pub(super) excepted_omitted: u64,
}

pub(super) struct ExceptionView {
    pub(super) rule: String,
    pub(super) resource: String,
    pub(super) approver: String,
    pub(super) expires: String,
    pub(super) reason: String,
    pub(super) state: &'static str,
    pub(super) state_class: &'static str,
    pub(super) violations: String,
}

impl Exceptions {
    pub(super) fn new<R: Ord>(summary: &Summary, excepted: Top<R, Judged>, rules: &Rules) -> Result<Self, TaskError> {
        let view = |of: &ExceptionUse| {
            let (state_class, state) = match of.state {
                ExceptionState::InForce => ("in-force", "in force"),
                ExceptionState::Expired => ("expired", "expired"),
                ExceptionState::MatchesNothing => ("nothing", "matches nothing"),
                ExceptionState::NotLookedAt => ("unseen", "not looked at"),
            };
            ExceptionView {
                rule: of.exception.rule.clone(),
                resource: shown(&of.exception.resource, TEXT),
                approver: shown(&of.exception.approver, TEXT),
                expires: of.exception.expires.to_string(),
                reason: shown(&of.exception.reason, TEXT),
                state,
                state_class,
                violations: count(of.violations),
            }
        };
        let (excepted, excepted_omitted) = Named::all(excepted, rules)?;
        let (uses, omitted) =
            room::within(summary.exceptions.iter().map(view).collect(), room::LIST, |it: &ExceptionView| {
                room::row([&*it.rule, &*it.rule, &*it.resource, &*it.approver, &*it.reason])
            });
        Ok(Self { uses, omitted, excepted, excepted_omitted })
    }
}

/// What nobody could look at.
pub(super) struct Unseen {
    pub(super) nothing: bool,
    pub(super) gaps: Vec<String>,
    pub(super) gaps_omitted: u64,
    pub(super) violations: Vec<Named>,
    pub(super) violations_omitted: u64,
    pub(super) readings: Vec<ReadingView>,
    pub(super) other_readings: u64,
    pub(super) off: Vec<RuleOff>,
    pub(super) not_evaluated: u64,
    pub(super) not_evaluated_told: String,
    pub(super) services: String,
    /// What was looked at, where that was not all that the services have.
    pub(super) scope: Option<String>,
}

pub(super) struct ReadingView {
    pub(super) action: String,
    pub(super) cause: String,
    pub(super) count: String,
    pub(super) detail: String,
}

pub(super) struct RuleOff {
    pub(super) id: String,
    pub(super) title: String,
}

impl Unseen {
    pub(super) fn new<R: Ord>(
        ScanRecord { plan, summary }: &ScanRecord,
        lost: Top<R, Judged>,
        Unread { kinds, others }: Unread,
        rules: &Rules,
    ) -> Result<Self, TaskError> {
        let (violations, violations_omitted) = Named::all(lost, rules)?;
        let reading = |((action, cause), (number, detail)): ((String, String), (u64, String))| ReadingView {
            action: if action.is_empty() { "–".to_owned() } else { shown(&action, TEXT) },
            cause,
            count: count(number),
            detail,
        };
        let off = rules.iter().filter(|(_, rule)| !rule.enabled);
        let not_evaluated = summary.totals.not_evaluated;
        let gaps = summary.gaps.iter().map(|gap| shown(&gap.to_string(), TEXT)).collect();
        let (gaps, gaps_omitted) = room::within(gaps, room::LIST, |gap: &String| room::row([gap.as_str()]));
        let unplanned = Service::ALL.into_iter().filter(|service| !plan.services.contains(service));
        Ok(Self {
            nothing: summary.gaps.is_empty() && summary.totals.insufficient_data == 0 && plan.covers_all_services(),
            gaps,
            gaps_omitted,
            violations,
            violations_omitted,
            readings: kinds.into_iter().map(reading).collect(),
            other_readings: others,
            off: off.map(|(id, rule)| RuleOff { id: id.clone(), title: rule.title.to_string() }).collect(),
            not_evaluated,
            not_evaluated_told: match not_evaluated {
                1 => "1 known violation is".to_owned(),
                more => format!("{} known violations are", count(more)),
            },
            services: list(unplanned.map(service_name)),
            scope: (!summary.scope.is_full()).then(|| summary.scope.to_string()),
        })
    }
}
