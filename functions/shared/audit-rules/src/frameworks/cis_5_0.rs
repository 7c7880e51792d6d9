//! CIS AWS Foundations Benchmark 5.0.0: its recommendations in scope.
//!
//! Section 4 is out of scope: it is about alarms on changes to resources, not about the resources.

controls! {
    Cis5_0:
    C2_1_1 = "2.1.1", "Bucket policies refuse requests without TLS";
    C2_1_2 = "2.1.2", "Buckets have MFA delete";
    C2_1_3 = "2.1.3", "The data in S3 is known, classified and protected", not covered: super::NO_DATA;
    C2_1_4 = "2.1.4", "S3 block public access is on";
    C3_4 = "3.4", "The bucket that CloudTrail writes to has server access logging", not covered: super::NO_LOG_TARGET;
    C3_7 = "3.7", "Every VPC has a flow log";
    C3_8 = "3.8", "A trail records the writing of objects in every bucket";
    C3_9 = "3.9", "A trail records the reading of objects in every bucket";
    C5_1_2 = "5.1.2", "Only trusted networks reach CIFS, port 445";
    C5_2 = "5.2", "Network ACLs do not open remote administration ports to 0.0.0.0/0";
    C5_3 = "5.3", "Security groups do not open remote administration ports to 0.0.0.0/0";
    C5_4 = "5.4", "Security groups do not open remote administration ports to ::/0";
    C5_5 = "5.5", "The default security group of every VPC lets nothing in or out";
    C5_6 = "5.6", "Routes to VPC peering connections reach no more than they must";
}
