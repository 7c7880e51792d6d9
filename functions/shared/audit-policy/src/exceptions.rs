//! `[[exceptions]]`: the violations that somebody answers for, for a time.

use audit_model::PolicyException;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::mistake::Mistake;
use crate::rules::known_rule;

/// How long reason and approver may be: they stand in e-mails and spreadsheets.
const TEXT_LENGTH: usize = 500;

/// How many days ahead an exception may reach: whoever accepts a violation looks at it again every year.
const LONGEST: i64 = 366;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionEntry {
    rule: Spanned<String>,
    resource: Spanned<String>,
    reason: Spanned<String>,
    approver: Spanned<String>,
    expires: Spanned<Datetime>,
}

pub(crate) fn exceptions(entries: Vec<Spanned<ExceptionEntry>>, today: Date) -> Result<Vec<PolicyException>, Mistake> {
    let mut exceptions: Vec<PolicyException> = Vec::with_capacity(entries.len());
    for entry in entries {
        let at = Spanned::new(entry.span(), ());
        let exception = exception(entry.into_inner(), today)?;
        if exceptions.iter().any(|known| known.rule == exception.rule && known.resource == exception.resource) {
            let what = format!("the exception of {} for {:?} stands twice", exception.rule, exception.resource);
            return Err(Mistake::of(&at, what));
        }
        exceptions.push(exception);
    }
    Ok(exceptions)
}

fn exception(entry: ExceptionEntry, today: Date) -> Result<PolicyException, Mistake> {
    Ok(PolicyException {
        rule: known_rule(entry.rule)?,
        resource: pattern(entry.resource)?,
        reason: line_of_text(entry.reason, "reason")?,
        approver: line_of_text(entry.approver, "approver")?,
        expires: day(entry.expires, today)?,
    })
}

fn pattern(pattern: Spanned<String>) -> Result<String, Mistake> {
    if names_something(pattern.get_ref()) {
        return Ok(pattern.into_inner());
    }
    let what = format!(
        "{:?} is no pattern of an ARN that says something of the resource's name; allowed: a text such as \
         arn:aws:s3:::website-*, in which * stands for any text and ? for any character. To switch a rule off, say so \
         in [rules]",
        pattern.get_ref()
    );
    Err(Mistake::of(&pattern, what))
}

/// Whether a pattern leaves out some resources of its type. The name stands behind the fifth colon of an ARN and, where
/// there is one, behind the type: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
fn names_something(pattern: &str) -> bool {
    let name = pattern.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4));
    let name = name.and_then(|name| name.rsplit([':', '/']).next());
    name.is_some_and(|name| name.chars().any(|char| !matches!(char, '*' | '?')))
}

fn line_of_text(text: Spanned<String>, what: &str) -> Result<String, Mistake> {
    let line = text.get_ref();
    if !line.trim().is_empty() && line.chars().count() <= TEXT_LENGTH && !line.chars().any(char::is_control) {
        return Ok(text.into_inner());
    }
    Err(Mistake::of(&text, format!("{line:?} is no {what}; allowed: one line of 1 to {TEXT_LENGTH} characters")))
}

fn day(expires: Spanned<Datetime>, today: Date) -> Result<Date, Mistake> {
    let Datetime { date, time, offset } = expires.get_ref();
    let date = match (date, time, offset) {
        (Some(date), None, None) => {
            let parts = (i16::try_from(date.year), i8::try_from(date.month), i8::try_from(date.day));
            if let (Ok(year), Ok(month), Ok(day)) = parts { Date::new(year, month, day).ok() } else { None }
        }
        _ => None,
    };
    let what =
        || format!("{} is no last day; allowed: a date without time, for instance 2027-03-31", expires.get_ref());
    let date = date.ok_or_else(|| Mistake::of(&expires, what()))?;
    let last = today.saturating_add(LONGEST.days());
    if last < date {
        return Err(Mistake::of(&expires, format!("{date} is more than a year ahead; allowed: a day up to {last}")));
    }
    Ok(date)
}
