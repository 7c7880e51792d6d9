//! What a rule is, and what it may answer.

use audit_model::resource::{Bucket, Function, SecurityGroup, Vpc};
use audit_model::{FrameworkReference, Policy, Service, Severity, Unreadable};

/// One demand on one type of resource.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// AWS Config's name of the managed rule where there is one; also the name of the rule's file, in snake case.
    pub id: &'static str,
    /// The demand in a few words.
    pub title: &'static str,
    /// How bad a violation is.
    pub severity: Severity,
    /// Why it matters: what can happen to a resource that violates it.
    pub rationale: &'static str,
    /// What a compliant resource looks like; findings set it beside what was observed.
    pub expected: &'static str,
    /// What to do about a violation.
    pub remediation: &'static str,
    /// AWS's page on what to do.
    pub documentation: &'static str,
    /// The controls of the frameworks that this rule answers to.
    pub references: &'static [Reference],
    /// Whether `remediate-s3-encryption` repairs its violations.
    pub remediable: bool,
    /// How a resource is judged.
    pub check: Check,
    /// The rule's source file.
    pub source: &'static str,
}

impl Rule {
    /// The service whose scan evaluates the rule.
    pub fn service(&self) -> Service {
        match self.check {
            Check::S3Bucket(_) => Service::S3,
            Check::Vpc(_) | Check::SecurityGroup(_) => Service::Vpc,
            Check::Function(_) => Service::Lambda,
        }
    }
}

/// A rule's judgement of a resource of type `R`. An error means that a reading the rule needs is missing.
pub(crate) type Evaluate<R> = fn(&R, &Policy) -> Result<Outcome, Unreadable>;

/// How a rule judges, by the type of resource it judges.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Judges every S3 general purpose bucket.
    S3Bucket(Evaluate<Bucket>),
    /// Judges every VPC.
    Vpc(Evaluate<Vpc>),
    /// Judges every security group of every VPC.
    SecurityGroup(Evaluate<SecurityGroup>),
    /// Judges every Lambda function.
    Function(Evaluate<Function>),
}

/// A rule's verdict on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The resource is as the rule demands.
    Compliant {
        /// What was observed; never a secret.
        observed: String,
    },
    /// It is not.
    NonCompliant {
        /// What was observed; never a secret.
        observed: String,
    },
    /// The rule has nothing to say about this resource.
    NotApplicable {
        /// Why not.
        why: String,
    },
    /// What the verdict hangs on could not be read.
    InsufficientData {
        /// Each reading that is missing.
        missing: Vec<Unreadable>,
    },
}

impl Outcome {
    /// A pass.
    pub fn compliant(observed: impl Into<String>) -> Self {
        Self::Compliant { observed: observed.into() }
    }

    /// A violation.
    pub fn non_compliant(observed: impl Into<String>) -> Self {
        Self::NonCompliant { observed: observed.into() }
    }

    /// Nothing to judge.
    pub fn not_applicable(why: impl Into<String>) -> Self {
        Self::NotApplicable { why: why.into() }
    }

    /// No verdict, for want of these readings.
    pub fn insufficient_data(missing: Vec<Unreadable>) -> Self {
        Self::InsufficientData { missing }
    }
}

/// A control of a framework, as a rule declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The framework's name and version.
    pub framework: &'static str,
    /// The control's id there.
    pub control: &'static str,
}

impl From<&Reference> for FrameworkReference {
    fn from(reference: &Reference) -> Self {
        Self { framework: reference.framework.to_owned(), control: reference.control.to_owned() }
    }
}

/// A control of [AWS Foundational Security Best Practices][page].
///
/// [page]: https://docs.aws.amazon.com/securityhub/latest/userguide/fsbp-standard.html
pub(crate) const fn fsbp(control: &'static str) -> Reference {
    Reference { framework: "AWS FSBP", control }
}

/// A control of [AWS Security Hub CSPM][page] that is in none of the other standards named here.
///
/// [page]: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
pub(crate) const fn security_hub(control: &'static str) -> Reference {
    Reference { framework: "AWS Security Hub CSPM", control }
}

/// A control of the [AWS Resource Tagging Standard][page].
///
/// [page]: https://docs.aws.amazon.com/securityhub/latest/userguide/standards-tagging.html
pub(crate) const fn resource_tagging(control: &'static str) -> Reference {
    Reference { framework: "AWS Resource Tagging Standard", control }
}

/// A control of the CIS AWS Foundations Benchmark 5.0.0.
pub(crate) const fn cis_5_0(control: &'static str) -> Reference {
    Reference { framework: "CIS AWS Foundations 5.0", control }
}

/// A control of the CIS AWS Foundations Benchmark 3.0.0.
pub(crate) const fn cis_3_0(control: &'static str) -> Reference {
    Reference { framework: "CIS AWS Foundations 3.0", control }
}

/// A requirement of PCI DSS 4.0.1.
pub(crate) const fn pci_4_0_1(requirement: &'static str) -> Reference {
    Reference { framework: "PCI DSS 4.0.1", control: requirement }
}

/// A control of NIST SP 800-53 Revision 5.
pub(crate) const fn nist_r5(control: &'static str) -> Reference {
    Reference { framework: "NIST SP 800-53 r5", control }
}
