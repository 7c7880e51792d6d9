//! The rules on VPCs and their security groups.

mod security_group_all_ports_from_internet_prohibited;
mod security_group_ssh_from_internet_prohibited;
mod vpc_default_security_group_closed;
mod vpc_flow_logs_enabled;
mod vpc_required_tags;

use crate::rule::Rule;

/// In the order of the catalogue.
pub(crate) const RULES: &[&Rule] = &[
    &vpc_flow_logs_enabled::RULE,
    &vpc_default_security_group_closed::RULE,
    &security_group_ssh_from_internet_prohibited::RULE,
    &security_group_all_ports_from_internet_prohibited::RULE,
    &vpc_required_tags::RULE,
];
