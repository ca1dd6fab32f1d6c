//! Numbers and texts as bytes: what all files of the directory are made of.

/// Why bytes can't be read back. Whoever knows the file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Result of reading bytes back.
pub(super) type Decoded<T> = Result<T, Malformed>;

/// Writes seven bits a byte, the lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Writes a signed number so that those near zero are short.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_varint(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Writes `text` as how much it shares with the beginning of `previous`, and the rest.
pub(super) fn put_front_coded(out: &mut Vec<u8>, text: &str, previous: &str) {
    let shared = shared_prefix(text, previous);
    put_varint(out, shared as u64);
    put_text(out, &text[shared..]);
}

fn shared_prefix(text: &str, previous: &str) -> usize {
    let pairs = text.bytes().zip(previous.bytes());
    let mut shared = pairs.take_while(|(a, b)| a == b).count();
    while !text.is_char_boundary(shared) {
        shared -= 1;
    }
    shared
}

/// Reads bytes from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Decoded<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const SIZE: usize>(&mut self) -> Decoded<[u8; SIZE]> {
        let (taken, rest) = self
            .0
            .split_first_chunk::<SIZE>()
            .ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Decoded<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Decoded<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Decoded<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn varint(&mut self) -> Decoded<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed("a number is too long"))
    }

    pub(super) fn size(&mut self) -> Decoded<usize> {
        usize::try_from(self.varint()?).map_err(|_| Malformed("a length is too large"))
    }

    pub(super) fn signed(&mut self) -> Decoded<i64> {
        let number = self.varint()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn text(&mut self) -> Decoded<&'a str> {
        let length = self.size()?;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map_err(|_| Malformed("a text is not UTF-8"))
    }

    pub(super) fn front_coded(&mut self, previous: &str) -> Decoded<String> {
        let shared = self.size()?;
        let prefix = previous
            .get(..shared)
            .ok_or(Malformed("a text shares more than there is"))?;
        let suffix = self.text()?;
        let mut text = String::with_capacity(prefix.len() + suffix.len());
        text.push_str(prefix);
        text.push_str(suffix);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_come_back() {
        let mut out = Vec::new();
        for number in [0, 1, 127, 128, 300, u64::MAX] {
            put_varint(&mut out, number);
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            put_signed(&mut out, number);
        }
        put_front_coded(&mut out, "größe", "grün");
        let mut cursor = Cursor(&out);
        for number in [0, 1, 127, 128, 300, u64::MAX] {
            assert_eq!(cursor.varint(), Ok(number));
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(cursor.signed(), Ok(number));
        }
        assert_eq!(cursor.front_coded("grün").as_deref(), Ok("größe"));
        assert!(cursor.is_empty());
    }

    #[test]
    fn what_ends_too_early_or_makes_no_sense_is_an_error() {
        assert!(Cursor(&[0x80]).varint().is_err());
        assert!(Cursor(&[0xff; 11]).varint().is_err());
        assert!(Cursor(&[5, b'a']).text().is_err());
        assert!(Cursor(&[1, 0xff]).text().is_err());
        assert!(Cursor(&[4, 0]).front_coded("abc").is_err());
    }
}
