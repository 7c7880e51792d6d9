//! How things look on a terminal. Where the output is none, or `NO_COLOR` is set, the streams of `anstream` take the colours away.

use std::fmt::{self, Display};
use std::io;

use anstyle::{AnsiColor, Style};
use audit_model::Severity;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use rustix::termios::tcgetwinsize;

const LEAST_COLUMNS: usize = 40;
const MOST_COLUMNS: usize = 100;

/// Something that is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Something that is not.
pub(crate) const PROBLEM: Style = AnsiColor::Red.on_default().bold();
/// Something to look at.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// A heading.
pub(crate) const HEADING: Style = Style::new().bold();
/// What is said beside.
pub(crate) const ASIDE: Style = Style::new().dimmed();

/// The colour of a severity, for texts and for cells of tables.
const fn colors(severity: Severity) -> (AnsiColor, Color) {
    match severity {
        Severity::Critical => (AnsiColor::Magenta, Color::DarkMagenta),
        Severity::High => (AnsiColor::Red, Color::DarkRed),
        Severity::Medium => (AnsiColor::Yellow, Color::DarkYellow),
        Severity::Low => (AnsiColor::Cyan, Color::DarkCyan),
    }
}

/// How a severity looks.
pub(crate) const fn of_severity(severity: Severity) -> Style {
    colors(severity).0.on_default().bold()
}

/// How many columns a text takes: the terminal's, but no more than can be read well; as many as can be where there is none.
pub(crate) fn width() -> usize {
    let columns = tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { MOST_COLUMNS } else { columns.clamp(LEAST_COLUMNS, MOST_COLUMNS) }
}

/// A text in a style.
pub(crate) struct Styled<T>(pub(crate) T, pub(crate) Style);

impl<T: Display> Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, style) = self;
        write!(f, "{style}{text}{style:#}")
    }
}

/// A table without lines, as wide as its columns need or the terminal is.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).enforce_styling();
    table.set_header(header.iter().map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    table
}

/// A severity in a table.
pub(crate) fn severity_cell(severity: Severity) -> Cell {
    Cell::new(severity.as_str()).fg(colors(severity).1).add_attribute(Attribute::Bold)
}

/// A text from outside, in which characters that control a terminal, or turn the order of what follows, become visible: a name
/// must not move the cursor, or look like another one. <https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing>
pub(crate) fn visible(text: &str) -> String {
    let is_hidden = |char: char| {
        char.is_control()
            || matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, char| {
        if is_hidden(char) {
            shown.extend(char.escape_unicode());
        } else {
            shown.push(char);
        }
        shown
    })
}
