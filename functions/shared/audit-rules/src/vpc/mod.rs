//! The rules on VPCs, their security groups and their network ACLs.

mod network_acl_admin_ports_from_internet_prohibited;
mod network_acl_any_port_from_internet_prohibited;
mod network_acl_unused_removed;
mod security_group_all_ports_from_internet_prohibited;
mod security_group_high_risk_ports_from_internet_prohibited;
mod security_group_internet_ports_authorized_only;
mod security_group_launch_wizard_prohibited;
mod security_group_rdp_from_internet_prohibited;
mod security_group_ssh_from_internet_prohibited;
mod security_group_unused_removed;
mod security_group_wide_public_cidr_prohibited;
mod subnet_auto_assign_public_ip_disabled;
mod vpc_block_public_access_enabled;
mod vpc_default_security_group_closed;
mod vpc_endpoint_ec2_present;
mod vpc_endpoint_multi_az;
mod vpc_endpoint_policy_trust_bounded;
mod vpc_endpoint_service_principals_trust_bounded;
mod vpc_flow_logs_delivering;
mod vpc_flow_logs_enabled;
mod vpc_peering_routes_least_privilege;
mod vpc_required_tags;
mod vpc_subnets_multi_az;
mod vpc_subnets_public_private_separated;

use crate::rule::Rule;

/// In the order of the catalogue.
pub(crate) const RULES: &[&Rule] = &[
    &vpc_flow_logs_enabled::RULE,
    &vpc_default_security_group_closed::RULE,
    &security_group_ssh_from_internet_prohibited::RULE,
    &security_group_rdp_from_internet_prohibited::RULE,
    &security_group_high_risk_ports_from_internet_prohibited::RULE,
    &security_group_internet_ports_authorized_only::RULE,
    &security_group_all_ports_from_internet_prohibited::RULE,
    &security_group_wide_public_cidr_prohibited::RULE,
    &security_group_unused_removed::RULE,
    &security_group_launch_wizard_prohibited::RULE,
    &network_acl_admin_ports_from_internet_prohibited::RULE,
    &network_acl_any_port_from_internet_prohibited::RULE,
    &network_acl_unused_removed::RULE,
    &subnet_auto_assign_public_ip_disabled::RULE,
    &vpc_subnets_multi_az::RULE,
    &vpc_subnets_public_private_separated::RULE,
    &vpc_endpoint_ec2_present::RULE,
    &vpc_endpoint_policy_trust_bounded::RULE,
    &vpc_endpoint_multi_az::RULE,
    &vpc_endpoint_service_principals_trust_bounded::RULE,
    &vpc_peering_routes_least_privilege::RULE,
    &vpc_block_public_access_enabled::RULE,
    &vpc_required_tags::RULE,
    &vpc_flow_logs_delivering::RULE,
];
