//! The texts within a text.

use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use base64::{alphabet, engine::general_purpose::PAD};
use serde_json::Value;

/// A member of JSON: a string or a number, and the key of the innermost object that it is in.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: Option<String>,
    pub(super) text: String,
}

/// A pair of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

/// What a JSON object, array or string holds, in its order; `None` where the text is not JSON of these types.
///
/// A JSON Web Key is given without what everybody may know of it, and with `private key` as the key of `d` and `k`, one
/// of which every private one has: <https://www.rfc-editor.org/rfc/rfc7518#section-6>.
pub(super) fn json_members(text: &str) -> Option<Vec<Member>> {
    if !text.starts_with(['{', '[', '"']) {
        return None;
    }
    let mut members = Vec::new();
    collect(None, &serde_json::from_str(text).ok()?, &mut members);
    Some(members)
}

fn collect(key: Option<&str>, value: &Value, members: &mut Vec<Member>) {
    let member = |text: String| Member { key: key.map(str::to_owned), text };
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => members.push(member(number.to_string())),
        Value::String(text) => members.push(member(text.clone())),
        Value::Array(values) => values.iter().for_each(|value| collect(key, value, members)),
        Value::Object(values) => {
            let is_jwk = values.contains_key("kty");
            for (key, value) in values {
                match key.as_str() {
                    "n" | "e" | "x" | "y" | "x5c" | "x5t" | "x5t#S256" if is_jwk => {}
                    "d" | "k" if is_jwk => collect(Some("private key"), value, members),
                    key => collect(Some(key), value, members),
                }
            }
        }
    }
}

/// The pairs of a list such as `user=a;password=b`, `?user=a&password=b`, `user=a password=b`, of a file of variables
/// or of headers. Some pairs are found twice, with less and with more in their values.
pub(super) fn pairs(text: &str) -> Vec<Pair<'_>> {
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    let fields = text.split(SEPARATORS).filter_map(|field| field.split_once('='));
    let words = items(text).filter_map(|word| word.split_once(['=', ':']));
    lines
        .chain(fields)
        .chain(words)
        .map(|(key, value)| Pair { key: unquoted(key), value: unquoted(value) })
        .filter(|pair| is_key(pair.key) && !pair.value.is_empty())
        .collect()
}

/// The items of a list, such as `a, b` or `Bearer a`; none where the text is no list.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| character.is_whitespace() || SEPARATORS.contains(&character))
        .filter(move |item| !item.is_empty() && item.len() < text.len())
}

const SEPARATORS: [char; 5] = [';', ',', '&', '?', '\n'];

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

fn is_key(key: &str) -> bool {
    const LONGEST: usize = 64;
    (1..=LONGEST).contains(&key.len())
        && key.chars().all(|character| character.is_alphanumeric() || "_-. $".contains(character))
}

/// The text with its percent-encoding undone, where it has one.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((&first, rest)) = bytes.split_first() {
        let code = (first == b'%').then(|| rest.get(..2)).flatten().and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.filter(|code| !code.starts_with('+')).and_then(|code| u8::from_str_radix(code, 16).ok());
        decoded.push(byte.unwrap_or(first));
        bytes = if byte.is_some() { &rest[2..] } else { rest };
    }
    String::from_utf8(decoded).ok().filter(|decoded| decoded != text)
}

/// The text that the whole text is the Base64 of, in either alphabet and with or without padding.
pub(super) fn base64_decoded(text: &str) -> Option<String> {
    const SHORTEST: usize = 16;
    const ANY_PADDING: GeneralPurposeConfig = PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);
    if text.len() < SHORTEST {
        return None;
    }
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?;
    let is_text = |text: &String| text.chars().all(|character| !character.is_control() || character.is_whitespace());
    String::from_utf8(decoded).ok().filter(is_text)
}
