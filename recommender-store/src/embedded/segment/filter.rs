//! A small set that may say yes to what is not in it: spares reading what can't be there.
//!
//! A Bloom filter whose bits of one entry all stand in one cache line: Putze, Sanders and Singler, "Cache-, hash- and
//! space-efficient Bloom filters" (2009).

use super::super::bytes::{Cursor, Decoded, Malformed};
use super::super::fingerprint::Fingerprint;

/// Bits for each entry.
const BITS_PER_ENTRY: usize = 10;

/// Words of a line: 512 bits.
const LINE: usize = 8;

/// Bits set for each entry. Six pieces of nine bits each are taken from one number.
const PROBES: u32 = 6;

/// A filter of fingerprints.
#[derive(Debug, Clone)]
pub(in super::super) struct Filter(Vec<[u64; LINE]>);

impl Filter {
    /// A filter for `entries`.
    pub(super) fn of(entries: impl ExactSizeIterator<Item = Fingerprint>) -> Self {
        let lines = (entries.len() * BITS_PER_ENTRY).div_ceil(512).max(1);
        let mut filter = Self(vec![[0; LINE]; lines]);
        for entry in entries {
            let line = filter.line(entry);
            for (word, bit) in bits(entry) {
                filter.0[line][word] |= bit;
            }
        }
        filter
    }

    /// False only if `entry` was not put in.
    pub(super) fn may_contain(&self, entry: Fingerprint) -> bool {
        let line = &self.0[self.line(entry)];
        bits(entry).all(|(word, bit)| line[word] & bit != 0)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the product's high half is below the number of lines"
    )]
    fn line(&self, entry: Fingerprint) -> usize {
        ((u128::from(entry.high()) * self.0.len() as u128) >> 64) as usize
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let words = self.0.iter().flatten();
        words.flat_map(|word| word.to_le_bytes()).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Decoded<Self> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(LINE * 8) {
            return Err(Malformed("a filter is of no possible size"));
        }
        let mut lines = vec![[0; LINE]; bytes.len() / (LINE * 8)];
        let mut cursor = Cursor(bytes);
        for word in lines.iter_mut().flatten() {
            *word = cursor.u64()?;
        }
        Ok(Self(lines))
    }
}

/// Words and bits of an entry within its line. The line is chosen by the high bits of the same number, so the low ones
/// are mixed once more.
fn bits(entry: Fingerprint) -> impl Iterator<Item = (usize, u64)> {
    let mixed = entry
        .high()
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(32)
        ^ entry.high();
    (0..PROBES).map(move |probe| {
        let piece = (mixed >> (probe * 9)) & 0x1ff;
        let word = (piece >> 6) as usize;
        (word, 1 << (piece & 63))
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::fingerprint::Fingerprints;
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_little_else() {
        let prints = Fingerprints::new([7; 16]);
        let known: Vec<Fingerprint> = (0..20_000)
            .map(|id| prints.of(&format!("in {id}")))
            .collect();
        let filter = Filter::of(known.iter().copied());
        let filter = Filter::from_bytes(&filter.to_bytes()).unwrap();
        assert!(known.iter().all(|&print| filter.may_contain(print)));
        let others = (0..20_000).map(|id| prints.of(&format!("out {id}")));
        let wrong = others.filter(|&print| filter.may_contain(print)).count();
        assert!(wrong < 600, "{wrong} of 20,000");
        assert!(!Filter::of([].into_iter()).may_contain(known[0]));
        assert!(Filter::from_bytes(&[0; 65]).is_err());
    }
}
