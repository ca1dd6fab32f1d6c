//! How much memory the process uses, and how much it may.

use std::fs;

/// Bytes of a page where `/proc` counts pages. Systems with larger pages say so in `VmRSS`, which is read first.
const PAGE: u64 = 4096;

/// Bytes of memory that are in use; nothing where the system does not say.
pub(crate) fn used_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok();
    let resident = status.as_deref().and_then(resident_bytes);
    resident.or_else(|| {
        let counted = fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = counted.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages * PAGE)
    })
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Bytes that the control group of the process may use; nothing where there is no bound.
pub(crate) fn allowed_bytes() -> Option<u64> {
    let bound = fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?;
    bound.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        let status = "Name:\tserver\nVmHWM:\t  99 kB\nVmRSS:\t    2048 kB\n";
        assert_eq!(resident_bytes(status), Some(2 << 20));
        assert_eq!(resident_bytes("Name:\tserver\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_is_taken_is_seen() {
        let before = used_bytes().unwrap();
        let taken = vec![1u8; 64 << 20];
        let grown = used_bytes().unwrap() - before;
        assert!(grown > 48 << 20, "{grown} of {} bytes", taken.len());
    }
}
