//! The targets of a scan of named resources: looked up, never listed.

use std::collections::{BTreeMap, BTreeSet};

use audit_model::plan::{Target, TargetKind, Unlisted};
use audit_model::{NamedKind, NamedResource, Plan, Service, TriggerKind, VpcPart};
use audit_task::TaskError;

use crate::{Listed, Ports, known_versions};

/// The targets of the named resources of the service.
///
/// # Errors
/// `InvalidRequest` from a call, which is a mistake of this program. What AWS does not tell for any other reason is unlisted.
pub(crate) async fn look_up(plan: &Plan, service: Service, ports: &Ports<'_>) -> Result<Listed, TaskError> {
    let named: Vec<&NamedResource> = plan.resources.iter().filter(|named| named.service() == service).collect();
    let (mut parts, mut targets): (BTreeMap<VpcPart, Vec<&NamedResource>>, Vec<Target>) = Default::default();
    for &named in &named {
        match named.kind() {
            NamedKind::PartOfVpc(part) => parts.entry(part).or_default().push(named),
            NamedKind::Target(kind) => targets.push(target(kind, named, ports.region)),
        }
    }
    match service {
        // Whether they are there the scanner is told by what it reads of them.
        Service::S3 => Ok(Listed { targets, ..Listed::default() }),
        // What changes a part may change what is said of its VPC and of all that hangs on it, as a route does.
        Service::Vpc => vpcs(targets, parts, plan.trigger.kind == TriggerKind::Change, ports).await,
        Service::Lambda => {
            let names: Vec<String> = targets.iter().map(|target| target.id.clone()).collect();
            let versions = known_versions(ports.patience.versions_of(ports.versions, &names).await)?;
            Ok(Listed { targets, versions: Some(versions), ..Listed::default() })
        }
    }
}

/// A resource by its name. Of a bucket the name tells no region, and the scanner reads what it answers.
fn target(kind: TargetKind, named: &NamedResource, region: &str) -> Target {
    let region = (kind != TargetKind::Bucket).then(|| region.to_owned());
    Target { kind, id: named.id().to_owned(), region, owner: None, only: Vec::new() }
}

/// The VPCs that are named, and those on which named parts hang, of which only these are reported. What is not there has no
/// target. With `all_of_them`, everything is reported of each.
async fn vpcs(
    whole: Vec<Target>,
    parts: BTreeMap<VpcPart, Vec<&NamedResource>>,
    all_of_them: bool,
    ports: &Ports<'_>,
) -> Result<Listed, TaskError> {
    let whole: BTreeSet<String> = whole.into_iter().map(|target| target.id).collect();
    let mut only: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut unlisted = Vec::new();
    let mut not_told = |resource_type: &str, error| match error {
        TaskError::InvalidRequest(_) => Err(error),
        _ => {
            unlisted.push(Unlisted { resource_type: resource_type.to_owned(), reason: error.to_string() });
            Ok(())
        }
    };
    for (part, named) in parts {
        let ids: Vec<String> = named.iter().map(|named| named.id().to_owned()).collect();
        let mut found = match ports.patience.vpcs_of(ports.networks, part, &ids).await {
            Ok(found) => found,
            Err(error) => {
                not_told(part.resource_type(), error)?;
                continue;
            }
        };
        for named in named {
            if let Some(vpc) = found.remove(named.id()) {
                only.entry(vpc).or_default().push(named.arn().to_owned());
            }
        }
    }
    let ids: Vec<String> = whole.iter().chain(only.keys()).cloned().collect::<BTreeSet<_>>().into_iter().collect();
    // A filter without values would ask for every VPC.
    if ids.is_empty() {
        return Ok(Listed { unlisted, ..Listed::default() });
    }
    let mut targets = match ports.patience.vpcs(ports.networks, &ids).await {
        Ok(targets) => targets,
        Err(error) => {
            not_told(TargetKind::Vpc.resource_type(), error)?;
            Vec::new()
        }
    };
    for target in targets.iter_mut().filter(|target| !all_of_them && !whole.contains(&target.id)) {
        target.only = only.remove(&target.id).unwrap_or_default();
    }
    Ok(Listed { targets, unlisted, versions: None })
}
