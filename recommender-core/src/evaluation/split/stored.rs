//! A split as an index file: its row lists with their digest.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Parts, Split};
use crate::digits::hex;
use crate::error::Error;
use crate::time::Timestamp;

/// What stands in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredSplit {
    kind: String,
    sha256: String,
    table_rows: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    train: Vec<u32>,
    fold_in: Vec<u32>,
    test: Vec<u32>,
}

impl Split {
    /// SHA-256 of the three row lists, each led by its length, all numbers little-endian; 64 hexadecimal digits.
    /// Two splits of one table are the same exactly if their digests are.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for rows in [self.train(), self.fold_in(), self.test()] {
            hash.update((rows.len() as u64).to_le_bytes());
            for row in rows {
                hash.update(row.to_le_bytes());
            }
        }
        hex(&hash.finalize())
    }
}

impl From<Split> for StoredSplit {
    fn from(split: Split) -> Self {
        Self {
            sha256: split.digest(),
            kind: split.kind,
            table_rows: split.table_rows,
            time: split.parts.time,
            train: split.parts.train,
            fold_in: split.parts.fold_in,
            test: split.parts.test,
        }
    }
}

impl TryFrom<StoredSplit> for Split {
    type Error = Error;

    fn try_from(stored: StoredSplit) -> Result<Self, Error> {
        let parts = Parts {
            train: stored.train,
            fold_in: stored.fold_in,
            test: stored.test,
            time: stored.time,
        };
        let split = Self::checked(&stored.kind, stored.table_rows, parts)?;
        if split.digest() != stored.sha256 {
            let reason = "the rows do not match their sha256: the file was altered";
            return Err(Error::data(format!("split {}", stored.kind), reason));
        }
        Ok(split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::split::tests::table;

    #[test]
    fn a_split_survives_its_file_and_an_altered_file_is_refused() {
        let table = table(&[("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3)]);
        let split = Split::given_at(&table, 2).unwrap();
        let text = serde_json::to_string(&split).unwrap();
        assert_eq!(serde_json::from_str::<Split>(&text).unwrap(), split);
        let altered = text.replace("\"train\":[0,1]", "\"train\":[0]");
        assert_ne!(altered, text);
        let error = serde_json::from_str::<Split>(&altered).unwrap_err();
        assert!(error.to_string().contains("altered"), "{error}");
    }

    #[test]
    fn the_digest_is_that_of_the_documented_bytes() {
        let table = table(&[("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3)]);
        let digest = Split::given_at(&table, 2).unwrap().digest();
        // hashlib.sha256(pack("<QIIQQI", 2, 0, 1, 0, 1, 2)) of Python.
        assert_eq!(
            digest,
            "f94ff8a216ad133b6dcaf710aa468ef01ffdb5f766a7b7dcc851ca44838a9a30"
        );
    }
}
