//! What is wrong with a policy file, and where.

use std::fmt::Display;

use thiserror::Error;
use toml::Spanned;

use crate::POLICY_FILE;

/// A mistake in the policy file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}. Mend it and deploy again", self.in_file(POLICY_FILE))]
pub struct PolicyError {
    /// The line that it stands in, from 1.
    pub line: usize,
    /// What is wrong there, and what is allowed.
    pub what: String,
}

impl PolicyError {
    /// The mistake in words, in a file of this name.
    pub fn in_file(&self, name: impl Display) -> String {
        let Self { line, what } = self;
        format!("{name}, line {line}: {what}; the comments in infrastructure/{POLICY_FILE} say what is allowed")
    }
}

/// What is wrong at a place in the text.
#[derive(Debug)]
pub(crate) struct Mistake {
    /// The place, in bytes.
    pub(crate) at: usize,
    /// What is wrong there, and what is allowed.
    pub(crate) what: String,
}

impl Mistake {
    /// What is wrong with a part of the file.
    pub(crate) fn of<T>(part: &Spanned<T>, what: impl Into<String>) -> Self {
        Self { at: part.span().start, what: what.into() }
    }

    /// The mistake with its line.
    pub(crate) fn in_text(self, text: &str) -> PolicyError {
        let line = text.bytes().take(self.at).filter(|byte| *byte == b'\n').count() + 1;
        PolicyError { line, what: self.what }
    }
}
