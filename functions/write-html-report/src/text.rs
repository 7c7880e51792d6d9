//! Numbers, times and texts as people read them.

use std::fmt::Write as _;

use jiff::Timestamp;

/// A number with a comma before every three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 bucket`, `2 buckets`.
pub(crate) fn things(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A percentage to one decimal, or a dash where there is none.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{share:.1} %"))
}

/// A time to the second.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The day of a time.
pub(crate) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// The first characters of a text from outside, with a sign that there was more. Characters that control a display or turn the
/// order of what follows become visible: a name must not look like another one.
/// <https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing>
pub(crate) fn shown(text: &str, characters: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(characters));
    for (place, char) in text.chars().enumerate() {
        if place == characters {
            shown.push_str(" […]");
            break;
        }
        match char {
            '\n' | '\t' => shown.push(' '),
            char if char.is_control() || is_invisible(char) => {
                // Writing into a text does not fail.
                let _ = write!(shown, "\u{27e8}U+{:04X}\u{27e9}", u32::from(char));
            }
            char => shown.push(char),
        }
    }
    shown
}

/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters> and what has no width.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_threes() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!((things(1, "rule"), things(1200, "rule")), ("1 rule".to_owned(), "1,200 rules".to_owned()));
    }

    #[test]
    fn what_controls_a_display_is_shown_and_what_is_long_is_cut() {
        for (text, expected) in [
            ("vault", "vault"),
            ("a\u{202e}b", "a\u{27e8}U+202E\u{27e9}b"),
            ("a\0b\nc", "a\u{27e8}U+0000\u{27e9}b c"),
            ("123456", "12345 […]"),
            ("äöü€😀", "äöü€😀"),
        ] {
            assert_eq!(shown(text, 5), expected);
        }
    }
}
