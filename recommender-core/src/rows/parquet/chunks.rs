//! Parquet from bytes that can be read anywhere.

use std::io::{BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::rows::RandomAccess;
use crate::rows::input::FromOffset;

/// The same bytes, as the Parquet reader asks for them.
pub(super) struct Chunks(pub(super) Arc<dyn RandomAccess>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.size()
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<FromOffset>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let reader = FromOffset::new(Arc::clone(&self.0), start);
        Ok(BufReader::new(reader))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let available = self.0.size().saturating_sub(start);
        if length as u64 > available {
            // Told before room is made: a broken file may ask for anything.
            let reason = format!("{length} bytes at {start}, where the file has {available}");
            return Err(ParquetError::EOF(reason));
        }
        let mut bytes = vec![0; length];
        FromOffset::new(Arc::clone(&self.0), start).read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
