//! What the process takes of its machine, as the machine says.

use std::fs;

use crate::telemetry::Exposition;

/// Writes what can be known: nothing on a machine without `/proc`.
pub(crate) fn write(text: &mut Exposition) {
    let name = "process_resident_memory_bytes";
    text.family(name, "gauge", "Memory of the process.");
    if let Some(bytes) = resident_bytes() {
        text.figure(name, &[], bytes);
    }
    let name = "process_open_fds";
    text.family(
        name,
        "gauge",
        "Open files of the process, connections among them.",
    );
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        text.figure(name, &[], files.count());
    }
    let name = "process_max_fds";
    text.family(name, "gauge", "Most files the process may open.");
    if let Some(files) = most_files() {
        text.figure(name, &[], files);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn most_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_says_all_of_it() {
        let mut text = Exposition::default();
        write(&mut text);
        let text = text.into_text();
        for name in [
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_max_fds",
        ] {
            let found = text
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{name} ")));
            assert!(found.unwrap().parse::<u64>().unwrap() > 0, "{name}");
        }
    }
}
