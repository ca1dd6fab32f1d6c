//! From bytes of any origin to plain UTF-8 text: gzip, byte-order marks and encodings end here.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use crate::error::{Error, InputError, Result};
use crate::rows::Encoding;

/// First bytes of a gzip stream.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// UTF-8's byte-order mark.
const UTF8_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
/// UTF-16's byte-order marks, little and big end first.
const UTF16_MARKS: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];
/// Bytes read at once.
const BUFFER_BYTES: usize = 1 << 17;

/// Where rows come from: a stream, or bytes in memory for formats that jump about.
pub(crate) enum Input<'r> {
    /// Read once, front to back.
    Stream(Box<dyn Read + 'r>),
    /// Already in memory.
    Bytes(Bytes),
    /// Read anywhere, piece by piece.
    Random(Arc<dyn RandomAccess>),
}

/// Bytes that can be read from any place, such as a file: for formats that jump about, of which not everything needs
/// to be in memory then.
pub trait RandomAccess: Send + Sync {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// Reads bytes from `offset` on into `buffer` and says how many; none only at the end or into an empty buffer.
    ///
    /// # Errors
    /// If they can't be read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Reads front to back from some place on.
pub(crate) struct FromOffset {
    source: Arc<dyn RandomAccess>,
    offset: u64,
}

impl FromOffset {
    /// What `source` has from `offset` on.
    pub(crate) fn new(source: Arc<dyn RandomAccess>, offset: u64) -> Self {
        Self { source, offset }
    }
}

impl Read for FromOffset {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(self.offset, target)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Buffered plain text.
pub(crate) type Text<'r> = BufReader<Box<dyn Read + 'r>>;

impl<'r> Input<'r> {
    /// The unpacked stream without a byte-order mark, as UTF-8.
    ///
    /// # Errors
    /// [`Error::Input`] if there is not one byte, it is UTF-16, or reading fails.
    pub(crate) fn text(self, origin: &str, encoding: Encoding) -> Result<Text<'r>> {
        let failed = |error: io::Error| read_error(origin, &error);
        let mut stream = self.unpacked(origin)?;
        let start = peek::<3>(&mut stream).map_err(failed)?;
        if start.is_empty() {
            return Err(empty(origin));
        }
        if UTF16_MARKS.iter().any(|mark| start.starts_with(mark)) {
            return Err(InputError::new(origin, "UTF-8 text", "UTF-16 text").into());
        }
        let start = start.strip_prefix(&UTF8_MARK).unwrap_or(&start).to_vec();
        let stream = Cursor::new(start).chain(stream);
        let stream: Box<dyn Read + 'r> = match encoding {
            Encoding::Utf8 => Box::new(stream),
            Encoding::Latin1 => Box::new(Latin1::new(stream)),
        };
        Ok(BufReader::with_capacity(BUFFER_BYTES, stream))
    }

    /// Itself if it can be read anywhere as it is, else the whole of it, unpacked, in memory.
    ///
    /// # Errors
    /// [`Error::Input`] if there is not one byte or reading fails.
    pub(crate) fn random(self, origin: &str) -> Result<Self> {
        let input = match self {
            Self::Bytes(bytes) if !bytes.starts_with(&GZIP_MAGIC) => Self::Bytes(bytes),
            Self::Random(source) if !starts_packed(origin, &source)? => Self::Random(source),
            packed @ (Self::Stream(_) | Self::Bytes(_) | Self::Random(_)) => {
                let mut all = Vec::new();
                let read = packed.unpacked(origin)?.read_to_end(&mut all);
                read.map_err(|error| read_error(origin, &error))?;
                Self::Bytes(all.into())
            }
        };
        let nothing = match &input {
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Random(source) => source.size() == 0,
            Self::Stream(_) => false,
        };
        if nothing {
            return Err(empty(origin));
        }
        Ok(input)
    }

    fn unpacked(self, origin: &str) -> Result<Box<dyn Read + 'r>> {
        let mut stream = match self {
            Self::Stream(stream) => stream,
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
            Self::Random(source) => Box::new(FromOffset::new(source, 0)),
        };
        let start = peek::<2>(&mut stream).map_err(|error| read_error(origin, &error))?;
        let packed = start == GZIP_MAGIC;
        let stream = Cursor::new(start).chain(stream);
        if !packed {
            return Ok(Box::new(stream));
        }
        let stream = BufReader::with_capacity(BUFFER_BYTES, stream);
        Ok(Box::new(MultiGzDecoder::new(stream)))
    }
}

fn starts_packed(origin: &str, source: &Arc<dyn RandomAccess>) -> Result<bool> {
    let start = peek::<2>(&mut FromOffset::new(Arc::clone(source), 0));
    Ok(start.map_err(|error| read_error(origin, &error))? == GZIP_MAGIC)
}

/// The error for a stream that broke off.
pub(crate) fn read_error(origin: &str, error: &io::Error) -> Error {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the system has many errors; those of a broken file are put in words"
    )]
    let (expected, found) = match error.kind() {
        io::ErrorKind::UnexpectedEof => ("a complete file", "the end of a truncated one".into()),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            ("an unbroken gzip stream", error.to_string())
        }
        _ => ("readable data", error.to_string()),
    };
    InputError::new(origin, expected, found).into()
}

fn empty(origin: &str) -> Error {
    InputError::new(origin, "at least one row", "an empty file").into()
}

/// The first bytes of a stream, at most `LIMIT`.
fn peek<const LIMIT: usize>(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(LIMIT);
    stream.take(LIMIT as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Recodes ISO-8859-1 as UTF-8.
struct Latin1<R> {
    source: R,
    bytes: Vec<u8>,
    text: Vec<u8>,
    at: usize,
}

impl<R: Read> Latin1<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            bytes: vec![0; BUFFER_BYTES],
            text: Vec::new(),
            at: 0,
        }
    }
}

impl<R: Read> Read for Latin1<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.at == self.text.len() {
            let read = self.source.read(&mut self.bytes)?;
            let text: String = self.bytes[..read]
                .iter()
                .map(|&byte| char::from(byte))
                .collect();
            self.text = text.into_bytes();
            self.at = 0;
        }
        let read = (&self.text[self.at..]).read(target)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn text(bytes: &[u8], encoding: Encoding) -> Result<String> {
        let mut text = String::new();
        let input = Input::Stream(Box::new(bytes));
        let read = input.text("x", encoding)?.read_to_string(&mut text);
        read.map_err(|error| read_error("x", &error))?;
        Ok(text)
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_and_byte_order_marks_are_taken_off() {
        assert_eq!(text(b"ab", Encoding::Utf8).unwrap(), "ab");
        assert_eq!(text(b"\xef\xbb\xbfab", Encoding::Utf8).unwrap(), "ab");
        let marked = packed(b"\xef\xbb\xbfab");
        assert_eq!(text(&marked, Encoding::Utf8).unwrap(), "ab");
        let two_members = [packed(b"ab"), packed(b"cd")].concat();
        assert_eq!(text(&two_members, Encoding::Utf8).unwrap(), "abcd");
    }

    #[test]
    fn latin1_is_recoded() {
        let latin = [b"caf\xe9 ".as_slice()].concat().repeat(40_000);
        let read = text(&latin, Encoding::Latin1).unwrap();
        assert_eq!(read, "café ".repeat(40_000));
    }

    #[test]
    fn empty_truncated_and_utf16_inputs_are_named() {
        let message = |bytes: &[u8]| text(bytes, Encoding::Utf8).unwrap_err().to_string();
        assert!(message(b"").contains("empty file"));
        assert!(message(&packed(b"")).contains("empty file"));
        assert!(message(b"\xff\xfea\0").contains("UTF-16"));
        let whole = packed(&b"some text that goes on".repeat(100));
        assert!(message(&whole[..whole.len() - 12]).contains("truncated"));
    }
}
