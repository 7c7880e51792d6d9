//! What can be wrong with an answer of AWS.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;

use crate::account::{hash, mixed};
use crate::aws::{Call, Dialect};
use crate::http::{Answer, Delivery, Reply};

/// What can be wrong with an answer of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The permission is missing.
    Denied,
    /// AWS answers that there were too many requests.
    Throttled,
    /// No answer comes.
    Stalled,
    /// The connection breaks within the answer's body.
    Reset,
    /// The body is missing.
    Empty,
    /// Nothing is in it: `{}`, or the root element alone.
    Hollow,
    /// The rest is missing from between two elements on; what is JSON ends anywhere.
    Cut,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] =
        [Self::Denied, Self::Throttled, Self::Stalled, Self::Reset, Self::Empty, Self::Hollow, Self::Cut];

    /// Whether a repetition of the request meets with the same fault.
    const fn lasts(self) -> bool {
        matches!(self, Self::Denied | Self::Empty | Self::Hollow | Self::Cut)
    }

    /// Whether the fault can befall an answer to this call. The reports bucket is refused nothing, and what it holds
    /// carries a checksum, so that an object is never taken for whole that is not. A stall there costs the time of one
    /// in the account, and its objects are asked for one after the other.
    fn can_befall(self, call: &Call) -> bool {
        if !call.of_the_account && (self.lasts() || self == Self::Stalled) {
            return false;
        }
        // Without an element these answers are whole, too, and say "never configured".
        let says_nothing =
            ["s3:GetBucketVersioning", "s3:GetBucketLogging", "s3:GetBucketNotification", "s3:GetBucketLocation"];
        !(self == Self::Hollow && says_nothing.contains(&call.api.as_str()))
    }

    /// What becomes of an answer.
    fn befall(self, answer: Answer, dialect: Dialect) -> (Answer, Delivery) {
        let error = |(status, code)| (dialect.error(status, code), Delivery::Whole);
        match self {
            Self::Denied => error(dialect.denial()),
            Self::Throttled => error(dialect.throttling()),
            Self::Stalled => (answer, Delivery::Never),
            Self::Reset => (answer, Delivery::Broken),
            Self::Empty => (with_body(answer, |_| Bytes::new()), Delivery::Whole),
            Self::Hollow => (with_body(answer, hollow), Delivery::Whole),
            Self::Cut => (with_body(answer, cut), Delivery::Whole),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Stalled => "stalled",
            Self::Reset => "reset",
            Self::Empty => "empty",
            Self::Hollow => "hollow",
            Self::Cut => "cut",
        })
    }
}

/// How the fake AWS answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    /// How long each answer takes.
    pub(crate) latency: Duration,
    /// The faults, each with the share of the answers that it befalls, in percent.
    pub(crate) faults: Vec<(Fault, u64)>,
    /// Another number lets the faults befall other answers.
    pub(crate) seed: u64,
    /// The APIs whose answers the faults can befall; all where none is named.
    pub(crate) apis: BTreeSet<String>,
    /// The regions in which the faults can befall answers; all where none is named.
    pub(crate) regions: BTreeSet<&'static str>,
    /// The code of the error by which AWS refuses the credentials that it is called with.
    pub(crate) refusal: Option<&'static str>,
}

impl Conditions {
    /// How an answer reaches the client. `attempt` counts the times that the same was asked.
    pub(crate) fn reply(&self, answer: Answer, call: &Call, region: &str, attempt: u64) -> Reply {
        let befalls = |fault: Fault, percent: u64| {
            let dice = hash(format!("{fault} {} {}", call.api, call.target).as_bytes());
            let attempt = if fault.lasts() { 0 } else { attempt };
            let is_meant = (self.apis.is_empty() || self.apis.contains(&call.api))
                && (self.regions.is_empty() || self.regions.contains(region));
            is_meant && fault.can_befall(call) && mixed(dice ^ mixed(self.seed ^ (attempt << 32))) % 100 < percent
        };
        let fault = self.faults.iter().find(|(fault, percent)| befalls(*fault, *percent));
        let (answer, delivery) = match (self.refusal, fault) {
            (Some(code), _) => (call.dialect.error(403, code), Delivery::Whole),
            (None, Some((fault, _))) => fault.befall(answer, call.dialect),
            (None, None) => (answer, Delivery::Whole),
        };
        Reply { answer, after: self.latency, delivery }
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.latency.as_millis())?;
        self.faults.iter().try_for_each(|(fault, percent)| write!(f, ", {fault} {percent} %"))
    }
}

/// FAULT=PERCENT.
pub(crate) fn fault_and_share(text: &str) -> Result<(Fault, u64), String> {
    let known = || Fault::ALL.map(|fault| fault.to_string()).join(", ");
    let (name, share) = text.split_once('=').ok_or_else(|| format!("{text:?} is not FAULT=PERCENT"))?;
    let fault = Fault::ALL.into_iter().find(|fault| fault.to_string() == name);
    let fault = fault.ok_or_else(|| format!("{name:?} is no fault; there are {}", known()))?;
    let share = u64::from_str(share).ok().filter(|share| *share <= 100);
    Ok((fault, share.ok_or_else(|| format!("{text:?} has no share from 0 to 100"))?))
}

fn with_body(answer: Answer, change: impl Fn(&str) -> Bytes) -> Answer {
    let whole: Vec<u8> = answer.body.iter().flatten().copied().collect();
    if whole.is_empty() {
        return answer;
    }
    Answer { body: vec![change(&String::from_utf8_lossy(&whole))], ..answer }
}

fn hollow(body: &str) -> Bytes {
    if !body.starts_with('<') {
        return Bytes::from_static(b"{}");
    }
    let start = root(body);
    let name: String = body[start + 1..].chars().take_while(|it| !" />".contains(*it)).collect();
    format!("{}<{name}></{name}>", &body[..start]).into()
}

/// Cuts XML behind the end of an element, so that half of the elements are missing; a root element without others in
/// front of its own end.
fn cut(body: &str) -> Bytes {
    let at = if body.starts_with('<') {
        let ends: Vec<usize> = body.match_indices("</").map(|(at, _)| at).collect();
        match ends.as_slice() {
            [] => body.len(),
            [of_root] => *of_root,
            _ => {
                let end = ends[(ends.len() - 1) / 2];
                body[end..].find('>').map_or(body.len(), |length| end + length + 1)
            }
        }
    } else {
        (0..=body.len() / 2).rfind(|at| body.is_char_boundary(*at)).unwrap_or(0)
    };
    body[..at].to_owned().into()
}

/// Where the root element begins, behind a declaration.
fn root(body: &str) -> usize {
    if body.starts_with("<?") {
        body.find("?>").and_then(|end| Some(end + body[end..].find('<')?)).unwrap_or(0)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::REGION;

    #[test]
    fn a_cut_answer_ends_between_elements_and_a_hollow_one_has_a_root() {
        let list = "<?xml version=\"1.0\"?>\n<L xmlns=\"x\"><B><N>a</N></B><B><N>b</N></B><B><N>c</N></B></L>";
        assert_eq!(cut(list), "<?xml version=\"1.0\"?>\n<L xmlns=\"x\"><B><N>a</N></B><B><N>b</N></B>");
        assert_eq!(hollow(list), "<?xml version=\"1.0\"?>\n<L></L>");
        assert_eq!(cut("<V><Status>Enabled</Status></V>"), "<V><Status>Enabled</Status>");
        assert_eq!(cut("<V>on</V>"), "<V>on");
        assert_eq!(cut(r#"{"a":1,"b":2}"#), r#"{"a":1"#);
        assert_eq!(hollow(r#"{"a":1}"#), "{}");
    }

    #[test]
    fn a_fault_befalls_the_share_of_answers_that_it_is_told() {
        let conditions = Conditions { faults: vec![(Fault::Throttled, 20)], ..Conditions::default() };
        let hit = |attempt: u64, target: u64| {
            let call = Call {
                api: "s3:GetBucketAcl".to_owned(),
                target: target.to_string(),
                dialect: Dialect::S3,
                of_the_account: true,
            };
            conditions.reply(Answer::empty(200), &call, REGION, attempt).answer.status == 503
        };
        let hits = (0..1_000).filter(|target| hit(0, *target)).count();
        assert!((150..250).contains(&hits), "{hits}");
        // The next attempt throws the dice again.
        assert!((0..1_000).any(|target| hit(0, target) && !hit(1, target)));
    }
}
