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

/// How a severity looks.
pub(crate) const fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Magenta.on_default().bold(),
        Severity::High => PROBLEM,
        Severity::Medium => WARNING,
        Severity::Low => AnsiColor::Cyan.on_default(),
    }
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
    let color = match severity {
        Severity::Critical => Color::Magenta,
        Severity::High => Color::Red,
        Severity::Medium => Color::Yellow,
        Severity::Low => Color::Cyan,
    };
    Cell::new(severity.as_str()).fg(color).add_attribute(Attribute::Bold)
}
