//! Values that stand under names of secrets and are none.

/// Whether the text says where something is, or is known to everybody: what [`is_reference_to_password`] is, any path,
/// an address.
pub(super) fn is_reference(text: &str) -> bool {
    is_reference_to_password(text) || is_path(text) || is_email(text)
}

/// Whether the text is a reference even under the name of a password: an ARN, a dynamic reference, the generated name
/// of a secret, a parameter's path, a URL (a password in it is looked for elsewhere), a public key, what AWS KMS has
/// encrypted.
///
/// People choose passwords such as `Winter/Summer` and `Welcome1@bank.com`, so an address is no reference here, and a
/// path is one only if it starts as one or ends in a file's name.
pub(super) fn is_reference_to_password(text: &str) -> bool {
    #[rustfmt::skip]
    const STARTS: &[&str] = &[
        "arn:", "{{resolve:", "ssm:", "secretsmanager:", "kms:", "alias/", "vault:", "op://", "sm://", "sha256:",
        "ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-", "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY",
        "-----BEGIN CERTIFICATE", "rate(", "cron(",
        // Stripe's publishable keys: https://docs.stripe.com/keys
        "pk_live_", "pk_test_",
    ];
    STARTS.iter().any(|start| text.starts_with(start))
        || is_url(text)
        || is_name_of_secret(text)
        || ["/", "./", "../", "~"].iter().any(|start| text.starts_with(start)) && is_path(text)
        || ends_in_file_name(text)
        || is_kms_ciphertext(text)
}

/// Whether something else is to take the text's place, or it says that there is nothing.
pub(super) fn is_placeholder(text: &str) -> bool {
    #[rustfmt::skip]
    const MARKS: &[&str] = &[
        "", "-", "n/a", "na", "nil", "none", "null", "undefined", "empty", "unset", "not-set", "not_set", "unused",
        "tbd", "todo", "fixme", "dummy", "placeholder", "redacted", "replaceme", "replace-me", "replace_me",
    ];
    const AROUND: &[(&str, &str)] =
        &[("${", "}"), ("$(", ")"), ("{{", "}}"), ("{", "}"), ("<", ">"), ("[", "]"), ("%", "%")];
    let variable = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    // `xxxx` and `****` hide what was there; a single character hides nothing.
    let hidden = |mark: char| text.len() > 1 && text.chars().all(|character| character == mark);
    MARKS.contains(&text.to_ascii_lowercase().as_str())
        || AROUND.iter().any(|(start, end)| text.starts_with(start) && text.ends_with(end))
        || text.strip_prefix('$').is_some_and(variable)
        || "xX*.-_#?".chars().any(hidden)
        // The example of https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html
        || text.ends_with("EXAMPLEKEY")
}

/// Whether something else is to take the place of a password. ODBC quotes passwords with braces, so that braces make a
/// placeholder only of words, such as `{password}`, and of what is no password anyway, such as `{0}`.
/// <https://learn.microsoft.com/en-us/dotnet/api/system.data.odbc.odbcconnection.connectionstring>
pub(super) fn is_placeholder_of_password(text: &str) -> bool {
    let within = |start, end| text.strip_prefix(start).and_then(|rest: &str| rest.strip_suffix(end));
    match within("{", "}") {
        Some(quoted) if within("{{", "}}").is_none() => is_made_of_words(quoted) || is_setting(quoted),
        _ => is_placeholder(text),
    }
}

/// Whether the text switches something, or is a number or a duration. A number of six digits or more may well be a
/// password, and is none of these.
pub(super) fn is_setting(text: &str) -> bool {
    const SWITCHES: &[&str] = &["true", "false", "yes", "no", "on", "off", "enabled", "disabled", "auto"];
    const UNITS: &[&str] = &["", "ms", "s", "sec", "m", "min", "h", "d", "kb", "mb", "gb"];
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    SWITCHES.contains(&lower.as_str())
        || (1..6).contains(&digits) && number.parse::<f64>().is_ok() && UNITS.contains(&&lower[number.len()..])
}

/// Whether the text is a number, or one of the identifiers that AWS and others give: a UUID, a multi-Region key's id,
/// an access key's id (which is looked for elsewhere).
pub(super) fn is_identifier(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || b".,:+-_".contains(&byte));
    let multi_region_key = |hex: &str| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let access_key = |rest: &str| rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    digits(text)
        || is_uuid(text)
        || ["AKIA", "ASIA"].iter().any(|start| text.strip_prefix(start).is_some_and(access_key))
        || text.strip_prefix("mrk-").is_some_and(multi_region_key)
}

/// Whether the text is a name made of words, such as `orders-db-credentials` or the name of a secret in AWS Secrets
/// Manager, which ends in a hyphen and six random characters.
pub(super) fn is_made_of_words(text: &str) -> bool {
    const LONGEST_WORD: usize = 24;
    let separators = |character: char| "/_=.@:,;|&?-".contains(character);
    let word = |word: &str| {
        let letters = word.trim_end_matches(|character: char| character.is_ascii_digit());
        let digits = word.len() - letters.len();
        let few = if letters.is_empty() { 8 } else { 2 };
        let capitals = letters.bytes().filter(u8::is_ascii_uppercase).count();
        // `camelCase` and `WORD`, and not `kJsLqZpXmN`.
        let style = capitals == letters.len() || capitals <= 2 + letters.len() / 4;
        style
            && letters.len() <= LONGEST_WORD
            && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
            && digits <= few
    };
    let words = |text: &str| text.split(separators).all(word);
    let separated = text.contains(separators);
    let has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
    (separated || !has_digits) && words(text) || without_random_suffix(text).is_some_and(words)
}

/// The name of a secret, where the text is one with the hyphen and the six random characters that AWS Secrets Manager
/// puts after it in an ARN: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>.
fn without_random_suffix(text: &str) -> Option<&str> {
    let (name, suffix) = text.rsplit_once('-')?;
    (suffix.len() == 6 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(name)
}

/// Whether the text is a name that AWS has given to a secret.
///
/// Amazon RDS calls those that it manages `rds!cluster-` or `rds!db-` and a UUID:
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/service-linked-secrets.html>. AWS CloudFormation puts a
/// hyphen and 12 random characters after the logical ID, which the AWS CDK makes of words and 8 hexadecimal digits:
/// <https://docs.aws.amazon.com/cdk/v2/guide/identifiers.html>.
fn is_name_of_secret(text: &str) -> bool {
    let logical_id = |id: &str| {
        id.split_at_checked(id.len().saturating_sub(8)).is_some_and(|(words, hash)| {
            !words.is_empty()
                && words.bytes().all(|byte| byte.is_ascii_alphabetic())
                && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
        })
    };
    let of_cloudformation = |(id, random): (&str, &str)| {
        random.len() == 12 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()) && logical_id(id)
    };
    let of_rds =
        |name: &str| ["rds!cluster-", "rds!db-"].iter().any(|start| name.strip_prefix(start).is_some_and(is_uuid));
    let name = |name: &str| of_rds(name) || name.rsplit_once('-').is_some_and(of_cloudformation);
    name(text) || without_random_suffix(text).is_some_and(name)
}

fn is_url(text: &str) -> bool {
    let scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.:".contains(&byte))
    };
    !text.contains(char::is_whitespace) && text.split_once("://").is_some_and(|(start, _)| scheme(start))
}

/// A path of a parameter, of a secret or of a file: of words, or ending in a file's name.
fn is_path(text: &str) -> bool {
    text.contains('/') && is_made_of_words(text.trim_start_matches(['.', '~'])) || ends_in_file_name(text)
}

fn ends_in_file_name(path: &str) -> bool {
    let extension = |(stem, extension): (&str, &str)| {
        !stem.is_empty()
            && (1..=5).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    path.rsplit_once('/').is_some_and(|(_, file)| file.rsplit_once('.').is_some_and(extension))
}

fn is_email(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
    };
    let domain = |domain: &str| {
        part(domain)
            && domain
                .rsplit_once('.')
                .is_some_and(|(_, top)| top.len() > 1 && top.bytes().all(|b| b.is_ascii_alphabetic()))
    };
    text.split_once('@').is_some_and(|(user, host)| part(user) && domain(host))
}

/// What the console's encryption helpers put in the place of a value:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html>. A ciphertext of a symmetric
/// KMS key starts with the bytes 1, 1 or 2, 2, 0, 120.
fn is_kms_ciphertext(text: &str) -> bool {
    text.len() >= 100 && ["AQICAH", "AQECAH"].iter().any(|start| text.starts_with(start))
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    text.split('-').map(str::len).eq(lengths) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
