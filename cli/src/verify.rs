//! Checks sealed evidence.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use audit_artifacts::not_read;
use audit_task::TaskError;
use clap::Args;
use evidence_chain::{EvidenceStore, Expectations, KEYS, LinkReport, PublicKey, Verification, Witness, verify};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use tokio::io::AsyncReadExt;

use crate::end::{End, Failure};
use crate::found;
use crate::terminal::{ASIDE, GOOD, HEADING, PROBLEM, Styled, WARNING, visible};

/// How long the reports bucket keeps what lies in it: its lifecycle.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long an execution may take, `TimeoutSeconds` of the state machine: until then it needs no link.
const LONGEST_RUN: SignedDuration = SignedDuration::from_secs(12_000);

/// The largest file that is read as a public key; one has less than 200 bytes.
const LARGEST_KEY: u64 = 64 * 1024;

/// Checks sealed evidence: every link, every digest, every signature
///
/// Every scan and every rollback ends with a link of a chain: a manifest of all objects that it left, with their digests, the
/// link before, and a signature. This command reads all of it, in the reports bucket or in a copy, and says what is missing,
/// changed, unsigned or out of order, one line a link. It needs the right to list and read, and no connection for a copy. Scans of
/// this program are not sealed: whoever can write a folder of their own could sign what they like.
///
/// Whoever can replace everything in the bucket can replace the public keys there, too. Give the key that you keep elsewhere, and
/// the links that the e-mails of the scans told you of: nobody can make these anew.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    compliance-audit verify --bucket compliance-reports-111122223333-dev-pr42 --public-key evidence.pem\n  \
    aws s3 sync s3://compliance-reports-111122223333-dev-pr42 evidence\n  \
    compliance-audit verify evidence --public-key evidence.pem --told 412:0f1e2d3c4b5a6978\n  \
    compliance-audit verify evidence --from 2026-11-01 --to 2026-11-30\n\n\
    Exit codes: 0 all is as it was sealed, 1 something is not, 3 something could not be read.\n\n\
    Without this program: `openssl dgst -sha256 -verify KEY.pem -signature manifest.sig manifest.json` checks a link,\n\
    `sha256sum` an object, and `previous` in the next manifest the order.")]
pub(crate) struct Verify {
    /// A folder with a copy of the reports bucket
    #[arg(value_name = "DIR", required_unless_present = "bucket")]
    folder: Option<PathBuf>,

    /// The reports bucket itself, read with the current credentials, which must be of the account that owns it
    #[arg(long, value_name = "NAME", conflicts_with = "folder")]
    bucket: Option<String>,

    /// Reads only the objects of links that were sealed from then on: a time (RFC 3339) or a day (UTC)
    ///
    /// The chain itself is always looked at whole.
    #[arg(long, value_name = "TIME", value_parser = beginning)]
    from: Option<Timestamp>,

    /// Reads only the objects of links that were sealed until then: a time, or a day, to its end
    #[arg(long, value_name = "TIME", value_parser = end)]
    to: Option<Timestamp>,

    /// A public key that is trusted, PEM or DER as AWS KMS gives it out; may be given several times
    ///
    /// The stack's outputs have it, and so does `aws kms get-public-key`. Without it the keys that lie beside the evidence are
    /// taken, which shows only that the chain agrees with itself.
    #[arg(long = "public-key", value_name = "FILE")]
    public_keys: Vec<PathBuf>,

    /// What started before may have expired
    ///
    /// The default is 90 days before now for a bucket, whose lifecycle removes what is older. Of a folder nothing may be missing
    /// unless you say so: for a copy of a bucket that is older than that, give the day 90 days before the copy was made.
    #[arg(long, value_name = "TIME", value_parser = beginning)]
    kept_since: Option<Timestamp>,

    /// The longest time between the starts of two executions, for instance 7h or 6h30m, or none
    ///
    /// A scan starts every six hours. In a bucket the time since the last one counts, too, and in a folder the time up to --to.
    #[arg(long, value_name = "DURATION", default_value = "7h")]
    longest_gap: LongestGap,

    /// A link that you were told of: its number and the first digits of its digest; may be given several times
    ///
    /// The e-mail of every scan names one. Where the newest part of the chain was cut off, or all of it made anew, nothing
    /// else shows it.
    #[arg(long, value_name = "NUMBER:DIGITS", value_parser = witness)]
    told: Vec<Witness>,
}

pub(crate) async fn run(asked: &Verify, out: &mut impl Write) -> Result<End, Failure> {
    let now = Timestamp::now();
    match (&asked.folder, &asked.bucket) {
        (Some(folder), _) => check(asked, &found::store(folder)?, Lies::InAFolder, now, out).await,
        (None, Some(bucket)) => check(asked, &found::bucket(bucket).await?, Lies::InTheBucket, now, out).await,
        (None, None) => Err(Failure::new("name a folder, or a bucket with --bucket")),
    }
}

/// Where the evidence lies: a copy ends when it was made, and loses nothing by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    InAFolder,
    InTheBucket,
}

async fn check(
    asked: &Verify,
    store: &dyn EvidenceStore,
    lies: Lies,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<End, Failure> {
    let keys = Keys::of(asked, store).await?;
    let runs_since = now - LONGEST_RUN;
    let is_bucket = lies == Lies::InTheBucket;
    let expected = Expectations {
        keys: &keys.trusted,
        from: asked.from,
        to: asked.to,
        kept_since: asked.kept_since.or(is_bucket.then(|| now - KEPT)),
        runs_since: Some(runs_since),
        longest_gap: asked.longest_gap.0,
        until: asked.to.map(|to| to.min(runs_since)).or(is_bucket.then_some(runs_since)),
        witnesses: &asked.told,
    };
    let verification = verify(store, &expected).await.map_err(not_read)?;
    keys.tell(out)?;
    tell(&verification, &asked.told, keys.strange.len(), out)
}

/// The public keys.
struct Keys {
    trusted: Vec<PublicKey>,
    /// Whether they lie beside what they are to prove.
    are_of_the_store: bool,
    /// What lies among those and is none.
    strange: Vec<String>,
}

impl Keys {
    async fn of(asked: &Verify, store: &dyn EvidenceStore) -> Result<Self, Failure> {
        let mut keys =
            Self { trusted: Vec::new(), are_of_the_store: asked.public_keys.is_empty(), strange: Vec::new() };
        for file in &asked.public_keys {
            keys.trusted.push(key_in(file)?);
        }
        if keys.are_of_the_store {
            for name in store.list_objects(KEYS).await.map_err(not_read)? {
                match key_of(&read(store, &name).await.map_err(not_read)?) {
                    Some(key) => keys.trusted.push(key),
                    None => keys.strange.push(name),
                }
            }
        }
        Ok(keys)
    }

    fn tell(&self, out: &mut impl Write) -> Result<(), Failure> {
        let fingerprints: BTreeSet<_> = self.trusted.iter().map(PublicKey::fingerprint).collect();
        for fingerprint in fingerprints {
            let which = if self.are_of_the_store { "key that lies with the evidence" } else { "trusted key" };
            writeln!(out, "{} {fingerprint}", Styled(format!("{which}:"), HEADING))?;
        }
        if self.are_of_the_store {
            writeln!(
                out,
                "{}",
                Styled(
                    "No public key was given. What follows shows that the evidence agrees with itself, and not who sealed it:\n\
                     whoever can replace all of it can replace the keys that lie with it. Give the key that you keep elsewhere\n\
                     with --public-key.",
                    WARNING
                )
            )?;
        }
        for name in &self.strange {
            let name = visible(name);
            writeln!(out, "{}", Styled(format!("{name} lies among the public keys and is none"), PROBLEM))?;
        }
        Ok(writeln!(out)?)
    }
}

/// A small object; empty where there is none any more.
async fn read(store: &dyn EvidenceStore, key: &str) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if let Some(opened) = store.open(key).await? {
        opened.content.take(LARGEST_KEY).read_to_end(&mut content).await?;
    }
    Ok(content)
}

fn key_in(file: &Path) -> Result<PublicKey, Failure> {
    let content = fs::read(file)
        .map_err(|error| Failure::new(format!("the public key {} cannot be read: {error}", file.display())))?;
    key_of(&content).ok_or_else(|| {
        Failure::new(format!(
            "{} is no public key; the key that seals is one of the curve NIST P-256, in PEM (BEGIN PUBLIC KEY), or in DER, \
             which is what AWS KMS gives out once its Base64 is decoded",
            file.display()
        ))
    })
}

/// The key of a file, in PEM or in DER.
fn key_of(content: &[u8]) -> Option<PublicKey> {
    let pem = std::str::from_utf8(content).ok().and_then(|text| PublicKey::from_pem(text).ok());
    pem.or_else(|| PublicKey::from_der(content).ok())
}

/// Says what was found, a line a link, and what it comes to.
fn tell(
    verification: &Verification,
    told: &[Witness],
    strange_keys: usize,
    out: &mut impl Write,
) -> Result<End, Failure> {
    let Verification { links, problems } = verification;
    for link in links {
        let style = match link {
            LinkReport { problems, .. } if !problems.is_empty() => PROBLEM,
            LinkReport { read: true, .. } => GOOD,
            LinkReport { read: false, .. } => ASIDE,
        };
        writeln!(out, "{}", Styled(visible(&link.to_string()), style))?;
        for problem in &link.problems {
            writeln!(out, "        {}", Styled(visible(&problem.to_string()), PROBLEM))?;
        }
    }
    if !problems.is_empty() {
        writeln!(out, "{}", Styled("of the chain as a whole:", HEADING))?;
    }
    for problem in problems {
        writeln!(out, "        {}", Styled(visible(&problem.to_string()), PROBLEM))?;
    }
    writeln!(out)?;
    let wrong = verification.all_problems().count() + strange_keys;
    let read: Vec<_> = links.iter().filter(|link| link.read).collect();
    let objects: usize = read.iter().map(|link| link.objects).sum();
    let bytes: u64 = read.iter().map(|link| link.bytes).sum();
    let mut counts = format!("{}, {} of {bytes} bytes", things(links.len(), "link"), things(objects, "object"));
    if read.len() < links.len() {
        counts += &format!(", those of {} not read", things(links.len() - read.len(), "link"));
    }
    if !told.is_empty() {
        counts += &format!(", {} held against what was told", things(told.len(), "link"));
    }
    if wrong == 0 {
        writeln!(out, "{} {counts}", Styled("whole:", GOOD))?;
        Ok(End::Well)
    } else {
        writeln!(out, "{} {} in {counts}", Styled("not whole:", PROBLEM), things(wrong, "problem"))?;
        Ok(End::Found)
    }
}

fn things(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A time, or the beginning of a day.
fn beginning(text: &str) -> Result<Timestamp, String> {
    time(text, 0)
}

/// A time, or the end of a day.
fn end(text: &str) -> Result<Timestamp, String> {
    time(text, 1)
}

/// A time, or the first moment of a day, or the last one before that many days more.
fn time(text: &str, days: i64) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let day = text.parse::<Date>().and_then(|day| day.checked_add(days.days()));
    let midnight = day.and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)));
    midnight
        .map(|midnight| midnight - SignedDuration::from_nanos(days))
        .map_err(|_| "give a time as 2026-11-30T06:00:00Z, or a day as 2026-11-30, which is one of UTC".to_owned())
}

/// The longest time in which nothing may start, if there is one.
#[derive(Debug, Clone, Copy)]
struct LongestGap(Option<SignedDuration>);

impl FromStr for LongestGap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        match text.parse::<SignedDuration>() {
            Ok(longest) if longest.is_positive() => Ok(Self(Some(longest))),
            _ => Err("give hours and minutes as 7h or 6h30m, or none where any time may lie between two".to_owned()),
        }
    }
}

/// The fewest digits by which a link is told from another.
const FEWEST_DIGITS: usize = 8;

fn witness(text: &str) -> Result<Witness, String> {
    let parsed = text.split_once(':').and_then(|(number, digits)| {
        let is_digest = (FEWEST_DIGITS..=64).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_hexdigit());
        let number = number.parse().ok().filter(|number| *number > 0)?;
        is_digest.then(|| Witness { number, sha256: digits.to_ascii_lowercase() })
    });
    parsed.ok_or_else(|| {
        format!(
            "give the link's number and at least {FEWEST_DIGITS} of the first hexadecimal digits of its digest, as \
             412:0f1e2d3c4b5a6978"
        )
    })
}

#[cfg(test)]
mod tests;
