//! Reads the audit policy's file: what people may tune without touching code.

mod check;
mod exceptions;
mod file;
mod mistake;
mod parameters;
mod rules;

pub use check::check;
pub use file::parse;
pub use mistake::PolicyError;

#[cfg(test)]
mod tests;

/// The file's name, in `infrastructure/` and beside the binary of `plan-scan`.
pub const POLICY_FILE: &str = "audit-policy.toml";
