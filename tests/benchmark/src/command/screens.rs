//! What a terminal shows, and what a pipe gets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use audit_artifacts::ScanRecord;
use audit_model::Severity;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::task::spawn_blocking;
use vt100::{Color, Parser, Screen};

use super::{LIMIT, Laptop, Running, SMALL, code};
use crate::account::REGION;
use crate::faults::Conditions;
use crate::peer::kept;

/// The terminal's size.
const ROWS: u16 = 40;
const COLUMNS: u16 = 100;

/// As many rows as nothing here fills, to look at all that was shown.
const ALL_ROWS: u16 = 400;

/// What a bar is made of.
const BAR: [char; 2] = ['█', '░'];

/// What a terminal has shown.
struct Shown {
    code: i32,
    /// The texts that stood on the screen, one after the other.
    frames: Vec<String>,
    /// All that stands there at the end, as if nothing had scrolled away.
    end: Screen,
}

impl Shown {
    fn text(&self) -> String {
        self.end.contents()
    }

    /// The rows at the end, each with its number.
    fn rows(&self) -> impl Iterator<Item = (u16, String)> {
        (0..).zip(self.end.rows(0, COLUMNS))
    }

    /// Whether every character looks as characters do where nothing is said.
    fn is_plain(&self) -> bool {
        let mut cells = (0..ALL_ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
        cells.all(|(row, column)| {
            let cell = self.end.cell(row, column).unwrap();
            !cell.bold() && !cell.dim() && [cell.fgcolor(), cell.bgcolor()] == [Color::Default; 2]
        })
    }
}

fn terminal(rows: u16) -> Parser {
    Parser::new(NonZeroU16::new(rows).unwrap(), NonZeroU16::new(COLUMNS).unwrap(), 0)
}

/// A pseudo-terminal: the end that people sit at, and the one that programs have.
fn pseudo_terminal() -> (OwnedFd, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let people = openpt(flags).unwrap();
    grantpt(&people).unwrap();
    unlockpt(&people).unwrap();
    tcsetwinsize(&people, Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let programs = ioctl_tiocgptpeer(&people, flags).unwrap();
    (people, programs)
}

/// Runs a command on a terminal of its own.
async fn shown(mut command: Command) -> Shown {
    let (people, programs) = pseudo_terminal();
    command.env("TERM", "xterm-256color");
    command.stdout(Stdio::from(programs.try_clone().unwrap())).stderr(Stdio::from(programs));
    let mut child = command.spawn().unwrap();
    // As long as somebody holds the programs' end, people wait for more.
    drop(command);
    let shown = spawn_blocking(move || {
        let (mut people, mut screen, mut all) = (File::from(people), terminal(ROWS), terminal(ALL_ROWS));
        let (mut piece, mut frames) = ([0; 4096], Vec::new());
        // Linux ends the reading with an error once no program has the terminal any more.
        while let Ok(1..=4096) = people.read(&mut piece).inspect(|read| {
            screen.process(&piece[..*read]);
            all.process(&piece[..*read]);
        }) {
            // Row by row, for a bar fills its row, and the next one would pass for its rest.
            let rows: Vec<String> = screen.screen().rows(0, COLUMNS).collect();
            let frame = rows.join("\n");
            if frames.last() != Some(&frame) {
                frames.push(frame);
            }
        }
        Shown { code: code(child.wait().unwrap()), frames, end: all.screen().clone() }
    });
    tokio::time::timeout(LIMIT, shown).await.expect("the command does not come to its end").unwrap()
}

/// With this latency bars are seen.
fn slow() -> Conditions {
    Conditions { latency: Duration::from_millis(30), ..Conditions::default() }
}

/// How far the bars of a frame are: by service, what is read, of how many, and what is waited for.
fn bars(frame: &str) -> BTreeMap<&str, (u64, u64, &str)> {
    let mut bars = BTreeMap::new();
    for line in frame.lines() {
        if let [service, bar, counts, message] = line.split_whitespace().collect::<Vec<_>>()[..]
            && bar.chars().all(|it| BAR.contains(&it))
        {
            let (read, of) = counts.split_once('/').unwrap();
            bars.insert(service, (read.parse().unwrap(), of.parse().unwrap(), message));
        }
    }
    bars
}

/// The severities and rules of the open violations that a scan has kept.
async fn open_rules(laptop: &Laptop) -> BTreeSet<(Severity, String)> {
    let (store, scans) = kept(&laptop.out(), REGION).unwrap();
    let record = ScanRecord::load(&store, &scans[0]).await.unwrap();
    let mut findings = record.findings(&store).await.unwrap();
    let mut open = BTreeSet::new();
    while let Some(of_one) = findings.next_resource().await.unwrap() {
        let those = of_one.iter().filter(|finding| finding.is_open());
        open.extend(those.map(|finding| (finding.severity, finding.rule_id.to_string())));
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn a_terminal_shows_bars_on_the_way_and_a_table_at_the_end() {
    let laptop = Laptop::of(SMALL, slow()).await;
    let shown = shown(laptop.command(&["scan", "--out", "audit"])).await;
    assert_eq!(shown.code, 0, "{}", shown.text());

    let frames: Vec<_> = shown.frames.iter().map(|frame| bars(frame)).collect();
    for service in ["s3", "vpc", "lambda"] {
        let seen = |what: fn(u64, u64, &str) -> bool| {
            frames.iter().filter_map(|bars| bars.get(service)).any(|&(read, of, message)| what(read, of, message))
        };
        assert!(
            seen(|read, of, message| (read, of, message) == (0, 0, "listing")),
            "{service} was not seen being listed"
        );
        // VPCs are read together, and come all at once.
        assert!(
            service == "vpc" || seen(|read, of, message| 0 < read && read < of && message == "reading"),
            "{service} was not seen being read: {:#?}",
            shown.frames
        );
    }
    assert!(!shown.text().contains(BAR), "a bar is left:\n{}", shown.text());

    let (row, _) = shown.rows().find(|(_, text)| text.trim_start().starts_with("Severity")).expect("there is no table");
    assert!(shown.end.cell(row, 1).unwrap().bold());
    let mut colors = BTreeMap::new();
    for (severity, rule) in open_rules(&laptop).await {
        let (row, _) = shown
            .rows()
            .find(|(_, text)| text.split_whitespace().take(2).eq([severity.as_str(), &rule]))
            .unwrap_or_else(|| panic!("{severity} {rule} is not in a row of the table:\n{}", shown.text()));
        let cell = shown.end.cell(row, 1).unwrap();
        assert!(cell.bold() && cell.fgcolor() != Color::Default, "{severity} {rule}");
        colors.insert(severity, format!("{:?}", cell.fgcolor()));
    }
    let different: BTreeSet<_> = colors.values().collect();
    assert!(colors.len() > 2 && different.len() == colors.len(), "{colors:?}");
    for report in laptop.files().keys().filter(|file| file.contains("/reports/")) {
        assert!(shown.text().contains(report), "{report} is not named whole:\n{}", shown.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn what_is_piped_is_text_and_nothing_else() {
    let laptop = Laptop::of(SMALL, slow()).await;
    let mut command = laptop.command(&["scan"]);
    // A terminal that would take colours, were it the output.
    command.env("TERM", "xterm-256color");
    let ended = Running::start(command).end().await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert!(ended.out.contains("What is demanded"), "{}", ended.out);
    assert!(!ended.out.contains(['\x1b', '\r']) && !ended.out.contains(BAR), "{:?}", ended.out);

    let failed = laptop.command(&["scan", "--out", "/dev/null"]);
    let ended = Running::start(failed).end().await;
    assert_eq!((ended.code, ended.out.as_str(), ended.err.contains('\x1b')), (3, "", false), "{}", ended.err);
}

/// A check that nobody reads to its end must not end as if all were well.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn what_nobody_reads_is_not_done_and_says_nothing() {
    let laptop = Laptop::of(SMALL, Conditions::default()).await;
    for arguments in [&["scan"][..], &["man"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = laptop.command(arguments);
        command.stdout(writer).stderr(Stdio::piped());
        let ended = spawn_blocking(move || command.spawn().unwrap().wait_with_output().unwrap()).await.unwrap();
        assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap().as_str()), (Some(3), ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn with_no_color_a_terminal_shows_none() {
    let laptop = Laptop::of(SMALL, slow()).await;
    let colored = shown(laptop.command(&["scan"])).await;
    assert!(!colored.is_plain());
    let mut command = laptop.command(&["scan"]);
    // https://no-color.org
    command.env("NO_COLOR", "1");
    let plain = shown(command).await;
    assert!(plain.is_plain(), "{}", plain.text());
    assert!(plain.frames.iter().any(|frame| frame.contains(BAR)));
    assert_eq!(plain.text().lines().count(), colored.text().lines().count());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the command's binary: make test-benchmark"]
async fn every_help_fits_the_terminal() {
    let laptop = Laptop::of(SMALL, Conditions::default()).await;
    let mut commands = vec![Vec::new()];
    let mut asked = 0;
    while let Some(command) = commands.pop() {
        asked += 1;
        let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let shown = shown(laptop.command(&arguments)).await;
        assert_eq!(shown.code, 0, "{arguments:?}");
        assert!(shown.text().contains("Usage:"), "{arguments:?}:\n{}", shown.text());
        let too_long: Vec<_> = shown.rows().filter(|(row, _)| shown.end.row_wrapped(*row)).collect();
        assert!(too_long.is_empty(), "{arguments:?}: {too_long:?}");
        let text = shown.text();
        let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let named =
            listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
        let below = named.filter(|name| *name != "help").map(|name| [command.as_slice(), &[name.to_owned()]].concat());
        commands.extend(below);
    }
    assert!(asked > 9, "only {asked} commands were seen");
}
