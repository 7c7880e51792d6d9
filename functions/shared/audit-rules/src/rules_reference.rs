//! `RULES.md`, written from the rules. `make rules` writes it anew; the test here fails when it would write another.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use audit_model::Service;

use crate::catalogue::CATALOGUE;
use crate::frameworks::{Control, Framework};
use crate::rule::Rule;

/// Set, to anything, it has the reference written instead of compared.
const WRITE: &str = "WRITE_RULES_REFERENCE";

#[test]
fn the_reference_is_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RULES.md");
    let written = reference();
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &written).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(written.lines()).position(|(there, now)| there != now);
    assert!(
        committed == written,
        "RULES.md is not what the rules say, from line {} on; run `make rules` and commit what it writes",
        differs.unwrap_or_else(|| committed.lines().count().min(written.lines().count())) + 1
    );
}

fn reference() -> String {
    let mut text = format!(
        "# Rules\n\nWritten by `make rules` from the rules' own files; do not edit it here.\n\n{} rules: what each \
         demands, why, and how to mend a violation. Severities, parameters and exceptions are tuned in \
         `infrastructure/audit-policy.toml`.\n",
        CATALOGUE.len()
    );
    for service in Service::ALL {
        let _ = write!(text, "\n## {}\n\n| rule | demands | severity |\n|---|---|---|\n", name(service));
        for rule in of(service) {
            let _ = writeln!(text, "| [`{id}`](#{id}) | {} | {} |", cell(rule.title), rule.severity, id = rule.id);
        }
    }
    text.push_str(
        "\n## Frameworks\n\nA control without a rule is in scope and not covered: nothing here answers to it, for the \
         reason that is given.\n",
    );
    for framework in Framework::ALL {
        framework_table(&mut text, framework);
    }
    for service in Service::ALL {
        let _ = write!(text, "\n# Rules on {}\n", name(service));
        for rule in of(service) {
            section(&mut text, rule);
        }
    }
    text
}

fn name(service: Service) -> &'static str {
    match service {
        Service::S3 => "Amazon S3",
        Service::Vpc => "Amazon VPC",
        Service::Lambda => "AWS Lambda",
    }
}

fn of(service: Service) -> impl Iterator<Item = &'static Rule> {
    CATALOGUE.iter().copied().filter(move |rule| rule.service() == service)
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn framework_table(text: &mut String, framework: Framework) {
    let ruled = framework.controls().iter().filter(|control| !control.rules().is_empty());
    let (always, by_setting): (Vec<&Control>, Vec<&Control>) = ruled.partition(|control| control.without().is_none());
    let _ = write!(
        text,
        "\n### {}\n\n{} of {} controls in scope are covered{}. [Source]({}){}\n\n\
         | control | demands | rules |\n|---|---|---|\n",
        framework.name(),
        always.len(),
        framework.controls().len(),
        match by_setting.len() {
            0 => String::new(),
            more => format!(", {more} more where the deployment's settings say so"),
        },
        framework.source(),
        off(framework.off_by_default()),
    );
    for control in framework.controls() {
        let rules: Vec<String> = control.rules().iter().map(|rule| format!("[`{id}`](#{id})", id = rule.id)).collect();
        let rules = rules.join("<br>");
        let rules = match (control.not_covered, control.without()) {
            (Some(reason), _) => format!("not covered: {}", cell(reason)),
            (None, Some(reason)) => format!("{rules}<br>not covered by default: {}", cell(reason)),
            (None, None) => rules,
        };
        let _ = writeln!(text, "| {} | {} | {rules} |", control.id, cell(control.title));
    }
}

/// Why something is off as long as the audit policy switches nothing on.
fn off(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" Off where {reason}.")).unwrap_or_default()
}

fn section(text: &mut String, rule: &Rule) {
    let _ = write!(
        text,
        "\n### {}\n\n{}. Severity {}.{}{}\n\n**Why.** {}\n\n**Compliant.** {}.\n\n**To do.** {}\n\n\
         **In the console.** {}\n\n**With the AWS CLI.**\n\n```sh\n{}\n```\n",
        rule.id,
        rule.title,
        rule.severity,
        off(rule.off_by_default()),
        if rule.remediable { " Violations are repaired by `remediate-s3-encryption`." } else { "" },
        rule.rationale,
        rule.expected,
        rule.remediation,
        rule.console,
        rule.cli,
    );
    let actions: Vec<String> = rule.reads.iter().map(|action| format!("`{action}`")).collect();
    let _ = writeln!(text, "\n**Judged by.** {}", actions.join(", "));
    if let Some(setting) = rule.needs() {
        let _ = writeln!(text, "\n**Off by default.** It needs the deployment's setting `{}`.", setting.name);
    }
    if !rule.parameters.is_empty() {
        text.push_str("\n**Parameters.**\n\n");
        for parameter in rule.parameters {
            let _ = writeln!(text, "- `{}`: {}", parameter.name, parameter.meaning);
        }
    }
    if !rule.references.is_empty() {
        text.push_str("\n**References.**\n\n");
        for (framework, ids) in rule.controls() {
            let _ = writeln!(text, "- {}: {}", framework.name(), ids.join(", "));
        }
    }
    let _ = write!(text, "\nSee <{}>.\n", rule.documentation);
}
