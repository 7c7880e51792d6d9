//! Whether the value of an environment variable looks like a secret, and like which kind of secret.
//!
//! Three things give a secret away, wherever in the value it stands: a format that a provider gives to its keys
//! ([`formats`]), a password in a URL ([`url`]), and a name that speaks of a secret ([`name`]) over text that is no
//! reference, no placeholder and no setting ([`harmless`]).
//!
//! Values are looked at and never kept: the answer is text of this program, and nothing here writes to a log.

mod formats;
mod harmless;
mod name;
mod random;
#[cfg(test)]
mod tests;
mod url;
mod view;

use std::fmt;

use name::Speech;

/// A kind of secret, in words for a reader: `GitHub token`.
///
/// It can be made in this module only and of static text only, so that it never holds a character of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKind(&'static str);

impl SecretKind {
    const AWS_ACCESS_KEY_ID: Self = Self("AWS access key ID");
    const AWS_SECRET_ACCESS_KEY: Self = Self("AWS secret access key");
    const HIGH_ENTROPY: Self = Self("high-entropy text under a name that speaks of a secret");
    const PASSWORD: Self = Self("password in plain text");
    const PASSWORD_IN_URL: Self = Self("password in a URL");
    const PLAIN_TEXT: Self = Self("plain text under a name that speaks of a secret");

    /// The kind, as a reader sees it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The kind of secret that the variable's value looks like, or that something within it looks like: a member of JSON,
/// a pair of a list such as `user=a;password=b`, a part of a URL, Base64 text. `None` where nothing does.
///
/// Of several kinds the answer is one.
#[must_use]
pub fn kind_of_secret(name: &str, value: &str) -> Option<SecretKind> {
    let mut found = Vec::new();
    look(name::speech(name), value, DEPTH, &mut found);
    // An access key's id is no secret by itself, so whatever else there is says more.
    let first = found.first().copied();
    found.into_iter().find(|kind| *kind != SecretKind::AWS_ACCESS_KEY_ID).or(first)
}

/// How often a text may be wrapped in another one, such as JSON in Base64 in JSON.
const DEPTH: u8 = 5;

/// Looks for secrets in the text of something that is called by a name which says `speech`.
fn look(speech: Speech, text: &str, depth: u8, found: &mut Vec<SecretKind>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let text = text.trim();
    if let Some(kind) = formats::kind_in(text).or_else(|| url::password_in(text)) {
        return found.push(kind);
    }
    found.extend(formats::access_key_id(text));
    if let Some(members) = view::json_members(text) {
        for member in members {
            let speech = member.key.as_deref().map_or(speech, |key| name::speech(key).within(speech));
            look(speech, &member.text, depth, found);
        }
        return;
    }
    for pair in view::pairs(text) {
        look(name::speech(pair.key).within(speech), pair.value, depth, found);
    }
    // What an encoding hides is judged by what it says itself; the text as it stands is judged by its name.
    for decoded in [view::percent_decoded(text), view::base64_decoded(text)].iter().flatten() {
        look(Speech::Silent, decoded, depth, found);
    }
    found.extend(of_named_text(speech, text));
    if !harmless::is_reference(text) {
        found.extend(view::items(text).filter_map(|item| of_named_text(speech.within_list(), item)));
    }
}

/// Judges a text by its name.
fn of_named_text(speech: Speech, text: &str) -> Option<SecretKind> {
    if let Speech::Password = speech {
        let harmless = harmless::is_reference_to_password(text)
            || harmless::is_placeholder_of_password(text)
            || harmless::is_setting(text);
        return (!harmless).then_some(SecretKind::PASSWORD);
    }
    if !speech.speaks_of_a_secret() || harmless::is_reference(text) || harmless::is_placeholder(text) {
        return None;
    }
    if harmless::is_setting(text) || harmless::is_identifier(text) || harmless::is_made_of_words(text) {
        return None;
    }
    if speech.of_aws() && random::is_aws_secret_access_key(text) {
        return Some(SecretKind::AWS_SECRET_ACCESS_KEY);
    }
    if random::is_random(text) {
        return Some(SecretKind::HIGH_ENTROPY);
    }
    // A sentence is no key.
    let plain = text.len() >= SHORTEST_PLAIN_SECRET && !text.contains(char::is_whitespace);
    (plain && speech.names_a_secret()).then_some(SecretKind::PLAIN_TEXT)
}

/// In bytes. What is shorter, and is no password, is more likely a setting such as `v1` or `k8s`.
const SHORTEST_PLAIN_SECRET: usize = 6;
