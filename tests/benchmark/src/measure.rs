//! What a process has used so far, from the kernel's books. <https://www.kernel.org/doc/html/latest/filesystems/proc.html>

use std::fs;
use std::time::Duration;

/// Clock ticks a second in the kernel's books, on every architecture that Lambda has.
const TICKS_PER_SECOND: u64 = 100;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Time on a processor, of all threads, in user and kernel mode.
    pub(crate) cpu: Duration,
    /// The most memory it has held at once, in KiB.
    pub(crate) peak: u64,
}

impl Usage {
    /// The usage of a process that is there, or `None`.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let peak = peak.trim().trim_end_matches("kB").trim().parse().ok()?;
        // The ticks count threads that have ended, and the threads' own books are exact.
        Some(Self { cpu: ticks(pid)?.max(threads(pid).unwrap_or_default()), peak })
    }
}

/// Fields 14 and 15 of the line are the ticks in user and kernel mode; the second field may hold spaces.
fn ticks(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// The first field of a thread's line is its time on a processor in nanoseconds.
fn threads(pid: u32) -> Option<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let line = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        nanoseconds += line.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn work_and_memory_of_this_process_are_seen() {
        let before = Usage::of(std::process::id()).unwrap();
        let mut held = vec![0_u8; 64 * 1024 * 1024];
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(200) {
            for byte in held.iter_mut().step_by(512) {
                *byte = byte.wrapping_add(1);
            }
        }
        let after = Usage::of(std::process::id()).unwrap();
        assert!(after.cpu > before.cpu, "{before:?} {after:?}");
        assert!(after.peak >= 64 * 1024, "{after:?}");
    }
}
