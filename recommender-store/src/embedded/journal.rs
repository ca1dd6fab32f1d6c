//! The journal: batches in the order they were written, each on disk before anybody is told so.
//!
//! A file is a head and then frames. A frame is a head of twenty bytes (length, checksum of the batch, position,
//! checksum of the head) and the batch. A process that is killed may leave a frame without its end: that is the one
//! thing dropped when a journal is read back. Everything else that does not fit its checksum is damage.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::bytes::Cursor;
use crate::disk;
use crate::error::{Result, StoreError};
use crate::record::Position;

/// The head of a journal: what it is, and its format.
const HEAD: &[u8; 16] = b"recommender log1";

/// Bytes of the head of a frame.
const FRAME_HEAD: usize = 20;

/// A journal that is written to.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    /// How much of it is on disk.
    durable: u64,
    /// Set once the disk failed in a way that leaves open what is on it.
    broken: Option<String>,
}

/// Appends the frame of a batch to `out`.
pub(super) fn put_frame(out: &mut Vec<u8>, position: Position, batch: &[u8]) {
    let start = out.len();
    let length = u32::try_from(batch.len()).expect("a batch is shorter than 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(batch).to_le_bytes());
    out.extend_from_slice(&position.0.to_le_bytes());
    let head = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&head.to_le_bytes());
    out.extend_from_slice(batch);
}

impl Journal {
    /// A new journal, on disk with its name when this returns.
    pub(super) fn create(path: &Path) -> Result<Self> {
        disk::write_bytes(path, HEAD)?;
        Self::at_end(path, HEAD.len() as u64)
    }

    /// Goes on with a journal of which `length` bytes are good; what follows is dropped.
    pub(super) fn at_end(path: &Path, length: u64) -> Result<Self> {
        let open = || -> io::Result<File> {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.set_len(length)?;
            file.sync_all()?;
            file.seek(SeekFrom::Start(length))?;
            Ok(file)
        };
        Ok(Self {
            file: open().map_err(|error| StoreError::io(path, error))?,
            path: path.to_owned(),
            durable: length,
            broken: None,
        })
    }

    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.durable
    }

    /// Writes frames and waits until they are on disk. After an error none of them is there.
    pub(super) fn append(&mut self, frames: &[u8]) -> Result<()> {
        if let Some(reason) = &self.broken {
            let error = io::Error::other(reason.clone());
            return Err(StoreError::io(&self.path, error));
        }
        let written = self
            .file
            .write_all(frames)
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.durable += frames.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.take_back(&error);
                Err(StoreError::io(&self.path, error))
            }
        }
    }

    /// Cuts off what a failed write left. Where that fails too nobody knows what is on disk, so nothing more is
    /// written until the store is opened anew; the same after a failure other than lack of room, as the system may
    /// have dropped pages it could not write.
    fn take_back(&mut self, cause: &io::Error) {
        let cut = self
            .file
            .set_len(self.durable)
            .and_then(|()| self.file.seek(SeekFrom::Start(self.durable)))
            .and_then(|_| self.file.sync_data());
        let no_room = matches!(
            cause.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        );
        if let Err(error) = cut {
            self.broken = Some(format!(
                "{cause}, and then {error}; open the store anew to write"
            ));
        } else if !no_room {
            self.broken = Some(format!("{cause}; open the store anew to write"));
        }
    }
}

/// Whether a journal may end in the middle of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was being written to when the process ended.
    MayBeTorn,
    /// It was finished.
    Whole,
}

/// Reads a journal back, frame by frame. Says how many bytes of it are good.
pub(super) fn replay(
    path: &Path,
    end: End,
    mut visit: impl FnMut(Position, &[u8]) -> Result<()>,
) -> Result<u64> {
    let bytes = disk::read(path)?;
    let Some(frames) = bytes.strip_prefix(HEAD) else {
        return Err(StoreError::damaged(path, "it does not begin as a journal"));
    };
    let mut cursor = Cursor(frames);
    loop {
        let at = bytes.len() - cursor.0.len();
        match frame(&mut cursor) {
            Frame::Batch(position, batch) => visit(position, batch)?,
            Frame::End => return Ok(at as u64),
            Frame::Torn if end == End::MayBeTorn => return Ok(at as u64),
            Frame::Torn => {
                let reason = format!("it ends within the frame at byte {at}");
                return Err(StoreError::damaged(path, reason));
            }
            Frame::Damaged(what) => {
                let reason =
                    format!("the {what} of the frame at byte {at} is not what was written");
                return Err(StoreError::damaged(path, reason));
            }
        }
    }
}

/// What stands at a place of a journal.
enum Frame<'a> {
    Batch(Position, &'a [u8]),
    End,
    Torn,
    Damaged(&'static str),
}

fn frame<'a>(cursor: &mut Cursor<'a>) -> Frame<'a> {
    if cursor.is_empty() {
        return Frame::End;
    }
    let rest = cursor.0;
    // A power cut may leave a file that grew before its bytes arrived.
    let unwritten = || rest.iter().all(|&byte| byte == 0);
    let Ok(head) = cursor.array::<FRAME_HEAD>() else {
        return Frame::Torn;
    };
    let (content, checksum) = head.split_at(FRAME_HEAD - 4);
    if crc32fast::hash(content).to_le_bytes() != checksum {
        return if unwritten() {
            Frame::Torn
        } else {
            Frame::Damaged("head")
        };
    }
    let mut head = Cursor(content);
    let (Ok(length), Ok(checksum), Ok(position)) = (head.u32(), head.u32(), head.u64()) else {
        return Frame::Damaged("head");
    };
    let Ok(batch) = cursor.bytes(length as usize) else {
        return Frame::Torn;
    };
    if crc32fast::hash(batch) != checksum {
        return Frame::Damaged("batch");
    }
    Frame::Batch(Position(position), batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn written(path: &Path) {
        let mut journal = Journal::create(path).unwrap();
        let mut frames = Vec::new();
        put_frame(&mut frames, Position(1), b"first");
        put_frame(&mut frames, Position(2), b"second");
        journal.append(&frames).unwrap();
    }

    /// A batch with its position.
    type Found = (u64, Vec<u8>);

    fn read(path: &Path, end: End) -> Result<(Vec<Found>, u64)> {
        let mut found = Vec::new();
        let good = replay(path, end, |position, batch| {
            found.push((position.0, batch.to_vec()));
            Ok(())
        })?;
        Ok((found, good))
    }

    #[test]
    fn a_journal_without_its_end_is_read_up_to_there_and_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.journal");
        written(&path);
        let whole = fs::read(&path).unwrap();
        let first = HEAD.len() + FRAME_HEAD + 5;
        for length in first..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let (found, good) = read(&path, End::MayBeTorn).unwrap();
            assert_eq!((found.len(), good), (1, first as u64), "{length}");
            assert_eq!(read(&path, End::Whole).is_ok(), length == first);
        }
        let mut journal = Journal::at_end(&path, first as u64).unwrap();
        let mut frame = Vec::new();
        put_frame(&mut frame, Position(9), b"again");
        journal.append(&frame).unwrap();
        let (found, good) = read(&path, End::Whole).unwrap();
        assert_eq!(found[1], (9, b"again".to_vec()));
        assert_eq!(good, journal.bytes());
        fs::write(&path, [&whole[..first], &[0; 64]].concat()).unwrap();
        assert_eq!(read(&path, End::MayBeTorn).unwrap().1, first as u64);
    }

    #[test]
    fn no_flipped_bit_passes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.journal");
        written(&path);
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &flipped).unwrap();
            let error = read(&path, End::MayBeTorn).unwrap_err();
            assert!(error.to_string().contains("a.journal is damaged"), "{bit}");
        }
    }
}
