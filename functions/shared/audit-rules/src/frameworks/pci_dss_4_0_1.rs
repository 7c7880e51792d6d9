//! PCI DSS 4.0.1: the requirements that security tools relate to what is in scope.
//!
//! They are those that Security Hub names for its controls in scope, and 8.3.2, which only [Prowler] relates to the
//! default encryption of buckets.
//!
//! [Prowler]: https://github.com/prowler-cloud/prowler/tree/master/prowler/compliance/aws

controls! {
    PciDss4_0_1:
    R1_2_7 = "1.2.7", "Network security controls are reviewed every six months";
    R1_3_1 = "1.3.1", "Traffic into the cardholder data environment is restricted";
    R1_4_4 = "1.4.4", "Stored cardholder data cannot be reached from untrusted networks";
    R3_5_1 = "3.5.1", "Stored card numbers are unreadable";
    R4_2_1 = "4.2.1", "Card numbers are encrypted on their way over public networks";
    R7_2_1 = "7.2.1", "An access control model grants what a job needs and no more";
    R10_2_1 = "10.2.1", "Audit logs are written for all components and cardholder data";
    R10_4_2 = "10.4.2", "The logs of less critical components are reviewed periodically";
    R10_5_1 = "10.5.1", "Audit logs are kept for a year";
    R12_3_4 = "12.3.4", "Hardware and software in use are reviewed every year";
}
