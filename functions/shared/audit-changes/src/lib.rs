//! Which calls of AWS's APIs can change a verdict, on which resource, and what an event of such a call says.
//!
//! The table in [`calls`] stands for all of it: the patterns of the `EventBridge` rules are written from it, the events are
//! read by it, and its tests demand that every reading of the collectors has a call that changes it, or a reason why none
//! does. The crate is pure: no AWS SDK, no clock, no environment, no I/O.

mod call;
mod calls;
mod change;
mod named;
mod principal;
#[cfg(test)]
mod tests;

pub use change::{Change, Changed, NotUnderstood, Ourselves, read};
