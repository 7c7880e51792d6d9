//! What the cause of a caught error says.
//!
//! Step Functions hands a function's error on as JSON with an `errorMessage`, and an error of a service as a sentence:
//! <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>. The state machine cuts either
//! short, wherever that falls, and hands it on as it is.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The longest escape in a JSON string: a character outside the basic plane, as two times `\uXXXX`.
const LONGEST_ESCAPE: usize = 12;

/// Reads a raw cause as what it says.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|raw| message(&raw))
}

/// The `errorMessage` of a function's error, or the cause itself. What was cut within a message ends with `…`.
fn message(raw: &str) -> String {
    if raw.trim().is_empty() {
        return "no cause was given".to_owned();
    }
    if let Ok(whole) = serde_json::from_str::<Value>(raw) {
        return whole.get("errorMessage").and_then(Value::as_str).map_or_else(|| raw.to_owned(), str::to_owned);
    }
    message_of_cut(raw).unwrap_or_else(|| raw.to_owned())
}

/// The message of an error whose JSON was cut, or what there is of it.
fn message_of_cut(raw: &str) -> Option<String> {
    let rest = raw.strip_prefix('{')?.split_once("\"errorMessage\"")?.1;
    let escaped = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let complete = serde_json::Deserializer::from_str(&format!("\"{escaped}")).into_iter::<String>().next();
    if let Some(Ok(message)) = complete {
        return Some(message);
    }
    // The cut may have gone through an escape.
    let ends = escaped.char_indices().map(|(end, _)| end).chain([escaped.len()]).rev().take(LONGEST_ESCAPE + 1);
    let begun = |end| serde_json::from_str::<String>(&format!("\"{}\"", escaped.get(..end)?)).ok();
    ends.into_iter().find_map(begun).map(|begun| format!("{begun}…"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FUNCTIONS_ERROR: &str =
        r#"{"errorType":"AccessDenied","errorMessage":"a \"b\" \\ c\nd \u00e9 \ud83d\ude00","stackTrace":[]}"#;

    #[test]
    fn a_cause_is_what_the_function_or_the_service_said() {
        for (raw, told) in [
            (FUNCTIONS_ERROR, "a \"b\" \\ c\nd é 😀"),
            (r#"{"errorMessage" : "a","errorType":"Internal"}"#, "a"),
            ("Rate Exceeded. (Service: AWSLambda)", "Rate Exceeded. (Service: AWSLambda)"),
            (r#"{"unlike":"a function's error"}"#, r#"{"unlike":"a function's error"}"#),
            (r#"{"errorMessage":7}"#, r#"{"errorMessage":7}"#),
            // A message that quotes another error's JSON is told as it is.
            (r#"{"errorMessage":"got {\"errorMessage\":\"x\"}"}"#, r#"got {"errorMessage":"x"}"#),
            (r#"no JSON: "errorMessage":"x""#, r#"no JSON: "errorMessage":"x""#),
            ("", "no cause was given"),
            ("  ", "no cause was given"),
        ] {
            assert_eq!(message(raw), told, "{raw}");
        }
    }

    /// Wherever it is cut, what is told is the beginning of what was said: no half of an escape, nothing invented.
    #[test]
    fn a_cause_may_be_cut_anywhere() {
        let said = message(FUNCTIONS_ERROR);
        let begin = FUNCTIONS_ERROR.find("a \\\"b").unwrap_or_default();
        let closed = FUNCTIONS_ERROR.find("\",\"stackTrace").unwrap_or_default();
        for end in begin..FUNCTIONS_ERROR.len() {
            let raw = &FUNCTIONS_ERROR[..end];
            let told = message(raw);
            match told.strip_suffix('…') {
                Some(begun) => assert!(end <= closed && said.starts_with(begun), "{raw} became {told}"),
                None => assert!(end > closed && told == said, "{raw} became {told}"),
            }
        }
        assert_eq!(message(r#"{"errorType":"Acc"#), r#"{"errorType":"Acc"#);
        assert_eq!(message(r#"{"errorMessage":"a\u00e"#), "a…");
    }

    /// What was explained is not explained a second time.
    #[test]
    fn the_cause_of_a_caught_error_is_explained_where_it_is_read() {
        let raw = json!({ "state": "ListVpcs", "error": "AccessDenied", "cause": FUNCTIONS_ERROR });
        let caught: crate::task::CaughtError = serde_json::from_value(raw).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(caught.cause, "a \"b\" \\ c\nd é 😀");
        let again: crate::task::CaughtError =
            serde_json::from_value(json!(caught)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again, caught);
    }
}
