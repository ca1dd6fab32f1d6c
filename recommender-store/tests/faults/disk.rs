//! A disk without room.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use recommender_store::{Engine, StoreError};

use crate::directory::{batch, fill, ids, open};

/// A small file system in memory, taken away at the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(dir.path())
            .output()
            .map_err(|error| format!("needs mount: {error}"))?;
        if output.status.success() {
            return Ok(Self(dir));
        }
        let reason = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "needs the right to mount a tmpfs: {}",
            reason.trim()
        ))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Nothing more can be done where this fails.
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Whether a small file system can be mounted here.
pub(crate) fn possible() -> Result<(), String> {
    SmallDisk::mount().map(|_| ())
}

pub(crate) fn a_full_disk_refuses_writes_until_there_is_room() {
    let disk = SmallDisk::mount().unwrap();
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 1 << 20]).unwrap();
    let data = disk.path().join("data");
    let engine = open(&data).unwrap();
    fill(&engine, "a", 50);
    let mut told = 150;
    let mut number = 0;
    let error = loop {
        match engine.write(batch("b", number)).unwrap().wait() {
            Ok(_) => told += 3,
            Err(error) => break error,
        }
        number += 1;
        assert!(number < 100_000, "the disk never became full");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("no room to write"), "{error}");
    assert!(engine.status().unwrap().refusing.is_some());
    assert_eq!(ids(&engine).len(), told, "reading goes on");
    assert_eq!(engine.recent("visitor 1", 5).unwrap().len(), 5);

    fs::remove_file(&ballast).unwrap();
    let start = Instant::now();
    while engine.write(batch("b", number)).unwrap().wait().is_err() {
        assert!(start.elapsed() < Duration::from_secs(20), "it recovers");
        thread::sleep(Duration::from_millis(50));
    }
    told += 3;
    assert_eq!(ids(&engine).len(), told);
    drop(engine);
    let engine = open(&data).unwrap();
    assert_eq!(ids(&engine).len(), told);
    engine.verify().unwrap();
}
