//! Takes all rules from the default security group of a VPC: the function behind the custom resource
//! `Custom::CloseDefaultSecurityGroup`.
//!
//! AWS makes a default group with every VPC, and whatever names no group of its own lands in it. CloudFormation can add
//! rules to it but not take the first ones away.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html>

mod groups;

use std::time::Duration;

use async_trait::async_trait;
use audit_task::TaskError;
use custom_resource::{Attributes, CustomResource, required_text};
use serde_json::Value;

pub use groups::{Direction, Ec2SecurityGroups, Group, SecurityGroups};

/// The name that AWS gives to the default group of every VPC, and that no other group may have.
const DEFAULT: &str = "default";

/// How often everything is revoked until nothing is left. Of a call's permissions EC2 revokes none when one is gone
/// already, and what it tells may lag behind what was done.
const ROUNDS: u32 = 4;

/// The pause between revoking and reading back.
const PAUSE: Duration = Duration::from_secs(1);

/// The custom resource. Its subject is the id of the group.
pub struct CloseDefaultSecurityGroup<G> {
    groups: G,
    pause: Duration,
}

impl<G: SecurityGroups> CloseDefaultSecurityGroup<G> {
    /// The custom resource in the account and region of `groups`.
    pub const fn new(groups: G) -> Self {
        Self { groups, pause: PAUSE }
    }

    /// Revokes every permission, and reads back whether one is left.
    async fn close(&self, id: &str) -> Result<(), TaskError> {
        let mut group = self.default_group(id).await?;
        let mut rounds = 0;
        while !group.is_closed() {
            if rounds == ROUNDS {
                return Err(TaskError::Conflict(format!(
                    "{} ingress and {} egress permissions are left after everything was revoked {ROUNDS} times; find \
                     out who grants them, and deploy the stack once more",
                    group.ingress.len(),
                    group.egress.len()
                )));
            }
            rounds += 1;
            for (direction, permissions) in [(Direction::Ingress, &group.ingress), (Direction::Egress, &group.egress)] {
                if !permissions.is_empty() {
                    tracing::info!(id, ?direction, count = permissions.len(), "permissions are revoked");
                    self.groups.revoke(id, direction, permissions).await?;
                }
            }
            tokio::time::sleep(self.pause).await;
            group = self.default_group(id).await?;
        }
        tracing::info!(id, rounds, "the group has no rules");
        Ok(())
    }

    /// The group, which must be a default one: no other may lose its rules by this function.
    async fn default_group(&self, id: &str) -> Result<Group<G::Permission>, TaskError> {
        let group = self.groups.group(id).await?;
        if group.name == DEFAULT {
            Ok(group)
        } else {
            Err(TaskError::InvalidRequest(format!(
                "its name is {:?}; only the default security group of a VPC is closed, and that one's name is \
                 {DEFAULT:?}",
                group.name
            )))
        }
    }
}

#[async_trait]
impl<G: SecurityGroups> CustomResource for CloseDefaultSecurityGroup<G> {
    fn subject(properties: &Value) -> Result<String, String> {
        required_text(properties, "SecurityGroupId", "the id of a VPC's default security group")
    }

    fn physical_id(group: &str) -> String {
        format!("closed-{group}")
    }

    async fn create_or_update(&self, group: &str) -> Result<Attributes, String> {
        let closed = self.close(group).await.map(|()| Attributes::new());
        closed.map_err(|error| format!("security group {group} could not be closed: {error}"))
    }

    /// The group goes with its VPC.
    async fn delete(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
