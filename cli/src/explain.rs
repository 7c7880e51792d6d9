//! Explains rules and controls, by the catalogue's own words.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::Write;

use audit_rules::{CATALOGUE, Control, Framework, Rule};
use clap::Args;
use strsim::levenshtein;

use crate::end::{End, Failure};
use crate::terminal::{self, HEADING, Styled, of_severity};

/// How many ids a message names that are like the one that there is not.
const MOST_LIKE_IT: usize = 5;

/// Explains a rule, or a control of a framework
///
/// Of a rule: what it demands, why, what to do about a violation, in the console and with the AWS CLI, what of the audit policy it
/// compares with, by which permissions it reads, and which controls it answers to. Of a control: which rules answer to it, or why none
/// does. A control's id alone stands for that control of every framework that has it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  compliance-audit explain s3-bucket-ssl-requests-only\n  \
    compliance-audit explain S3.5\n  compliance-audit explain AC-3\n  compliance-audit explain cis-5.0 2.1.1\n\n\
    It ends with 3 if there is no such rule or control, and names those that are called alike.")]
pub(crate) struct Explain {
    /// A rule's id, or a control's, before which its framework may stand, such as fsbp, cis-5.0, cis-3.0, pci or nist
    #[arg(required = true, value_name = "RULE|CONTROL")]
    what: Vec<String>,
}

pub(crate) fn run(asked: &Explain, out: &mut impl Write) -> Result<End, Failure> {
    explain(&asked.what.join(" "), terminal::width(), out)?;
    Ok(End::Well)
}

/// Writes what a rule or the controls of this name are, in so many columns.
fn explain(what: &str, width: usize, out: &mut impl Write) -> Result<(), Failure> {
    let (framework, id) = what.trim().rsplit_once(char::is_whitespace).unwrap_or_default();
    let id = if id.is_empty() { what.trim() } else { id };
    let mut page = Page { width, out };
    if framework.is_empty()
        && let Some(rule) = CATALOGUE.iter().find(|rule| rule.id.eq_ignore_ascii_case(id))
    {
        return page.rule(rule);
    }
    let frameworks: Vec<Framework> = Framework::ALL.into_iter().filter(|it| is_called(*it, framework)).collect();
    if frameworks.is_empty() {
        let names = Framework::ALL.map(Framework::name).join(", ");
        return Err(Failure::new(format!("there is no framework \"{framework}\"; there are {names}")));
    }
    let controls = || frameworks.iter().flat_map(|framework| framework.controls());
    let mut found = controls().filter(|control| control.id.eq_ignore_ascii_case(id));
    let Some(first) = found.next() else {
        let rules = CATALOGUE.iter().map(|rule| rule.id).filter(|_| framework.is_empty());
        return Err(unknown(id, rules.chain(controls().map(|control| control.id))));
    };
    page.control(first)?;
    for control in found {
        writeln!(page.out)?;
        page.control(control)?;
    }
    Ok(())
}

/// Whether the words are of the framework's name, which is called by any of them, and by none of them among others.
fn is_called(framework: Framework, words: &str) -> bool {
    let words_of = |text: &str| -> BTreeSet<String> {
        let words = text.split(|char: char| !char.is_ascii_alphanumeric() && char != '.');
        words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect()
    };
    words_of(words).is_subset(&words_of(framework.name()))
}

fn unknown<'a>(id: &str, ids: impl Iterator<Item = &'a str>) -> Failure {
    let alike = alike(&id.to_ascii_lowercase(), ids);
    let alike = match alike.as_slice() {
        [] => String::new(),
        alike => format!(" Did you mean {}?", alike.join(", ")),
    };
    Failure::new(format!(
        "there is no rule or control \"{id}\" here: rules are listed in functions/shared/audit-rules/RULES.md, and of the \
         frameworks only the controls on S3, EC2 networking and Lambda are known.{alike}"
    ))
}

/// The ids that hold the one that is asked for, are held by it, or differ in a third of its letters at the most; the likest
/// first.
fn alike<'a>(asked: &str, ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const TOO_SHORT_TO_BE_PART: usize = 3;
    let unlikeness = |id: &'a str| {
        let lower = id.to_ascii_lowercase();
        let is_part = asked.len().min(id.len()) >= TOO_SHORT_TO_BE_PART
            && (lower.contains(asked) || asked.contains(lower.as_str()));
        let distance = levenshtein(asked, &lower);
        (is_part || 3 * distance <= asked.chars().count()).then_some((distance, id))
    };
    let alike: BTreeSet<(usize, &str)> = ids.filter_map(unlikeness).collect();
    alike.into_iter().take(MOST_LIKE_IT).map(|(_, id)| id).collect()
}

/// What is told of a rule or a control, in so many columns.
struct Page<'a, W> {
    width: usize,
    out: &'a mut W,
}

impl<W: Write> Page<'_, W> {
    fn rule(&mut self, rule: &Rule) -> Result<(), Failure> {
        let severity = Styled(rule.severity, of_severity(rule.severity));
        writeln!(self.out, "{}  {severity}", Styled(rule.id, HEADING))?;
        self.wrapped("", "", &format!("{}. It judges {}.", rule.title, rule.check.resource_type()))?;
        if let Some(reason) = rule.off_by_default() {
            self.wrapped("", "", &format!("It is off where {reason}."))?;
        }
        if let Some(setting) = rule.needs() {
            self.wrapped("", "", &format!("A deployment without the setting {} has it off.", setting.name))?;
        }
        if rule.remediable {
            self.wrapped("", "", "A deployment repairs its violations.")?;
        }
        for (heading, text) in [
            ("Why", rule.rationale),
            ("Compliant", &format!("{}.", rule.expected)),
            ("To do", rule.remediation),
            ("In the console", rule.console),
        ] {
            self.heading(heading)?;
            self.wrapped("  ", "  ", text)?;
        }
        self.heading("With the AWS CLI")?;
        // Commands are copied, so they are not wrapped.
        for command in rule.cli.lines() {
            writeln!(self.out, "  {command}")?;
        }
        self.list("Parameters of the audit policy", rule.parameters, |it| format!("{}: {}", it.name, it.meaning))?;
        self.heading("Judged by")?;
        self.wrapped("  ", "  ", &rule.reads.join(", "))?;
        self.list("Controls", &rule.controls(), |(framework, ids)| {
            format!("{}: {}", framework.name(), ids.join(", "))
        })?;
        self.heading("See")?;
        writeln!(self.out, "  {}", rule.documentation)?;
        Ok(())
    }

    fn control(&mut self, control: &Control) -> Result<(), Failure> {
        writeln!(self.out, "{}  {}", Styled(control.id, HEADING), control.framework.name())?;
        self.wrapped("", "", &format!("{}.", control.title))?;
        if let Some(reason) = control.framework.off_by_default() {
            self.wrapped("", "", &format!("It is off where {reason}."))?;
        }
        self.list("Rules that answer to it", &control.rules(), |rule| {
            format!("{} ({}): {}", rule.id, rule.severity, rule.title)
        })?;
        let reasons = [
            ("No rule answers to it", control.not_covered),
            ("Not covered by default in a deployment", control.without()),
        ];
        for (heading, reason) in reasons {
            if let Some(reason) = reason {
                self.heading(heading)?;
                self.wrapped("  ", "  ", &format!("{reason}."))?;
            }
        }
        self.heading("See")?;
        writeln!(self.out, "  {}", control.framework.source())?;
        Ok(())
    }

    fn heading(&mut self, text: impl Display) -> Result<(), Failure> {
        Ok(writeln!(self.out, "\n{}", Styled(text, HEADING))?)
    }

    fn list<T>(&mut self, heading: &str, items: &[T], told: impl Fn(&T) -> String) -> Result<(), Failure> {
        if !items.is_empty() {
            self.heading(heading)?;
        }
        items.iter().try_for_each(|item| self.wrapped("  ", "    ", &told(item)))
    }

    /// Writes a text in lines, the first and the further ones with an indent, broken between words only: what is longer than a
    /// line is an id or an address.
    fn wrapped(&mut self, indent: &str, further: &str, text: &str) -> Result<(), Failure> {
        let mut words = text.split_whitespace();
        let mut line = format!("{indent}{}", words.next().unwrap_or_default());
        for word in words {
            if line.chars().count() + 1 + word.chars().count() > self.width {
                writeln!(self.out, "{line}")?;
                line = format!("{further}{word}");
            } else {
                line.push(' ');
                line.push_str(word);
            }
        }
        Ok(writeln!(self.out, "{line}")?)
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    /// What is told in 72 columns, without colours.
    fn told(what: &str) -> Result<String, Failure> {
        let mut out = anstream::StripStream::new(Vec::new());
        explain(what, 72, &mut out)?;
        Ok(String::from_utf8(out.into_inner()).unwrap())
    }

    /// The words of a text, however it is broken into lines.
    fn words(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_rule_is_told_whole_and_in_the_columns_that_there_are() {
        for rule in CATALOGUE.iter() {
            let text = told(rule.id).unwrap();
            let in_words = words(&text);
            let mut parts = vec![rule.title, rule.rationale, rule.expected, rule.remediation, rule.console];
            parts.extend(rule.parameters.iter().flat_map(|parameter| [parameter.name, parameter.meaning]));
            parts.extend(rule.reads);
            parts.extend(rule.references.iter().flat_map(|control| [control.framework.name(), control.id]));
            for part in parts {
                assert!(in_words.contains(&words(part)), "{}: {part}", rule.id);
            }
            for verbatim in rule.cli.lines().chain([rule.documentation]) {
                assert!(text.contains(&format!("\n  {verbatim}\n")), "{}: {verbatim}", rule.id);
            }
            let wrapped = text.lines().filter(|line| !line.starts_with("  aws ") && line.trim().contains(' '));
            for line in wrapped {
                assert!(line.chars().count() <= 72, "{}: {line}", rule.id);
            }
        }
    }

    #[test]
    fn every_control_is_told_with_its_rules_or_the_reason_why_there_is_none() {
        for control in Framework::ALL.into_iter().flat_map(Framework::controls) {
            let text = words(&told(control.id).unwrap());
            assert!(
                text.contains(&format!("{} {} {}.", control.id, control.framework.name(), control.title)),
                "{text}"
            );
            for part in control.rules().iter().map(|rule| rule.id).chain(control.not_covered) {
                assert!(text.contains(part), "{part} is missing in {text}");
            }
        }
    }

    #[test]
    fn a_control_of_one_framework_is_asked_for_by_any_words_of_its_name() {
        let of = |text: &str| -> Vec<&str> {
            let text = told(text).unwrap();
            Framework::ALL
                .into_iter()
                .map(Framework::name)
                .filter(|name| text.contains(&format!("2.1.1  {name}")))
                .collect()
        };
        let (newer, older) = ("CIS AWS Foundations 5.0", "CIS AWS Foundations 3.0");
        for (asked, frameworks) in [
            ("2.1.1", vec![newer, older]),
            ("cis 2.1.1", vec![newer, older]),
            ("cis-5.0 2.1.1", vec![newer]),
            ("CIS AWS Foundations 3.0  2.1.1", vec![older]),
        ] {
            assert_eq!(of(asked), frameworks, "{asked}");
        }
        assert!(told("ac-3").unwrap().starts_with("AC-3  NIST SP 800-53 r5\n"));
        assert!(told("S3-BUCKET-SSL-REQUESTS-ONLY").unwrap().starts_with("s3-bucket-ssl-requests-only  "));
    }

    #[test]
    fn what_there_is_not_brings_up_what_is_called_alike() {
        for (asked, alike) in [
            ("s3-bucket-ssl-request-only", "Did you mean s3-bucket-ssl-requests-only?"),
            ("ssl-requests", "Did you mean s3-bucket-ssl-requests-only?"),
            ("nist AC-33", "AC-3"),
            ("iso S3.1", "there is no framework \"iso\"; there are AWS FSBP, "),
        ] {
            let failure = told(asked).unwrap_err().to_string();
            assert!(failure.contains(alike), "{asked}: {failure}");
        }
        let failure = told("xyzzy").unwrap_err().to_string();
        assert!(failure.contains("no rule or control \"xyzzy\"") && !failure.contains("Did you mean"), "{failure}");
        let failure = told("cis-5.0 s3-bucket-ssl-requests-only").unwrap_err().to_string();
        assert!(!failure.contains("Did you mean s3-bucket"), "rules are of no framework: {failure}");
    }
}
