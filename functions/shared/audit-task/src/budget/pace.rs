//! When the next request may be sent. Knows no clock.

use std::time::Duration;

use tokio::time::Instant;

/// What a second without throttling gives back, as a part of the most that is allowed.
const STEP_UP: f64 = 0.1;

/// What a second takes whose every request was throttled, as a part of the present rate. If only some were, it takes
/// less in proportion: a few refusals that have nothing to do with this audit's pace must not stop it.
const STEP_DOWN: f64 = 0.5;

/// How often the rate is set anew.
const SECOND: Duration = Duration::from_secs(1);

/// How late a request may be and yet count as sent in time. Timers and busy processors are late, and what they lose
/// would add up.
const LATENESS: Duration = Duration::from_millis(50);

/// A rate of requests that goes down where AWS throttles, and up again.
#[derive(Debug)]
pub(super) struct Pace {
    /// Requests a second that are never exceeded.
    most: f64,
    /// Requests a second at present.
    rate: f64,
    /// When the next request may be sent.
    next: Instant,
    /// When the answers counted below began.
    since: Instant,
    answers: u32,
    throttled: u32,
}

impl Pace {
    /// At most so many requests a second, from now on.
    pub(super) fn new(most: f64, now: Instant) -> Self {
        Self { most, rate: most, next: now, since: now, answers: 0, throttled: 0 }
    }

    /// Changes how many requests a second are the most. What throttling has left of the rate stays in proportion.
    pub(super) fn allow(&mut self, most: f64) {
        self.rate *= most / self.most;
        self.most = most;
    }

    /// When the next request may be sent.
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// Takes the next request, and gives the time at which it may be sent: the past, if that is at once.
    pub(super) fn take(&mut self, now: Instant) -> Instant {
        let slot = self.next.max(now.checked_sub(LATENESS).unwrap_or(now));
        self.next = slot + Duration::from_secs_f64(1.0 / self.rate);
        slot
    }

    /// Counts an answer of AWS and, once a second, sets the rate by those of the time before.
    ///
    /// While AWS grants `g` requests a second, the rate comes to rest where as much is taken as is given back: at
    /// `g` and a fifth of the most that is allowed.
    pub(super) fn answered(&mut self, now: Instant, throttled: bool) {
        let passed = now.saturating_duration_since(self.since);
        if passed >= SECOND {
            let share = f64::from(self.throttled) / f64::from(self.answers.max(1));
            let stepped = self.rate * (1.0 - STEP_DOWN * share) + self.most * STEP_UP * passed.as_secs_f64();
            self.rate = stepped.min(self.most);
            (self.since, self.answers, self.throttled) = (now, 0, 0);
        }
        self.answers += 1;
        self.throttled += u32::from(throttled);
    }

    #[cfg(test)]
    pub(super) const fn throttled(&self) -> u32 {
        self.throttled
    }
}

#[cfg(test)]
mod tests;
