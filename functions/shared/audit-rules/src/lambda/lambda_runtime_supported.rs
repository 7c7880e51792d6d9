//! A function runs on a runtime that AWS still mends.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable, UnreadableCause};

use crate::lambda::configuration;
use crate::rule::{Check, Outcome, Rule, fsbp, nist_r5, pci_4_0_1};

pub(super) const RULE: Rule = Rule {
    id: "lambda-runtime-supported",
    title: "Lambda function uses a supported runtime",
    severity: Severity::Medium,
    rationale: "A runtime out of support gets no security fixes, and one day functions on it can be neither created nor \
        updated, not even to mend something urgent.",
    expected: "One of the runtimes that AWS supports; container images and OS-only runtimes are left out",
    remediation: "Move the function to a supported version of its language, and test it there.",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    references: &[
        fsbp("Lambda.2"),
        pci_4_0_1("12.3.4"),
        nist_r5("CA-9(1)"),
        nist_r5("CM-2"),
        nist_r5("SI-2"),
        nist_r5("SI-2(2)"),
        nist_r5("SI-2(4)"),
        nist_r5("SI-2(5)"),
    ],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

/// The runtimes that control [Lambda.2 of AWS Security Hub][page] accepts, as of [`AS_OF`].
///
/// [page]: https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html#lambda-2
const SUPPORTED: [&str; 17] = [
    "dotnet10",
    "dotnet8",
    "java25",
    "java21",
    "java17",
    "java11",
    "java8.al2",
    "nodejs24.x",
    "nodejs22.x",
    "nodejs20.x",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "ruby3.4",
    "ruby3.3",
];

/// When the page was read.
const AS_OF: &str = "November 2026";

/// Container images and OS-only runtimes (`provided.al2023` and its kind) bring their own runtime: AWS Config's rule
/// [`lambda-function-settings-check`][page] ignores them, too.
///
/// [page]: https://docs.aws.amazon.com/config/latest/developerguide/lambda-function-settings-check.html
fn evaluate(function: &Function, _: &Policy) -> Result<Outcome, Unreadable> {
    let configuration = configuration(function)?;
    if configuration.package_type == "Image" {
        return Ok(Outcome::not_applicable("a container image brings its own runtime"));
    }
    let Some(runtime) = configuration.runtime.as_deref() else {
        return Err(Unreadable {
            action: "lambda:GetFunction".to_owned(),
            cause: UnreadableCause::Malformed,
            detail: "a function that is no container image came without a runtime".to_owned(),
        });
    };
    Ok(if runtime == "provided" || runtime.starts_with("provided.") {
        Outcome::not_applicable(format!("{runtime} is an OS-only runtime, the function brings its own"))
    } else if SUPPORTED.contains(&runtime) {
        Outcome::compliant(runtime)
    } else {
        Outcome::non_compliant(format!("{runtime}, which is not among the runtimes supported as of {AS_OF}"))
    })
}

#[cfg(test)]
mod tests {
    use audit_model::Reading;
    use audit_model::resource::FunctionConfiguration;

    use super::*;
    use crate::fixtures;

    fn judge(configuration: FunctionConfiguration) -> Outcome {
        let function = Function { configuration: Reading::seen(configuration), ..fixtures::good_function() };
        evaluate(&function, &fixtures::policy()).unwrap()
    }

    fn on(runtime: &str) -> FunctionConfiguration {
        FunctionConfiguration { runtime: Some(runtime.to_owned()), ..fixtures::configuration() }
    }

    #[test]
    fn runtimes_are_supported_or_not_or_ones_own() {
        for runtime in ["python3.13", "nodejs22.x", "java8.al2", "dotnet8", "ruby3.3"] {
            assert_eq!(judge(on(runtime)), Outcome::compliant(runtime));
        }
        for runtime in ["python3.8", "python2.7", "nodejs16.x", "java8", "dotnetcore3.1", "ruby2.7", "go1.x"] {
            assert!(matches!(judge(on(runtime)), Outcome::NonCompliant { .. }), "{runtime}");
        }
        for runtime in ["provided", "provided.al2", "provided.al2023"] {
            assert!(matches!(judge(on(runtime)), Outcome::NotApplicable { .. }), "{runtime}");
        }
    }

    #[test]
    fn an_image_has_no_runtime_to_judge_and_anything_else_has() {
        let without = FunctionConfiguration { runtime: None, ..fixtures::configuration() };
        let image = FunctionConfiguration { package_type: "Image".to_owned(), ..without.clone() };
        assert!(matches!(judge(image), Outcome::NotApplicable { .. }));
        let zip = Function { configuration: Reading::seen(without), ..fixtures::good_function() };
        assert!(evaluate(&zip, &fixtures::policy()).is_err());
    }
}
