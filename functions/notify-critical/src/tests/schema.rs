//! The part of JSON Schema that `message.schema.json` uses. A keyword that is not understood is a failure, so that none is passed
//! over.

use serde_json::{Map, Value};

/// Holds a document to the schema.
#[track_caller]
pub(crate) fn assert_valid(document: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../message.schema.json")).unwrap_or_default();
    assert_eq!(flaw(document, &schema, &schema, "$"), None, "{document:#}");
}

/// What is wrong with a value, and where.
pub(crate) fn flaw(value: &Value, schema: &Value, root: &Value, place: &str) -> Option<String> {
    let empty = Map::new();
    let told = |what: String| Some(format!("{place}: {what}"));
    for (keyword, asked) in schema.as_object().unwrap_or(&empty) {
        let flaw = match (keyword.as_str(), value) {
            ("$schema" | "$id" | "$defs" | "title" | "description", _) => None,
            ("$ref", _) => {
                let target = asked.as_str().and_then(|to| root.pointer(to.trim_start_matches('#')));
                target.map_or_else(|| told(format!("{asked} leads nowhere")), |target| flaw(value, target, root, place))
            }
            ("anyOf", _) => {
                let fits = |one: &Value| flaw(value, one, root, place).is_none();
                if list(asked).iter().any(fits) { None } else { told(format!("{value} fits none of {asked}")) }
            }
            ("type", _) => {
                let is = |name: &Value| name == type_of(value) || (name == "number" && value.is_number());
                let fits = if asked.is_array() { list(asked).iter().any(is) } else { is(asked) };
                if fits { None } else { told(format!("{value} is no {asked}")) }
            }
            ("enum", _) if list(asked).contains(value) => None,
            ("enum", _) => told(format!("{value} is none of {asked}")),
            ("required", Value::Object(fields)) => {
                let missing =
                    list(asked).iter().find(|name| name.as_str().is_none_or(|name| !fields.contains_key(name)));
                missing.and_then(|name| told(format!("{name} is missing")))
            }
            ("properties", Value::Object(fields)) => fields.iter().find_map(|(name, field)| match asked.get(name) {
                Some(schema) => flaw(field, schema, root, &format!("{place}.{name}")),
                None => told(format!("the schema does not tell of {name}")),
            }),
            ("items", Value::Array(items)) => {
                items.iter().enumerate().find_map(|(at, item)| flaw(item, asked, root, &format!("{place}[{at}]")))
            }
            ("minItems", Value::Array(items)) if items.len() as u64 >= asked.as_u64().unwrap_or(u64::MAX) => None,
            ("uniqueItems", Value::Array(items))
                if !items.iter().any(|it| items.iter().filter(|one| *one == it).count() > 1) =>
            {
                None
            }
            ("minLength", Value::String(text)) if text.len() as u64 >= asked.as_u64().unwrap_or(u64::MAX) => None,
            ("minimum", Value::Number(number)) if number.as_f64() >= asked.as_f64() => None,
            ("maximum", Value::Number(number)) if number.as_f64() <= asked.as_f64() => None,
            ("pattern", Value::String(text)) if matches(asked.as_str().unwrap_or_default(), text) => None,
            // These say nothing about values of other types.
            ("minimum" | "maximum", Value::Null) => None,
            _ => told(format!("{value} is not as {keyword} {asked} asks, or the keyword is not understood")),
        };
        if flaw.is_some() {
            return flaw;
        }
    }
    None
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The schema's patterns: a beginning, or one of a few whole forms.
fn matches(pattern: &str, text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match pattern {
        r"^1\.[0-9]+$" => text.strip_prefix("1.").is_some_and(digits),
        "^[0-9]{12}$" => text.len() == 12 && digits(text),
        "^[0-9a-f]{64}$" => text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$" => {
            let shape = |char: char| if char.is_ascii_digit() { '0' } else { char };
            text.chars().map(shape).eq("0000-00-00T00:00:00Z".chars())
        }
        _ => pattern.strip_prefix('^').is_some_and(|start| !start.ends_with('$') && text.starts_with(start)),
    }
}
