//! A function runs on a runtime that AWS still mends.

use audit_model::resource::Function;
use audit_model::{Policy, Severity, Unreadable};

use crate::frameworks::{fsbp, nist_800_53_r5, pci_dss_4_0_1};
use crate::lambda::configuration;
use crate::parameter::SUPPORTED_RUNTIMES;
use crate::rule::{Check, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    id: "lambda-runtime-supported",
    title: "Lambda function uses a supported runtime",
    severity: Severity::Medium,
    rationale: "A runtime out of support gets no security fixes, and one day functions on it can be neither created \
        nor updated, not even for an urgent fix. As in AWS Config's rule, container images and OS-only runtimes are \
        left out, although the operating system of the latter goes out of support as well.",
    expected: "One of the supported runtimes that the audit policy lists",
    remediation: "Move the function to a supported version of its language, after a test: code that runs on one \
        version may fail on another.",
    console: "In the Lambda console, open the function, then Code, Runtime settings, Edit. Choose a supported runtime \
        and save.",
    cli: "aws lambda update-function-configuration --function-name FUNCTION --runtime RUNTIME",
    documentation: "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    parameters: &[SUPPORTED_RUNTIMES],
    references: &[
        fsbp::LAMBDA_2,
        pci_dss_4_0_1::R12_3_4,
        nist_800_53_r5::CA_9_1,
        nist_800_53_r5::CM_2,
        nist_800_53_r5::SI_2,
        nist_800_53_r5::SI_2_2,
        nist_800_53_r5::SI_2_4,
        nist_800_53_r5::SI_2_5,
    ],
    reads: &["lambda:GetFunction"],
    remediable: false,
    check: Check::Function(evaluate),
    source: file!(),
};

/// Container images and OS-only runtimes (`provided.al2023` and its kind) bring their own runtime: AWS Config's rule
/// [`lambda-function-settings-check`][page] ignores them, too.
///
/// [page]: https://docs.aws.amazon.com/config/latest/developerguide/lambda-function-settings-check.html
fn evaluate(function: &Function, policy: &Policy) -> Result<Outcome, Unreadable> {
    let configuration = configuration(function)?;
    if configuration.package_type == "Image" {
        return Ok(Outcome::not_applicable("a container image brings its own runtime"));
    }
    let Some(runtime) = configuration.runtime.as_deref() else {
        let detail = "a function that is no container image came without a runtime";
        return Err(Unreadable::malformed("lambda:GetFunction", detail));
    };
    Ok(if runtime == "provided" || runtime.starts_with("provided.") {
        Outcome::not_applicable(format!("{runtime} is an OS-only runtime, the function brings its own"))
    } else if policy.parameters.supported_runtimes.iter().any(|supported| supported == runtime) {
        Outcome::compliant(runtime.to_owned())
    } else {
        Outcome::non_compliant(format!("{runtime}, which is not among the supported runtimes of the audit policy"))
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
        for runtime in &fixtures::policy().parameters.supported_runtimes {
            assert_eq!(judge(on(runtime)), Outcome::compliant(runtime.clone()));
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
