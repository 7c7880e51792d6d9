//! Passwords in URLs and in data source names.

use super::{SecretKind, harmless};

/// A password in a URL's authority, as in `scheme://user:password@host`, in a URL of Oracle's JDBC driver, as in
/// `jdbc:oracle:thin:user/password@host`, or in a data source name of Go's driver for MySQL, as in
/// `user:password@tcp(host)/name`, anywhere in the text.
///
/// The authority is that of [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-3.2), and a password may also
/// have characters that should have been percent-encoded.
pub(super) fn password_in(text: &str) -> Option<SecretKind> {
    let in_url = text.match_indices("://").any(|(at, separator)| {
        let scheme = text[..at].ends_with(|character: char| character.is_ascii_alphanumeric());
        scheme && has_password(&text[at + separator.len()..])
    });
    let in_name = ["@tcp(", "@unix("].iter().any(|mark| {
        let start = |character: char| character.is_whitespace() || "\"'=".contains(character);
        text.match_indices(mark).any(|(at, _)| text[..at].rsplit(start).next().is_some_and(is_with_password))
    });
    (in_url || in_name || is_in_oracle_url(text)).then_some(SecretKind::PASSWORD_IN_URL)
}

fn has_password(rest: &str) -> bool {
    let end = rest.find(|character: char| character.is_whitespace() || "\"'`<>\\".contains(character));
    // A placeholder such as `<password>` ends the text that can be a URL, and then there is no `@` in it.
    let rest = &rest[..end.unwrap_or(rest.len())];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if let Some((userinfo, _)) = authority.rsplit_once('@') {
        return is_with_password(userinfo);
    }
    // What should be a port and is no number is a password with a character that ends an authority.
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let cut = !authority.starts_with('[') && authority.split_once(':').is_some_and(|(_, port)| !is_port(port));
    cut && rest.split_once('@').is_some_and(|(userinfo, _)| is_with_password(userinfo))
}

/// The form is `jdbc:oracle:driver:user/password@database`:
/// <https://docs.oracle.com/en/database/oracle/oracle-database/19/jjdbc/data-sources-and-URLs.html>.
fn is_in_oracle_url(text: &str) -> bool {
    text.match_indices("jdbc:oracle:").any(|(at, start)| {
        let url = text[at + start.len()..].split(char::is_whitespace).next().unwrap_or_default();
        url.split_once(':').and_then(|(_, rest)| rest.split_once('@')).is_some_and(|(userinfo, _)| {
            // Of two dynamic references, the first slash may stand within the one to the user's name.
            !harmless::is_placeholder(userinfo)
                && userinfo.split_once('/').is_some_and(|(_, password)| !harmless::is_placeholder_of_password(password))
        })
    })
}

fn is_with_password(userinfo: &str) -> bool {
    userinfo.split_once(':').is_some_and(|(_, password)| !harmless::is_placeholder_of_password(password))
}
