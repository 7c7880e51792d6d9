//! NIST SP 800-53 Revision 5: the controls and enhancements that security tools relate to what is in scope, under
//! NIST's own names.
//!
//! They are those that Security Hub names for its controls in scope, and those that [Prowler] names for default
//! encryption, open network ACLs and public function URLs. A control stands for its statements too: SC-7 for SC-7a,
//! SC-7b and SC-7c. SC-7(2) is missing because NIST withdrew it into SC-7.
//!
//! [Prowler]: https://github.com/prowler-cloud/prowler/tree/master/prowler/compliance/aws

controls! {
    Nist800_53R5:
    AC_2_1 = "AC-2(1)", "Automated System Account Management";
    AC_2_4 = "AC-2(4)", "Automated Audit Actions";
    AC_2_6 = "AC-2(6)", "Dynamic Privilege Management";
    AC_2_12 = "AC-2(12)", "Account Monitoring for Atypical Usage";
    AC_3 = "AC-3", "Access Enforcement";
    AC_3_7 = "AC-3(7)", "Role-based Access Control";
    AC_3_15 = "AC-3(15)", "Discretionary and Mandatory Access Control";
    AC_4 = "AC-4", "Information Flow Enforcement";
    AC_4_21 = "AC-4(21)", "Physical or Logical Separation of Information Flows";
    AC_4_26 = "AC-4(26)", "Audit Filtering Actions";
    AC_6 = "AC-6", "Least Privilege";
    AC_6_9 = "AC-6(9)", "Log Use of Privileged Functions";
    AC_17 = "AC-17", "Remote Access";
    AC_17_1 = "AC-17(1)", "Monitoring and Control";
    AC_17_2 = "AC-17(2)", "Protection of Confidentiality and Integrity Using Encryption";
    AC_17_4 = "AC-17(4)", "Privileged Commands and Access";
    AC_17_9 = "AC-17(9)", "Disconnect or Disable Access";
    AC_17_10 = "AC-17(10)", "Authenticate Remote Commands";
    AC_21 = "AC-21", "Information Sharing";
    AU_2 = "AU-2", "Event Logging";
    AU_3 = "AU-3", "Content of Audit Records";
    AU_6_3 = "AU-6(3)", "Correlate Audit Record Repositories";
    AU_6_4 = "AU-6(4)", "Central Review and Analysis";
    AU_9 = "AU-9", "Protection of Audit Information";
    AU_9_2 = "AU-9(2)", "Store on Separate Physical Systems or Components";
    AU_9_3 = "AU-9(3)", "Cryptographic Protection";
    AU_9_7 = "AU-9(7)", "Store on Component with Different Operating System";
    AU_10 = "AU-10", "Non-repudiation";
    AU_12 = "AU-12", "Audit Record Generation";
    CA_7 = "CA-7", "Continuous Monitoring";
    CA_9_1 = "CA-9(1)", "Compliance Checks";
    CM_2 = "CM-2", "Baseline Configuration";
    CM_2_2 = "CM-2(2)", "Automation Support for Accuracy and Currency";
    CM_3 = "CM-3", "Configuration Change Control";
    CM_3_6 = "CM-3(6)", "Cryptography Management";
    CM_6 = "CM-6", "Configuration Settings";
    CM_7 = "CM-7", "Least Functionality";
    CM_8_1 = "CM-8(1)", "Updates During Installation and Removal";
    CM_8_6 = "CM-8(6)", "Assessed Configurations and Approved Deviations";
    CM_9 = "CM-9", "Configuration Management Plan";
    CP_6 = "CP-6", "Alternate Storage Site";
    CP_6_1 = "CP-6(1)", "Separation from Primary Site";
    CP_6_2 = "CP-6(2)", "Recovery Time and Recovery Point Objectives";
    CP_9 = "CP-9", "System Backup";
    CP_9_8 = "CP-9(8)", "Cryptographic Protection";
    CP_10 = "CP-10", "System Recovery and Reconstitution";
    IA_5_1 = "IA-5(1)", "Password-based Authentication";
    MP_2 = "MP-2", "Media Access";
    PM_11 = "PM-11", "Mission and Business Process Definition";
    SC_5_2 = "SC-5(2)", "Capacity, Bandwidth, and Redundancy";
    SC_7 = "SC-7", "Boundary Protection";
    SC_7_3 = "SC-7(3)", "Access Points";
    SC_7_4 = "SC-7(4)", "External Telecommunications Services";
    SC_7_5 = "SC-7(5)", "Deny by Default: Allow by Exception";
    SC_7_7 = "SC-7(7)", "Split Tunneling for Remote Devices";
    SC_7_9 = "SC-7(9)", "Restrict Threatening Outgoing Communications Traffic";
    SC_7_10 = "SC-7(10)", "Prevent Exfiltration";
    SC_7_11 = "SC-7(11)", "Restrict Incoming Communications Traffic";
    SC_7_12 = "SC-7(12)", "Host-based Protection";
    SC_7_16 = "SC-7(16)", "Prevent Discovery of System Components";
    SC_7_20 = "SC-7(20)", "Dynamic Isolation and Segregation";
    SC_7_21 = "SC-7(21)", "Isolation of System Components";
    SC_7_24 = "SC-7(24)", "Personally Identifiable Information";
    SC_7_25 = "SC-7(25)", "Unclassified National Security System Connections";
    SC_7_26 = "SC-7(26)", "Classified National Security System Connections";
    SC_7_27 = "SC-7(27)", "Unclassified Non-national Security System Connections";
    SC_7_28 = "SC-7(28)", "Connections to Public Networks";
    SC_8 = "SC-8", "Transmission Confidentiality and Integrity";
    SC_8_1 = "SC-8(1)", "Cryptographic Protection";
    SC_8_2 = "SC-8(2)", "Pre- and Post-transmission Handling";
    SC_8_3 = "SC-8(3)", "Cryptographic Protection for Message Externals";
    SC_8_4 = "SC-8(4)", "Conceal or Randomize Communications";
    SC_12_2 = "SC-12(2)", "Symmetric Keys";
    SC_12_3 = "SC-12(3)", "Asymmetric Keys";
    SC_13 = "SC-13", "Cryptographic Protection";
    SC_16_1 = "SC-16(1)", "Integrity Verification";
    SC_23 = "SC-23", "Session Authenticity";
    SC_23_3 = "SC-23(3)", "Unique System-generated Session Identifiers";
    SC_25 = "SC-25", "Thin Nodes";
    SC_28 = "SC-28", "Protection of Information at Rest";
    SC_28_1 = "SC-28(1)", "Cryptographic Protection";
    SC_36 = "SC-36", "Distributed Processing and Storage";
    SC_36_2 = "SC-36(2)", "Synchronization";
    SI_2 = "SI-2", "Flaw Remediation";
    SI_2_2 = "SI-2(2)", "Automated Flaw Remediation Status";
    SI_2_4 = "SI-2(4)", "Automated Patch Management Tools";
    SI_2_5 = "SI-2(5)", "Automatic Software and Firmware Updates";
    SI_3_8 = "SI-3(8)", "Detect Unauthorized Commands";
    SI_4 = "SI-4", "System Monitoring";
    SI_4_4 = "SI-4(4)", "Inbound and Outbound Communications Traffic";
    SI_4_20 = "SI-4(20)", "Privileged Users";
    SI_7_6 = "SI-7(6)", "Cryptographic Protection";
    SI_7_8 = "SI-7(8)", "Auditing Capability for Significant Events";
    SI_12 = "SI-12", "Information Management and Retention";
    SI_13_5 = "SI-13(5)", "Failover Capability";
    SI_19_4 = "SI-19(4)", "Removal, Masking, Encryption, Hashing, or Replacement of Direct Identifiers";
}
