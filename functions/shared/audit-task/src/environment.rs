//! The environment variables that the infrastructure sets.

use std::env;
use std::num::NonZeroU32;

use crate::TaskError;

/// The value of an environment variable that must be set.
///
/// # Errors
/// `Internal` when it is not set or empty.
pub fn required(name: &str) -> Result<String, TaskError> {
    match env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(TaskError::Internal(format!(
            "the environment variable {name} is not set; the deployment of this function must set it"
        ))),
    }
}

/// The value of an environment variable that must hold a whole number of at least 1.
///
/// # Errors
/// `Internal` when it is not set or not such a number.
pub fn required_number(name: &str) -> Result<NonZeroU32, TaskError> {
    let value = required(name)?;
    value.parse().map_err(|_| {
        TaskError::Internal(format!(
            "the environment variable {name} is {value:?}; a whole number of at least 1 is allowed"
        ))
    })
}

/// Whether an environment variable that must hold `true` or `false` switches something on.
///
/// # Errors
/// `Internal` when it is not set or neither.
pub fn required_switch(name: &str) -> Result<bool, TaskError> {
    let value = required(name)?;
    value.parse().map_err(|_| {
        TaskError::Internal(format!("the environment variable {name} is {value:?}; true and false are allowed"))
    })
}
