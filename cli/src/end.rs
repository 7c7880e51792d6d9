//! How a command ends.

use std::io;
use std::process::ExitCode;

use audit_task::TaskError;
use thiserror::Error;

/// How a command ended that was not kept from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Done, and nothing was found that it was to look out for.
    Well,
    /// Something was.
    Found,
    /// It could not be done, or not all of it.
    NotDone,
    /// Somebody interrupted it.
    Interrupted,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        Self::from(match end {
            End::Well => 0,
            End::Found => 1,
            // 2 is a wrong command line, which clap answers.
            End::NotDone => 3,
            // As shells have it: 128 and the number of the signal.
            End::Interrupted => 130,
        })
    }
}

/// Why a command could not do what was asked: what was wrong, where, and what to do.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// In words.
    #[error("{0}")]
    Told(String),
    /// A task's error.
    #[error("{0}")]
    Task(#[from] TaskError),
    /// What was to be told could not be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self::Told(what.into())
    }

    /// Whether nobody reads the output any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
