//! The most memory this process has held.

use std::fs;

/// Forgets the peak so far, so that the next reading covers only what comes after.
/// Where the system has no such switch, readings cover the whole run.
pub fn reset_peak() {
    // Writing 5 resets the high-water mark (man 5 proc, clear_refs); elsewhere the file does not exist.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The peak resident memory in bytes since [`reset_peak`], where the system tells.
#[must_use]
pub fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
