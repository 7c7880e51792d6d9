//! Plain text as e-mail programs show it: short lines, labels in a column.

use std::fmt::Display;

use jiff::Timestamp;

/// Characters that a line takes. E-mail programs wrap what is longer than their window, and what is shorter costs lines. Words
/// that are longer, links and ARNs above all, stay whole.
const WIDTH: usize = 120;

/// Characters that labels take.
const LABEL: usize = 11;

/// Characters of a text that others wrote, for instance in evidence or an error.
const TEXT: usize = 1000;

/// Lines that begin with `label` and go on under the text.
pub(crate) fn field(indent: usize, label: &str, text: &str) -> String {
    wrapped(&format!("{:indent$}{label:<LABEL$}", ""), &" ".repeat(indent + LABEL), text)
}

/// Lines of a paragraph.
pub(crate) fn paragraph(text: &str) -> String {
    wrapped("", "", text)
}

/// Lines of an item of a list.
pub(crate) fn item(text: &str) -> String {
    wrapped("  - ", "    ", text)
}

/// Lines that begin with `first`, then with `rest`. Line breaks and other characters that control a display count as
/// blanks: a text from outside can neither begin a line nor hide one.
pub(crate) fn wrapped(first: &str, rest: &str, text: &str) -> String {
    let text = clipped(text, TEXT);
    let mut lines = String::from(first);
    let mut column = first.chars().count();
    let mut begins = true;
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if !begins && column + 1 + length > WIDTH {
            lines.push('\n');
            lines.push_str(rest);
            column = rest.chars().count();
        } else if !begins {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
        begins = false;
    }
    lines.truncate(lines.trim_end().len());
    lines.push('\n');
    lines
}

/// The first characters of a text, with a sign that there was more.
pub(crate) fn clipped(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} […]", &text[..end]),
    }
}

fn is_blank(char: char) -> bool {
    char.is_whitespace() || char.is_control() || is_bidirectional(char)
}

/// Characters that turn the order of what follows.
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
fn is_bidirectional(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Things, with commas between them.
pub(crate) fn joined(things: impl Iterator<Item = impl Display>) -> String {
    things.map(|thing| thing.to_string()).collect::<Vec<_>>().join(", ")
}

/// A number of things: `1 bucket`, `2 buckets`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// What resources of a type are called.
pub(crate) fn resource_noun(resource_type: &str) -> &'static str {
    match resource_type {
        "AWS::S3::Bucket" => "bucket",
        "AWS::S3::AccessPoint" => "access point",
        "AWS::EC2::VPC" => "VPC",
        "AWS::EC2::Subnet" => "subnet",
        "AWS::EC2::SecurityGroup" => "security group",
        "AWS::EC2::NetworkAcl" => "network ACL",
        "AWS::EC2::VPCEndpoint" => "VPC endpoint",
        "AWS::EC2::VPCPeeringConnection" => "peering connection",
        "AWS::Lambda::Function" => "function",
        _ => "resource",
    }
}

/// A day as people write it: `12 October 2026`.
pub(crate) fn day(time: Timestamp) -> String {
    time.strftime("%-d %B %Y").to_string()
}

/// A minute as people write it: `12 October 2026, 06:00 UTC`.
pub(crate) fn minute(time: Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_texts_go_on_under_their_beginning() {
        let text = "There is a default encryption of type aws:kms with a key that is managed by AWS and not by the account, as \
            it was made.";
        let expected = "  Observed   There is a default encryption of type aws:kms with a key that is managed by AWS and not by the \
            account, as\n             it was made.\n";
        assert_eq!(field(2, "Observed", text), expected);
    }

    #[test]
    fn words_longer_than_a_line_stay_whole() {
        let link = format!("https://example.com/{}", "a".repeat(120));
        assert_eq!(item(&format!("see {link} there")), format!("  - see\n    {link}\n    there\n"));
    }

    #[test]
    fn very_long_texts_are_cut_and_say_so() {
        let text = paragraph(&"word ".repeat(1000));
        assert!(text.ends_with("[…]\n"), "{text}");
        assert!(text.chars().count() < 1010);
    }

    #[test]
    fn nothing_but_the_label_leaves_no_blanks_at_the_end() {
        assert_eq!(field(2, "Observed", ""), "  Observed\n");
    }

    proptest! {
        #[test]
        fn a_text_from_outside_neither_begins_a_line_nor_hides_one(text in any::<String>()) {
            let lines = item(&text);
            prop_assert!(lines.ends_with('\n'));
            for (number, line) in lines.lines().enumerate() {
                prop_assert!(line.starts_with(if number == 0 { "  -" } else { "    " }), "{lines:?}");
                prop_assert!(!line.chars().any(|char| char.is_control() || is_bidirectional(char)), "{lines:?}");
                prop_assert!(line.chars().count() <= WIDTH || !line.trim_start_matches("  - ").trim().contains(' '));
            }
        }
    }
}
