//! The controls that the rules answer to, as constants: a rule names a control that exists, or it does not compile.
//!
//! In scope is a control that judges how one of these is configured:
//! - S3: buckets of every kind, access points, what the account sets for them, and the recording of their objects' use;
//! - EC2 networking: VPCs and what they are made of or connected by, such as subnets, route tables, gateways, security
//!   groups, network ACLs, network interfaces, addresses, endpoints, flow logs, peering, VPNs and transit gateways; and
//!   the network settings of launch templates. A control that judges instances, images, volumes or snapshots is not
//!   about networking, even where it asks for an instance's address;
//! - Lambda functions.
//!
//! Of CIS, PCI DSS and NIST, only that part is here which those controls touch. A framework's other controls are not in
//! the lists: they are neither covered nor reported as uncovered. Nor are table buckets and vector buckets: AWS has no
//! control for them.

use audit_model::policy::FrameworkPolicy;
use audit_model::{FrameworkReference, Policy};

/// Makes a constant of each row (its name, the control's id, its title, and why no rule answers to it where none does) and
/// the list `CONTROLS` of them all.
macro_rules! controls {
    (@reason) => { None };
    (@reason $reason:expr) => { Some($reason) };
    ($framework:ident: $($name:ident = $id:literal, $title:literal $(, not covered: $reason:expr)?;)+) => {
        $(
            #[doc = concat!($id, ": ", $title, ".")]
            pub(crate) const $name: $crate::frameworks::Control = $crate::frameworks::Control {
                framework: $crate::frameworks::Framework::$framework,
                id: $id,
                title: $title,
                not_covered: controls!(@reason $($reason)?),
            };
        )+

        /// Every control of the framework that is in scope, in the order of their ids.
        pub(crate) const CONTROLS: &[$crate::frameworks::Control] = &[$($name),+];

        /// The names of the constants, in the order of `CONTROLS`.
        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),+];
    };
}

pub(crate) mod cis_3_0;
pub(crate) mod cis_5_0;
pub(crate) mod fsbp;
pub(crate) mod nist_800_53_r5;
pub(crate) mod pci_dss_4_0_1;
pub(crate) mod resource_tagging;
pub(crate) mod security_hub;

mod coverage;

pub use coverage::{
    ControlResult, CoveredControl, FrameworkCoverage, RuleResult, UncoveredControl, framework_coverage,
};

/// A framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Framework {
    /// AWS Foundational Security Best Practices.
    Fsbp,
    /// AWS Security Hub CSPM, for controls that are in neither of AWS's two standards named here.
    SecurityHub,
    /// AWS Resource Tagging Standard.
    ResourceTagging,
    /// CIS AWS Foundations Benchmark 5.0.0.
    Cis5_0,
    /// CIS AWS Foundations Benchmark 3.0.0.
    Cis3_0,
    /// Payment Card Industry Data Security Standard 4.0.1.
    PciDss4_0_1,
    /// NIST Special Publication 800-53 Revision 5.
    Nist800_53R5,
}

impl Framework {
    /// Every framework, in the order in which reports show them.
    pub const ALL: [Self; 7] = [
        Self::Fsbp,
        Self::SecurityHub,
        Self::ResourceTagging,
        Self::Cis5_0,
        Self::Cis3_0,
        Self::PciDss4_0_1,
        Self::Nist800_53R5,
    ];

    /// The framework's name and version, as findings and reports give them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fsbp => "AWS FSBP",
            Self::SecurityHub => "AWS Security Hub CSPM",
            Self::ResourceTagging => "AWS Resource Tagging Standard",
            Self::Cis5_0 => "CIS AWS Foundations 5.0",
            Self::Cis3_0 => "CIS AWS Foundations 3.0",
            Self::PciDss4_0_1 => "PCI DSS 4.0.1",
            Self::Nist800_53R5 => "NIST SP 800-53 r5",
        }
    }

    /// Why none of its controls is evaluated under the policy, where none is.
    pub const fn off_under(self, policy: &Policy) -> Option<&'static str> {
        self.off_with(&policy.frameworks)
    }

    /// The same, as long as the audit policy switches nothing on.
    pub fn off_by_default(self) -> Option<&'static str> {
        self.off_with(&FrameworkPolicy::default())
    }

    pub(crate) const fn off_with(self, frameworks: &FrameworkPolicy) -> Option<&'static str> {
        match self {
            Self::ResourceTagging if !frameworks.resource_tagging => Some(
                "the audit policy does not switch the standard on, as resource_tagging = true in [frameworks] would",
            ),
            _ => None,
        }
    }

    /// AWS's page that lists the controls of Security Hub that belong to the framework.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Fsbp => "https://docs.aws.amazon.com/securityhub/latest/userguide/fsbp-standard.html",
            Self::SecurityHub => {
                "https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html"
            }
            Self::ResourceTagging => "https://docs.aws.amazon.com/securityhub/latest/userguide/standards-tagging.html",
            Self::Cis5_0 | Self::Cis3_0 => {
                "https://docs.aws.amazon.com/securityhub/latest/userguide/cis-aws-foundations-benchmark.html"
            }
            Self::PciDss4_0_1 => "https://docs.aws.amazon.com/securityhub/latest/userguide/pci-standard.html",
            Self::Nist800_53R5 => {
                "https://docs.aws.amazon.com/securityhub/latest/userguide/standards-reference-nist-800-53.html"
            }
        }
    }

    /// The framework's controls in scope, in the order of their ids.
    pub fn controls(self) -> &'static [Control] {
        match self {
            Self::Fsbp => fsbp::CONTROLS,
            Self::SecurityHub => security_hub::CONTROLS,
            Self::ResourceTagging => resource_tagging::CONTROLS,
            Self::Cis5_0 => cis_5_0::CONTROLS,
            Self::Cis3_0 => cis_3_0::CONTROLS,
            Self::PciDss4_0_1 => pci_dss_4_0_1::CONTROLS,
            Self::Nist800_53R5 => nist_800_53_r5::CONTROLS,
        }
    }
}

/// A control in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Control {
    /// The framework it belongs to.
    pub framework: Framework,
    /// Its id there, in the framework's own spelling.
    pub id: &'static str,
    /// What it demands, in a few words; for NIST, its name.
    pub title: &'static str,
    /// Why no rule answers to it, where none does.
    pub not_covered: Option<&'static str>,
}

/// Why it is not judged whether the bucket that a trail writes to logs who reads it.
const NO_LOG_TARGET: &str =
    "which bucket a trail writes to is not read; server access logging is asked of every bucket (S3.9)";

/// Why what data a bucket holds is not judged.
const NO_DATA: &str = "a bucket's configuration does not show what data it holds; Amazon Macie looks into it";

/// Why tags of a type of resource are not judged.
const NOT_READ: &str = "no other rule asks for resources of this type, and tags alone are not worth a request: only those of \
    resources that are read anyway are judged";

/// Why tags of flow logs are not judged.
const FLOW_LOGS_OF_VPCS: &str =
    "only flow logs of whole VPCs are read, and not those of single subnets and network interfaces";

/// Why tags of prefix lists are not judged.
const ENTRIES_OF_PREFIX_LISTS: &str = "of prefix lists only the entries are read, of those that security groups refer to, and \
    they bring no tags along";

impl From<&Control> for FrameworkReference {
    fn from(control: &Control) -> Self {
        Self { framework: control.framework.name().into(), control: control.id.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names of a framework's constants, in the order of its controls, and what stands before an id that begins
    /// with a digit.
    fn constants(framework: Framework) -> (&'static [&'static str], &'static str) {
        match framework {
            Framework::Fsbp => (fsbp::NAMES, ""),
            Framework::SecurityHub => (security_hub::NAMES, ""),
            Framework::ResourceTagging => (resource_tagging::NAMES, ""),
            Framework::Cis5_0 => (cis_5_0::NAMES, "C"),
            Framework::Cis3_0 => (cis_3_0::NAMES, "C"),
            Framework::PciDss4_0_1 => (pci_dss_4_0_1::NAMES, "R"),
            Framework::Nist800_53R5 => (nist_800_53_r5::NAMES, ""),
        }
    }

    /// Whether this is a number above zero in its shortest spelling.
    fn is_number(text: &str) -> bool {
        text.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == text)
    }

    /// Whether an id has the form of its framework's ids.
    fn is_well_formed(framework: Framework, id: &str) -> bool {
        match framework {
            Framework::Fsbp | Framework::SecurityHub | Framework::ResourceTagging => id
                .split_once('.')
                .is_some_and(|(service, number)| ["S3", "EC2", "Lambda"].contains(&service) && is_number(number)),
            Framework::Cis5_0 | Framework::Cis3_0 | Framework::PciDss4_0_1 => {
                (2..=3).contains(&id.split('.').count()) && id.split('.').all(is_number)
            }
            Framework::Nist800_53R5 => id.split_once('-').is_some_and(|(family, number)| {
                let (control, enhancement) = match number.strip_suffix(')') {
                    Some(open) => open.split_once('(').unwrap_or_default(),
                    None => (number, "1"),
                };
                let is_family = family.len() == 2 && family.bytes().all(|byte| byte.is_ascii_uppercase());
                is_family && is_number(control) && is_number(enhancement)
            }),
        }
    }

    /// The parts of an id that put S3.2 before S3.10.
    fn order(id: &str) -> Vec<Result<u16, &str>> {
        id.split(['.', '-', '(', ')']).map(|part| part.parse().map_err(|_| part)).collect()
    }

    #[test]
    fn every_list_has_controls_of_its_framework_each_once_and_in_order() {
        for framework in Framework::ALL {
            let controls = framework.controls();
            assert!(!controls.is_empty(), "{framework:?}");
            assert!(controls.iter().all(|control| control.framework == framework), "{framework:?}");
            for pair in controls.windows(2) {
                assert!(order(pair[0].id) < order(pair[1].id), "{} comes before {}", pair[0].id, pair[1].id);
            }
        }
    }

    #[test]
    fn ids_have_the_form_of_their_framework() {
        for control in Framework::ALL.into_iter().flat_map(Framework::controls) {
            assert!(is_well_formed(control.framework, control.id), "{control:?}");
        }
        let malformed = [
            (Framework::Fsbp, "s3.1"),
            (Framework::SecurityHub, "EC2-13"),
            (Framework::ResourceTagging, "Lambda.06"),
            (Framework::Cis5_0, "2.1.x"),
            (Framework::Cis3_0, "5"),
            (Framework::PciDss4_0_1, "3.5.1.30"),
            (Framework::Nist800_53R5, "au_9_3"),
            (Framework::Nist800_53R5, "AU-9(3"),
            (Framework::Nist800_53R5, "AU-9(3)(a)"),
            (Framework::Nist800_53R5, "CM-6a"),
        ];
        for (framework, id) in malformed {
            assert!(!is_well_formed(framework, id), "{framework:?} {id}");
        }
    }

    #[test]
    fn a_constant_is_named_after_the_id() {
        for framework in Framework::ALL {
            let (names, prefix) = constants(framework);
            assert_eq!(names.len(), framework.controls().len(), "{framework:?}");
            for (name, control) in names.iter().zip(framework.controls()) {
                let id = control.id.trim_end_matches(')').replace(['.', '-', '('], "_").to_uppercase();
                assert_eq!(*name, format!("{prefix}{id}"));
            }
        }
    }

    #[test]
    fn titles_are_short_and_trimmed() {
        for control in Framework::ALL.into_iter().flat_map(Framework::controls) {
            let title = control.title;
            assert!((4..90).contains(&title.len()) && title.trim() == title && !title.ends_with('.'), "{control:?}");
            assert!(title.starts_with(|first: char| first.is_uppercase()), "{control:?}");
        }
    }

    #[test]
    fn a_control_of_security_hub_is_in_one_list_only() {
        let lists = [Framework::Fsbp, Framework::SecurityHub, Framework::ResourceTagging].map(Framework::controls);
        let ids: BTreeSet<&str> = lists.into_iter().flatten().map(|control| control.id).collect();
        assert_eq!(ids.len(), lists.into_iter().map(<[Control]>::len).sum::<usize>());
    }

    #[test]
    fn frameworks_have_their_own_names_and_a_page_of_aws() {
        let names: BTreeSet<&str> = Framework::ALL.into_iter().map(Framework::name).collect();
        assert_eq!(names.len(), Framework::ALL.len());
        for framework in Framework::ALL {
            assert!(framework.source().starts_with("https://docs.aws.amazon.com/securityhub/"), "{framework:?}");
        }
    }
}
