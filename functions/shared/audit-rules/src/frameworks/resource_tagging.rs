//! AWS Resource Tagging Standard: its controls in scope, as AWS listed them in 2026.

controls! {
    ResourceTagging:
    EC2_33 = "EC2.33", "Transit gateway attachments are tagged", not covered: super::NOT_READ;
    EC2_34 = "EC2.34", "Transit gateway route tables are tagged", not covered: super::NOT_READ;
    EC2_35 = "EC2.35", "Network interfaces are tagged";
    EC2_36 = "EC2.36", "Customer gateways are tagged", not covered: super::NOT_READ;
    EC2_37 = "EC2.37", "Elastic IP addresses are tagged";
    EC2_39 = "EC2.39", "Internet gateways are tagged", not covered: super::NOT_READ;
    EC2_40 = "EC2.40", "NAT gateways are tagged", not covered: super::NOT_READ;
    EC2_41 = "EC2.41", "Network ACLs are tagged";
    EC2_42 = "EC2.42", "Route tables are tagged";
    EC2_43 = "EC2.43", "Security groups are tagged";
    EC2_44 = "EC2.44", "Subnets are tagged";
    EC2_46 = "EC2.46", "VPCs are tagged";
    EC2_47 = "EC2.47", "VPC endpoint services are tagged";
    EC2_48 = "EC2.48", "VPC flow logs are tagged", not covered: super::FLOW_LOGS_OF_VPCS;
    EC2_49 = "EC2.49", "VPC peering connections are tagged";
    EC2_50 = "EC2.50", "VPN gateways are tagged", not covered: super::NOT_READ;
    EC2_52 = "EC2.52", "Transit gateways are tagged";
    EC2_174 = "EC2.174", "DHCP option sets are tagged", not covered: super::NOT_READ;
    EC2_176 = "EC2.176", "Prefix lists are tagged", not covered: super::ENTRIES_OF_PREFIX_LISTS;
    EC2_177 = "EC2.177", "Traffic mirror sessions are tagged", not covered: super::NOT_READ;
    EC2_178 = "EC2.178", "Traffic mirror filters are tagged", not covered: super::NOT_READ;
    EC2_179 = "EC2.179", "Traffic mirror targets are tagged", not covered: super::NOT_READ;
    LAMBDA_6 = "Lambda.6", "Functions are tagged";
}
