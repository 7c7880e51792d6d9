//! How the state machine retries: read from its definition.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::runtime::Failure;

const DEFINITION: &str = include_str!("../../../statemachine/compliance-audit.asl.json");

/// The retriers of a state. <https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html>
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Retriers {
    retriers: Vec<(Retrier, u32)>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retrier {
    error_equals: Vec<String>,
    #[serde(default = "one")]
    interval_seconds: f64,
    #[serde(default = "three")]
    max_attempts: u32,
    #[serde(default = "two")]
    backoff_rate: f64,
    #[serde(default = "unlimited")]
    max_delay_seconds: f64,
}

const fn one() -> f64 {
    1.0
}

const fn two() -> f64 {
    2.0
}

const fn three() -> u32 {
    3
}

const fn unlimited() -> f64 {
    31_622_400.0
}

impl Retriers {
    /// Those of the state of this name; none where it has none.
    ///
    /// # Errors
    /// The definition has no such state, or a retrier that is not understood.
    pub(crate) fn of(state: &str) -> Result<Self, String> {
        let definition: Value = serde_json::from_str(DEFINITION).map_err(|error| error.to_string())?;
        let found = find(&definition, state).ok_or_else(|| format!("the state machine has no state {state}"))?;
        let retriers: Vec<Retrier> = found.get("Retry").map_or(Ok(Vec::new()), |it| {
            serde_json::from_value(it.clone()).map_err(|error| format!("the retriers of {state}: {error}"))
        })?;
        Ok(Self { retriers: retriers.into_iter().map(|retrier| (retrier, 0)).collect() })
    }

    /// How long to wait before the next attempt after this failure, or `None` when there is none. Where the machine
    /// throws dice for a part of the delay, it is half of it here.
    pub(crate) fn delay(&mut self, failure: &Failure) -> Option<Duration> {
        let catches = |retrier: &Retrier| {
            retrier.error_equals.iter().any(|error| [failure.error.as_str(), "States.ALL"].contains(&error.as_str()))
        };
        let (retrier, used) = self.retriers.iter_mut().find(|(retrier, _)| catches(retrier))?;
        if *used >= retrier.max_attempts {
            return None;
        }
        let delay = retrier.interval_seconds * retrier.backoff_rate.powi(i32::try_from(*used).ok()?);
        *used += 1;
        Some(Duration::from_secs_f64(delay.min(retrier.max_delay_seconds) / 2.0))
    }
}

fn find<'a>(scope: &'a Value, state: &str) -> Option<&'a Value> {
    let states = scope.get("States")?.as_object()?;
    states.get(state).or_else(|| {
        states.values().find_map(|it| {
            let branches = it.get("Branches").and_then(Value::as_array).into_iter().flatten();
            branches.chain(it.get("ItemProcessor")).find_map(|inner| find(inner, state))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_deep_in_the_machine_is_retried_as_often_as_it_says_and_no_more() {
        let mut retriers = Retriers::of("ScanS3").unwrap();
        let throttled = Failure { error: "Throttled".to_owned(), cause: String::new() };
        let attempts = std::iter::from_fn(|| retriers.delay(&throttled)).count();
        assert!((3..20).contains(&attempts), "{attempts}");
        let refused = Failure { error: "InvalidRequest".to_owned(), cause: String::new() };
        assert_eq!(Retriers::of("ScanS3").unwrap().delay(&refused), None);
        assert!(Retriers::of("Nowhere").is_err());
    }
}
