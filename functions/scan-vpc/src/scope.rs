//! What is reported of a VPC on which named resources hang: it is read whole, for they are judged by what is read of it.

use std::collections::BTreeSet;
use std::iter;

use audit_model::plan::Target;
use audit_model::resource::Vpc;
use audit_model::{Finding, NamedResource, Status};

/// The VPCs of which everything is reported, and those of which some of what hangs on them is.
pub(crate) fn divided(vpcs: Vec<Vpc>, targets: &[Target]) -> (Vec<Vpc>, Vec<Vpc>) {
    let in_part: BTreeSet<&str> =
        targets.iter().filter(|target| !target.only.is_empty()).map(|target| target.id.as_str()).collect();
    vpcs.into_iter().partition(|vpc| !in_part.contains(vpc.id.as_str()))
}

/// What of the findings about one resource is reported; `None` when nothing is. Where what is named could not be listed, the
/// rules say so on the VPC: that is about what is named, too.
pub(crate) fn reported(mut findings: Vec<Finding>, targets: &[Target]) -> Option<Vec<Finding>> {
    let arn = findings.first()?.resource.arn.clone();
    if targets.iter().any(|target| target.only.contains(&arn)) {
        return Some(findings);
    }
    let target = targets.iter().find(|target| arn.ends_with(&format!(":vpc/{}", target.id)))?;
    let named: BTreeSet<&str> = target
        .only
        .iter()
        .filter_map(|arn| arn.parse::<NamedResource>().ok())
        .map(|named| named.resource_type())
        .collect();
    let judges_named = |finding: &Finding| {
        audit_rules::rule(&finding.rule_id).is_some_and(|rule| named.contains(rule.check.resource_type()))
    };
    findings.retain(|finding| finding.status == Status::InsufficientData && judges_named(finding));
    (!findings.is_empty()).then_some(findings)
}

/// Both in the order of their resources.
pub(crate) fn in_order(
    one: impl Iterator<Item = Vec<Finding>>,
    other: impl Iterator<Item = Vec<Finding>>,
) -> impl Iterator<Item = Vec<Finding>> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    let arn = |findings: Option<&Vec<Finding>>| findings?.first().map(|finding| finding.resource.arn.clone());
    iter::from_fn(move || {
        // A resource without findings has no place.
        let is_first = match (arn(one.peek()), arn(other.peek())) {
            (Some(one), Some(other)) => one < other,
            (None, Some(_)) => one.peek().is_some(),
            (_, None) => true,
        };
        if is_first { one.next().or_else(|| other.next()) } else { other.next() }
    })
}
