//! Files read at any place.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use recommender_core::rows::RandomAccess;

/// A file, read where it is asked to be.
#[derive(Debug)]
pub(crate) struct FileAccess {
    /// One reading at a time: the place in the file is the file's own.
    file: Mutex<File>,
    size: u64,
}

impl FileAccess {
    /// `file`, whose size must not change any more.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        Ok(Self {
            size: file.metadata()?.len(),
            file: Mutex::new(file),
        })
    }
}

impl RandomAccess for FileAccess {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        // A reader that panicked left nothing half done: every reading seeks first.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read(buffer)
    }
}
