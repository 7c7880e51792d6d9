//! AWS Security Hub CSPM: its controls in scope that are neither in [`super::fsbp`] nor in [`super::resource_tagging`],
//! as AWS listed them in 2026.

controls! {
    SecurityHub:
    EC2_12 = "EC2.12", "Elastic IP addresses that nothing uses are released";
    EC2_13 = "EC2.13", "A security group does not open port 22 to the internet";
    EC2_14 = "EC2.14", "A security group does not open port 3389 to the internet";
    EC2_22 = "EC2.22", "Security groups that nothing uses are removed";
    EC2_53 = "EC2.53", "A security group does not open remote administration ports to 0.0.0.0/0";
    EC2_54 = "EC2.54", "A security group does not open remote administration ports to ::/0";
    LAMBDA_3 = "Lambda.3", "A function runs in a VPC";
    LAMBDA_7 = "Lambda.7", "A function is traced actively by X-Ray";
    S3_7 = "S3.7", "A bucket is replicated to another region";
    S3_10 = "S3.10", "A bucket with versioning has a lifecycle configuration";
    S3_11 = "S3.11", "A bucket notifies of events";
    S3_14 = "S3.14", "A bucket has versioning";
    S3_15 = "S3.15", "A bucket has Object Lock";
    S3_17 = "S3.17", "A bucket is encrypted with a KMS key";
    S3_20 = "S3.20", "A bucket has MFA delete";
    S3_22 = "S3.22", "A trail records the writing of objects in every bucket";
    S3_23 = "S3.23", "A trail records the reading of objects in every bucket";
}
