//! What a name says about its value.
//!
//! English puts the thing last: a `TOKEN_TABLE` is a table, and an `API_TOKEN` is a token. So the last word decides,
//! after qualifiers such as `PROD` or `2`; a secret that is mentioned elsewhere makes a name suspicious only.

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// Nothing about secrets.
    Silent,
    /// That the value is something else: a name, an ARN, a duration.
    OfSomethingElse,
    /// A word for a secret among other words: only text that looks random is a secret under such a name.
    OfASecret,
    /// That the value is a secret.
    Secret {
        /// Whether it is one for AWS.
        aws: bool,
    },
    /// That the value is a password. Passwords are chosen by people, and look like anything.
    Password,
}

impl Speech {
    /// What the name says that stands within something that is called by the outer name.
    pub(super) fn within(self, outer: Self) -> Self {
        match self {
            Self::Silent => outer.within_list(),
            _ => self,
        }
    }

    /// What the name of a collection says about one of its elements.
    pub(super) fn within_list(self) -> Self {
        match self {
            Self::Silent | Self::OfSomethingElse => Self::Silent,
            Self::OfASecret | Self::Secret { .. } | Self::Password => Self::OfASecret,
        }
    }

    pub(super) fn speaks_of_a_secret(self) -> bool {
        !matches!(self, Self::Silent | Self::OfSomethingElse)
    }

    pub(super) fn names_a_secret(self) -> bool {
        matches!(self, Self::Secret { .. } | Self::Password)
    }

    pub(super) fn of_aws(self) -> bool {
        matches!(self, Self::Secret { aws: true })
    }
}

/// What the name says: in any style, such as `DB_PASSWORD`, `dbPassword`, `db-password`, `DBPASSWORD`.
pub(super) fn speech(name: &str) -> Speech {
    let words = words(name);
    let end = words.iter().rposition(|word| !is(word, QUALIFIERS)).map_or(0, |last| last + 1);
    let Some((last, before)) = words[..end].split_last() else {
        return Speech::Silent;
    };
    if is(last, OTHER_THINGS) {
        return Speech::OfSomethingElse;
    }
    if is_password(last) {
        return Speech::Password;
    }
    let access_key = is(last, &["key"]) && before.last().is_some_and(|which| which == "access");
    let secret = Speech::Secret { aws: access_key || words.iter().any(|word| is(word, AWS)) };
    if is_secret(last) {
        return secret;
    }
    if is(last, &["key"])
        && let Some(which) = before.last()
    {
        return if is(which, KEYS_THAT_ARE_SECRET) {
            secret
        } else if is(which, KEYS_THAT_ARE_NOT) {
            Speech::OfSomethingElse
        } else {
            Speech::OfASecret
        };
    }
    let key = |pair: &[String]| is(&pair[1], &["key"]) && is(&pair[0], KEYS_THAT_ARE_SECRET);
    if words.iter().any(|word| is_password(word) || is_secret(word)) || words.windows(2).any(key) {
        Speech::OfASecret
    } else {
        Speech::Silent
    }
}

/// Words that say which of several values this is, or how it is written, and not what it is.
#[rustfmt::skip]
const QUALIFIERS: &[&str] = &[
    "prod", "production", "live", "dev", "development", "test", "testing", "stage", "staging", "qa", "uat", "sandbox",
    "value", "plain", "plaintext", "text", "raw", "string", "str", "encoded", "base", "b", "hex", "v", "old", "new",
    "current", "previous", "prev", "next", "primary", "secondary", "default", "backup",
];

/// Things that are named after secrets and are none.
#[rustfmt::skip]
const OTHER_THINGS: &[&str] = &[
    "account", "address", "age", "alg", "algorithm", "alias", "arn", "attempt", "attribute", "audience", "bucket",
    "callback", "channel", "charset", "ciphertext", "class", "client", "column", "count", "date", "day", "delay",
    "digest", "dir", "directory", "email", "enabled", "disabled", "endpoint", "env", "expiration", "expires", "expiry",
    "field", "file", "filename", "fingerprint", "folder", "format", "function", "group", "handler", "hash", "header",
    "host", "hostname", "hour", "id", "identifier", "index", "interval", "issuer", "jwk", "kid", "kind", "label",
    "length", "level", "lifetime", "limit", "location", "mask", "max", "method", "min", "minute", "mode", "name",
    "namespace", "number", "origin", "param", "parameter", "path", "pattern", "period", "policy", "port", "prefix",
    "provider", "queue", "rate", "ref", "reference", "regex", "region", "required", "role", "rotation", "rule",
    "scheme", "schema", "scope", "second", "service", "size", "source", "ssm", "status", "store", "strategy", "suffix",
    "table", "tag", "template", "thumbprint", "timeout", "topic", "ttl", "type", "uri", "url", "usage", "use", "user",
    "username", "version",
];

/// Ends of words, because `PGPASSWORD` is one.
const PASSWORD_ENDS: &[&str] = &["password", "passwd", "passphrase", "passwort", "kennwort"];

/// Words that would be found in too many others.
const PASSWORD_WORDS: &[&str] = &["pass", "pwd", "pw", "mnemonic"];

/// Ends of words, because `APIKEY` is one.
const SECRET_ENDS: &[&str] =
    &["secret", "token", "credential", "apikey", "accesskey", "secretkey", "privatekey", "authkey", "accountkey"];

/// Words that would be found in too many others.
const SECRET_WORDS: &[&str] = &["auth", "authorization", "bearer", "cred", "jwt", "pat", "psk"];

/// Words before `key` that make it a secret.
#[rustfmt::skip]
const KEYS_THAT_ARE_SECRET: &[&str] = &[
    "access", "account", "admin", "aes", "api", "app", "application", "auth", "client", "cookie", "crypto", "deploy",
    "encrypt", "encryption", "hmac", "jwt", "licence", "license", "master", "private", "secret", "service", "session",
    "shared", "sign", "signature", "signing", "ssh", "subscription", "webhook",
];

/// Words before `key` that make it an identifier, a place in a store, or something that everybody may know.
#[rustfmt::skip]
const KEYS_THAT_ARE_NOT: &[&str] = &[
    "artifact", "bucket", "cache", "cmk", "code", "column", "composite", "config", "context", "ddb", "dedup",
    "deduplication", "dynamodb", "event", "feature", "field", "file", "flag", "folder", "foreign", "group", "hash",
    "header", "idempotency", "image", "index", "item", "json", "kms", "layer", "lock", "log", "lookup", "map",
    "message", "metric", "object", "order", "package", "partition", "primary", "public", "publishable", "range",
    "record", "registry", "route", "routing", "row", "s", "search", "site", "sort", "state", "table", "tag",
    "translation", "unique", "upload", "zip",
];

/// Words that make a secret one for AWS.
const AWS: &[&str] = &["aws", "amazon", "iam", "accesskey"];

fn is_password(word: &str) -> bool {
    ends(word, PASSWORD_ENDS) || is(word, PASSWORD_WORDS)
}

fn is_secret(word: &str) -> bool {
    ends(word, SECRET_ENDS) || is(word, SECRET_WORDS)
}

/// Whether the word is in the list, in the singular or in the plural.
fn is(word: &str, list: &[&str]) -> bool {
    list.contains(&word) || word.strip_suffix('s').is_some_and(|singular| list.contains(&singular))
}

fn ends(word: &str, list: &[&str]) -> bool {
    list.iter().any(|end| word.strip_suffix('s').unwrap_or(word).ends_with(end))
}

/// The name's words in lower case, without the digits around them.
fn words(name: &str) -> Vec<String> {
    let characters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = index.checked_sub(1).map(|index| characters[index]);
        let after = characters.get(index + 1);
        let starts_a_word = character.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase() || before.is_numeric())
                || before.is_some_and(char::is_uppercase) && after.is_some_and(|after| after.is_lowercase()));
        if starts_a_word {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
    }
    let bare = |word: String| word.trim_matches(|character: char| character.is_numeric()).to_owned();
    words.into_iter().map(bare).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_decides() {
        let secret = Speech::Secret { aws: false };
        let cases = [
            ("DB_PASSWORD", Speech::Password),
            ("dbPassword", Speech::Password),
            ("db-password", Speech::Password),
            ("PGPASSWORD", Speech::Password),
            ("DB_PASS", Speech::Password),
            ("DB_PASSWORDS", Speech::Password),
            ("DB_PASSWORD_PROD_2", Speech::Password),
            ("javax.net.ssl.trustStorePassword", Speech::Password),
            ("API_TOKEN", secret),
            ("APIToken", secret),
            ("oauth2Token", secret),
            ("CLIENT_SECRET", secret),
            ("OPENAI_APIKEY", secret),
            ("STRIPE_API_KEY_TEST", secret),
            ("SECRET_KEY_BASE", secret),
            ("PRIVATE_KEY_B64", secret),
            ("AWS_SECRET", Speech::Secret { aws: true }),
            ("secretAccessKey", Speech::Secret { aws: true }),
            ("STRIPE_KEY", Speech::OfASecret),
            ("TOKEN_STRIPE", Speech::OfASecret),
            ("API_KEY_STRIPE", Speech::OfASecret),
            ("TOKEN_TABLE", Speech::OfSomethingElse),
            ("KEY_PREFIX", Speech::OfSomethingElse),
            ("SECRET_ARN", Speech::OfSomethingElse),
            ("SECRET_NAME", Speech::OfSomethingElse),
            ("PASSWORD_PARAMETER_NAME", Speech::OfSomethingElse),
            ("TOKEN_TTL_SECONDS", Speech::OfSomethingElse),
            ("AWS_ACCESS_KEY_ID", Speech::OfSomethingElse),
            ("PARTITION_KEY", Speech::OfSomethingElse),
            ("S3_KEY", Speech::OfSomethingElse),
            ("JWT_PUBLIC_KEY", Speech::OfSomethingElse),
            ("STRIPE_PUBLISHABLE_KEY", Speech::OfSomethingElse),
            ("RECAPTCHA_SITE_KEY", Speech::OfSomethingElse),
            ("RECAPTCHA_SECRET_KEY", secret),
            ("AUTH_JWKS", Speech::OfSomethingElse),
            ("AUTH_JWK", Speech::OfSomethingElse),
            ("SIGNING_KEY_KID", Speech::OfSomethingElse),
            ("KEY", Speech::Silent),
            ("BYPASS", Speech::Silent),
            ("COMPASS", Speech::Silent),
            ("MONKEY", Speech::Silent),
            ("TABLE", Speech::OfSomethingElse),
            ("STAGE", Speech::Silent),
            ("", Speech::Silent),
            ("___", Speech::Silent),
        ];
        for (name, expected) in cases {
            assert_eq!(speech(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_within_something_counts_before_the_name_of_the_whole() {
        let secret = Speech::Secret { aws: false };
        let cases = [
            (Speech::Silent, Speech::Password, Speech::OfASecret),
            (Speech::Silent, secret, Speech::OfASecret),
            (Speech::Silent, Speech::OfSomethingElse, Speech::Silent),
            (Speech::OfSomethingElse, secret, Speech::OfSomethingElse),
            (Speech::Password, Speech::OfSomethingElse, Speech::Password),
        ];
        for (own, outer, expected) in cases {
            assert_eq!(own.within(outer), expected, "{own:?} within {outer:?}");
        }
    }
}
