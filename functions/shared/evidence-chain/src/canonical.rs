//! JSON that is written in one way only, so that what was signed can be written again: RFC 8785, the JSON Canonicalization
//! Scheme, of documents whose numbers are integers. <https://www.rfc-editor.org/rfc/rfc8785>

use serde::Serialize;
use serde_json::{Number, Value};
use thiserror::Error;

use crate::digest::{hex, sha256};

/// The largest integer that RFC 8785 writes as it is: numbers are those of IEEE 754.
const LARGEST: u64 = (1 << 53) - 1;

/// Why a document has no canonical form here.
#[derive(Debug, Error)]
pub enum NotCanonical {
    /// It is no JSON.
    #[error("it cannot be written as JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// It holds a number that is none of the integers that every reader of JSON keeps exactly.
    #[error("it holds the number {0}; integers between -(2^53 - 1) and 2^53 - 1 are allowed")]
    Number(Number),
}

/// The document in its canonical form.
///
/// # Errors
/// When it cannot be written as JSON, or holds a number that is no safe integer.
pub fn canonical<T: Serialize>(document: &T) -> Result<String, NotCanonical> {
    let mut text = String::new();
    write(&serde_json::to_value(document)?, &mut text)?;
    Ok(text)
}

/// SHA-256 of the document's canonical form, in lowercase hexadecimal.
///
/// # Errors
/// Those of [`canonical`].
pub fn canonical_sha256<T: Serialize>(document: &T) -> Result<String, NotCanonical> {
    Ok(hex(&sha256(canonical(document)?.as_bytes())))
}

fn write(value: &Value, text: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if size.is_none_or(|size| size > LARGEST) {
                return Err(NotCanonical::Number(number.clone()));
            }
            text.push_str(&number.to_string());
        }
        Value::Array(values) => {
            text.push('[');
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                write(value, text)?;
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // By UTF-16 code units, which is another order than that of UTF-8 beyond the basic multilingual plane.
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            text.push('{');
            for (number, (name, value)) in members.into_iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                text.push_str(&serde_json::to_string(name)?);
                text.push(':');
                write(value, text)?;
            }
            text.push('}');
        }
        // Strings and literals are escaped and written by serde_json as ECMAScript does it.
        other => text.push_str(&serde_json::to_string(other)?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use serde_json::json;

    use super::*;

    /// RFC 8785, sections 3.2.2 and 3.2.4: its example without the numbers that are no integers.
    #[test]
    fn strings_and_literals_are_written_as_in_the_rfc_s_example() {
        let input: Value = serde_json::from_str(
            r#"{
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }"#,
        )
        .unwrap();
        assert_eq!(
            canonical(&input).unwrap(),
            "{\"literals\":[null,true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }

    /// RFC 8785, section 3.2.3: the order of the names in its example.
    #[test]
    fn members_are_sorted_by_utf_16_code_units_as_in_the_rfc_s_example() {
        let input: Value = serde_json::from_str(
            r#"{
              "\u20ac": "Euro Sign",
              "\r": "Carriage Return",
              "\ufb33": "Hebrew Letter Dalet With Dagesh",
              "1": "One",
              "\ud83d\ude00": "Emoji: Grinning Face",
              "\u0080": "Control",
              "\u00f6": "Latin Small Letter O With Diaeresis"
            }"#,
        )
        .unwrap();
        let text = canonical(&input).unwrap();
        let places = ["\\r", "1", "\u{80}", "ö", "€", "😀", "\u{fb33}"].map(|name| text.find(&format!("\"{name}\":")));
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}: {text}");
    }

    /// RFC 8785, appendix B: integers as they are, minus zero as zero, and others not.
    #[test]
    fn integers_are_written_as_they_are_and_other_numbers_refused() {
        for (number, written) in [
            (json!(0), "0"),
            (json!(-0), "0"),
            (json!(9_007_199_254_740_991_u64), "9007199254740991"),
            (json!(-9_007_199_254_740_991_i64), "-9007199254740991"),
        ] {
            assert_eq!(canonical(&number).unwrap(), written);
        }
        for number in [json!(9_007_199_254_740_992_u64), json!(-9_007_199_254_740_992_i64), json!(4.5), json!(1e30)] {
            assert!(matches!(canonical(&[&number]), Err(NotCanonical::Number(_))), "{number}");
        }
    }

    /// RFC 8785, section 3.2.1: no white space. Every level is sorted.
    #[test]
    fn members_are_sorted_at_every_level() {
        let document = json!([{"b": {"d": [], "c": {}}, "a": 1}]);
        assert_eq!(canonical(&document).unwrap(), r#"[{"a":1,"b":{"c":{},"d":[]}}]"#);
    }
}
