//! Lines of CSV (RFC 4180) that a spreadsheet shows and never runs.

use std::borrow::Cow;

/// Without it Excel takes a file for one in the computer's own code page, and spoils every name outside ASCII.
pub(crate) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Cells as they stand in a line, each quoted and followed by a comma.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cells(Vec<u8>);

impl Cells {
    /// The cells of these texts.
    pub(crate) fn of(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut cells = Self::default();
        for text in texts {
            cells.add(text.as_ref());
        }
        cells
    }

    /// Adds a cell.
    pub(crate) fn add(&mut self, text: &str) {
        self.0.push(b'"');
        if is_plain(text) {
            self.0.extend_from_slice(text.as_bytes());
            self.0.extend_from_slice(b"\",");
            return;
        }
        for (place, part) in defused(text).split('"').enumerate() {
            if place > 0 {
                self.0.extend_from_slice(b"\"\"");
            }
            self.0.extend_from_slice(part.as_bytes());
        }
        self.0.extend_from_slice(b"\",");
    }

    /// Adds cells.
    pub(crate) fn append(&mut self, others: &Self) {
        self.0.extend_from_slice(&others.0);
    }

    /// Ends a line after the last cell.
    pub(crate) fn end_line(&mut self) {
        self.0.pop();
        self.0.extend_from_slice(b"\r\n");
    }

    /// What was added so far.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes the cells away and keeps their room.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Whether the text stands in a cell as it is: nothing in it is a quote or ends a cell, and a spreadsheet shows its first
/// character. Nearly all texts are so, and this is found out much faster than what to do about the others.
fn is_plain(text: &str) -> bool {
    text.bytes().next().is_none_or(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b';')
}

/// The text with an apostrophe before everything that a spreadsheet could run as a formula, and otherwise unchanged.
///
/// OWASP: a cell must not begin with `=`, `+`, `-`, `@`, a tab, a carriage return, a line feed, or the full-width
/// forms; and since a text may bring separators of its own, neither may what follows one of them. Where semicolons
/// separate the cells (Excel in half of Europe) or the quotes are not understood, a semicolon, a tab or a line break
/// within a text begins a new cell.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn defused(text: &str) -> Cow<'_, str> {
    let borders = text.char_indices().filter(|&(_, char)| ends_a_cell(char)).map(|(at, char)| at + char.len_utf8());
    let dangers: Vec<usize> = std::iter::once(0).chain(borders).filter(|&start| runs(&text[start..])).collect();
    // A text that begins with a separator is marked at its very beginning too.
    let first = text.starts_with(ends_a_cell) && dangers.first() != Some(&0);
    if dangers.is_empty() && !first {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + dangers.len() + 1);
    if first {
        safe.push('\'');
    }
    let mut copied = 0;
    for danger in dangers {
        safe.push_str(&text[copied..danger]);
        safe.push('\'');
        copied = danger;
    }
    safe.push_str(&text[copied..]);
    Cow::Owned(safe)
}

/// Whether a spreadsheet takes the character for the border between two cells.
fn ends_a_cell(char: char) -> bool {
    matches!(char, ';' | '\t' | '\r' | '\n')
}

/// Whether the first character that a spreadsheet would look at begins a formula.
fn runs(cell: &str) -> bool {
    let shown = cell.trim_start_matches(is_skipped);
    shown.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// Characters that a spreadsheet may drop from the beginning of a cell: blanks, quotes, control characters and what
/// has no width.
fn is_skipped(char: char) -> bool {
    char.is_whitespace()
        || char.is_control()
        || matches!(char, '"' | '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_gets_an_apostrophe() {
        let cases = [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tcmd", "'\tcmd"),
            ("\rcmd", "'\rcmd"),
            ("\ncmd", "'\ncmd"),
            ("  =1", "'  =1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("\u{200b}=1", "'\u{200b}=1"),
            ("\u{feff}=1", "'\u{feff}=1"),
            ("\"=1", "'\"=1"),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠A1", "'＠A1"),
            ("\u{3000}＝1", "'\u{3000}＝1"),
            ("a;=1", "a;'=1"),
            ("a; \"=1", "a;' \"=1"),
            ("a\r\n=1", "a\r'\n'=1"),
            (";", "';"),
        ];
        for (text, safe) in cases {
            assert_eq!(defused(text), safe, "{text:?}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in ["", "a", "a=1", "Owner=payments; Env=dev", "'=1", "tcp 22 from ::/0", "x,=1", "äöü", "  a", "1-2"]
        {
            assert_eq!(defused(text), text, "{text:?}");
        }
    }

    #[test]
    fn a_line_is_quoted_and_ends_as_rfc_4180_says() {
        let line = line(&["a", "b\"c", "d,e", ""]);
        assert_eq!(line, "\"a\",\"b\"\"c\",\"d,e\",\"\"\r\n");
    }

    fn line(texts: &[&str]) -> String {
        let mut cells = Cells::of(texts);
        cells.end_line();
        String::from_utf8(cells.as_bytes().to_vec()).unwrap()
    }

    /// Texts in which the characters that matter come up often.
    fn texts() -> impl Strategy<Value = String> {
        let odd = prop::sample::select("=+-@＝＋－＠\t\r\n ;,\"'\u{feff}\u{200b}\u{a0}".chars().collect::<Vec<_>>());
        let char = prop_oneof![3 => odd, 1 => any::<char>()];
        prop::collection::vec(char, 0..12).prop_map(String::from_iter)
    }

    fn is_formula(cell: &str) -> bool {
        cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula_wherever_a_spreadsheet_splits_it(text in texts()) {
            let line = line(&[&text]);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let cell = reader.records().next().unwrap().unwrap()[0].to_owned();
            prop_assert!(!is_formula(&cell) && !is_formula(cell.trim()), "{cell:?}");
            for part in cell.split([';', '\t', '\r', '\n']) {
                prop_assert!(!is_formula(part.trim()), "{cell:?} at {part:?}");
            }
        }

        #[test]
        fn only_apostrophes_are_added(text in texts()) {
            let safe = defused(&text);
            let mut kept = text.chars().peekable();
            for char in safe.chars() {
                if kept.peek() == Some(&char) {
                    kept.next();
                } else {
                    prop_assert_eq!(char, '\'', "{:?}", &safe);
                }
            }
            prop_assert_eq!(kept.next(), None, "{:?}", &safe);
        }

        #[test]
        fn cells_come_back_as_they_were_defused(one in texts(), two in any::<String>()) {
            let line = line(&[&one, &two]);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let record = reader.records().next().unwrap().unwrap();
            prop_assert_eq!((&record[0], &record[1]), (&*defused(&one), &*defused(&two)));
        }
    }
}
