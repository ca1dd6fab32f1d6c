//! Which files make up the store. What is not named here does not count.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::layout::{Kind, Layout};
use crate::disk;
use crate::error::{Result, StoreError};
use crate::record::Position;

/// The format of directories written by this program. Format 1 named the first of the journals alone, so that nobody
/// knew of a journal that had gone missing.
pub(super) const FORMAT: u32 = 2;

/// The files of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The key of all fingerprints, which must stay the same.
    pub(super) key: [u8; 16],
    /// Every write up to here is in the files below.
    pub(super) position: Position,
    /// Numbers of the journals that hold what came later; the last is being written to.
    pub(super) journals: Vec<u64>,
    /// Numbers of the files of events.
    pub(super) events: Vec<u64>,
    /// Numbers of the files of facts; what stands in a later one stands.
    pub(super) facts: Vec<u64>,
}

/// The manifest as it stands in its file.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    format: u32,
    checksum: u32,
    files: Value,
}

impl Manifest {
    pub(super) fn save(&self, layout: &Layout) -> Result<()> {
        let files = serde_json::to_value(self).expect("a manifest is made of numbers");
        let sealed = Sealed {
            format: FORMAT,
            checksum: checksum(&files),
            files,
        };
        let text = serde_json::to_vec_pretty(&sealed).expect("a manifest is made of numbers");
        disk::write_bytes(&layout.manifest(), &text)
    }

    /// The manifest of a directory, or nothing if it holds no store yet. One of an older format is given as this
    /// program would have written it, and becomes so with the next save.
    pub(super) fn load(layout: &Layout) -> Result<Option<Self>> {
        let path = layout.manifest();
        if !path.exists() {
            return Ok(None);
        }
        let damaged = |reason: String| StoreError::damaged(&path, reason);
        let bytes = disk::read(&path)?;
        let format = format_of(&bytes).map_err(&damaged)?;
        if format > FORMAT {
            return Err(StoreError::Newer {
                origin: path.display().to_string(),
                found: format,
                supported: FORMAT,
            });
        }
        let mut sealed: Sealed =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if checksum(&sealed.files) != sealed.checksum {
            return Err(damaged("it is not what was written".into()));
        }
        if format == 1 {
            name_journals(&mut sealed.files, layout)?;
        }
        serde_json::from_value(sealed.files)
            .map(Some)
            .map_err(|error| damaged(error.to_string()))
    }
}

/// Makes the files of format 1 those of format 2: instead of the first journal, all that are there.
fn name_journals(files: &mut Value, layout: &Layout) -> Result<()> {
    let first = files["journal"].as_u64().unwrap_or(u64::MAX);
    let journals = layout.numbers(Kind::Journal)?.into_iter();
    let journals: Vec<u64> = journals.filter(|&number| number >= first).collect();
    if let Some(files) = files.as_object_mut() {
        files.remove("journal");
        files.insert("journals".into(), journals.into());
    }
    Ok(())
}

/// The format alone, which every later form of the file will hold too.
fn format_of(bytes: &[u8]) -> Result<u32, String> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    serde_json::from_slice::<Format>(bytes)
        .map(|found| found.format)
        .map_err(|error| error.to_string())
}

/// Over the names and values; whitespace between them means nothing.
fn checksum(files: &Value) -> u32 {
    crc32fast::hash(files.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            key: [9; 16],
            position: Position(7),
            journals: vec![3, 5],
            events: vec![1],
            facts: vec![2],
        }
    }

    #[test]
    fn damage_and_later_formats_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::unlocked(dir.path());
        assert_eq!(Manifest::load(&layout).unwrap(), None);
        manifest().save(&layout).unwrap();
        assert_eq!(Manifest::load(&layout).unwrap(), Some(manifest()));

        let path = layout.manifest();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"position\": 7", "\"position\": 6")).unwrap();
        let error = Manifest::load(&layout).unwrap_err().to_string();
        assert!(error.contains("manifest.json is damaged"), "{error}");
        fs::write(&path, text.replace("\"format\": 2", "\"format\": 3")).unwrap();
        let error = Manifest::load(&layout).unwrap_err();
        assert!(
            matches!(error, StoreError::Newer { found: 3, .. }),
            "{error}"
        );
        fs::write(&path, "{").unwrap();
        assert!(matches!(
            Manifest::load(&layout),
            Err(StoreError::Damaged { .. })
        ));
    }

    #[test]
    fn format_1_is_read_with_the_journals_that_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::unlocked(dir.path());
        let files =
            json!({"key": vec![9; 16], "position": 7, "journal": 3, "events": [1], "facts": [2]});
        let sealed = json!({"format": 1, "checksum": checksum(&files), "files": files});
        fs::write(layout.manifest(), sealed.to_string()).unwrap();
        for number in [2, 3, 5] {
            fs::write(layout.file(Kind::Journal, number), "").unwrap();
        }
        assert_eq!(Manifest::load(&layout).unwrap(), Some(manifest()));
    }
}
