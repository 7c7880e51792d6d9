//! AWS Foundational Security Best Practices: its controls in scope, as AWS listed them in 2026.

controls! {
    Fsbp:
    EC2_2 = "EC2.2", "The default security group of a VPC lets nothing in or out";
    EC2_6 = "EC2.6", "Every VPC has a flow log";
    EC2_10 = "EC2.10", "A VPC reaches the EC2 API through an interface endpoint";
    EC2_15 = "EC2.15", "A subnet assigns no public addresses automatically";
    EC2_16 = "EC2.16", "Network ACLs that no subnet uses are removed";
    EC2_18 = "EC2.18", "A security group opens only authorized ports to the internet";
    EC2_19 = "EC2.19", "A security group opens no high-risk port to the internet";
    EC2_20 = "EC2.20", "Both tunnels of a Site-to-Site VPN connection are up";
    EC2_21 = "EC2.21", "A network ACL opens neither port 22 nor port 3389 to the internet";
    EC2_23 = "EC2.23", "A transit gateway does not accept VPC attachments automatically";
    EC2_25 = "EC2.25", "A launch template gives its network interfaces no public addresses";
    EC2_51 = "EC2.51", "A Client VPN endpoint logs its clients' connections";
    EC2_55 = "EC2.55", "A VPC has an interface endpoint for the ECR API";
    EC2_56 = "EC2.56", "A VPC has an interface endpoint for the Docker registry";
    EC2_57 = "EC2.57", "A VPC has an interface endpoint for Systems Manager";
    EC2_58 = "EC2.58", "A VPC has an interface endpoint for Incident Manager Contacts";
    EC2_60 = "EC2.60", "A VPC has an interface endpoint for Incident Manager";
    EC2_171 = "EC2.171", "Both tunnels of a Site-to-Site VPN connection write logs";
    EC2_172 = "EC2.172", "VPC block public access stops internet gateway traffic";
    EC2_180 = "EC2.180", "A network interface checks the source and destination of its traffic";
    EC2_183 = "EC2.183", "A Site-to-Site VPN connection accepts IKEv2 only";
    LAMBDA_1 = "Lambda.1", "A function's policy keeps the public out";
    LAMBDA_2 = "Lambda.2", "A function runs on a supported runtime";
    LAMBDA_5 = "Lambda.5", "A function in a VPC runs in several Availability Zones";
    S3_1 = "S3.1", "The account blocks public access to its buckets";
    S3_2 = "S3.2", "A bucket cannot be read by the public";
    S3_3 = "S3.3", "A bucket cannot be written by the public";
    S3_5 = "S3.5", "A bucket refuses requests without TLS";
    S3_6 = "S3.6", "A bucket policy grants other accounts no sensitive actions";
    S3_8 = "S3.8", "A bucket blocks public access with settings of its own";
    S3_9 = "S3.9", "A bucket has server access logging";
    S3_12 = "S3.12", "A bucket is not shared through access control lists";
    S3_13 = "S3.13", "A bucket has a lifecycle configuration";
    S3_19 = "S3.19", "An access point blocks public access";
    S3_24 = "S3.24", "A Multi-Region Access Point blocks public access",
        not covered: "Amazon S3 tells of Multi-Region Access Points in us-west-2 only, which the isolated subnets of another \
            region do not reach";
    S3_25 = "S3.25", "A directory bucket has a lifecycle configuration";
}
