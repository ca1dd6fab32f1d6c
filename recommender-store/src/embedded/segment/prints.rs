//! The ids of a segment's events as sorted fingerprints, in pages that are read one at a time.

use super::super::bytes::{Cursor, Decoded, Malformed, put_varint};
use super::super::fingerprint::{BYTES, Fingerprint};

/// Fingerprints on a page.
const PER_PAGE: usize = 512;

/// Where a page is, and what is on it.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) first: Fingerprint,
    pub(super) offset: u64,
    pub(super) length: usize,
    pub(super) checksum: u32,
}

/// Writes sorted fingerprints as pages: a page holds once what all of it begin with. Offsets count from `offset`.
pub(super) fn pages(sorted: &[Fingerprint], mut offset: u64) -> (Vec<u8>, Vec<Page>) {
    let (mut out, mut pages) = (Vec::with_capacity(sorted.len() * BYTES), Vec::new());
    for prints in sorted.chunks(PER_PAGE) {
        let start = out.len();
        let shared = shared_bytes(&prints[0], &prints[prints.len() - 1]);
        out.push(u8::try_from(shared).expect("at most the bytes of a fingerprint"));
        out.extend_from_slice(&prints[0].0[..shared]);
        for print in prints {
            out.extend_from_slice(&print.0[shared..]);
        }
        let page = &out[start..];
        pages.push(Page {
            first: prints[0],
            offset,
            length: page.len(),
            checksum: crc32fast::hash(page),
        });
        offset += page.len() as u64;
    }
    (out, pages)
}

fn shared_bytes(first: &Fingerprint, last: &Fingerprint) -> usize {
    let pairs = first.0.iter().zip(&last.0);
    // All of them may be the same only if there is one; a byte is kept apart so that pages have entries of some length.
    pairs.take_while(|(a, b)| a == b).count().min(BYTES - 1)
}

/// Whether `print` is on a page.
pub(super) fn page_contains(page: &[u8], print: &Fingerprint) -> Decoded<bool> {
    let mut cursor = Cursor(page);
    let shared = usize::from(cursor.byte()?);
    if shared >= BYTES {
        return Err(Malformed("a page of fingerprints shares too much"));
    }
    if cursor.bytes(shared)? != &print.0[..shared] {
        return Ok(false);
    }
    let size = BYTES - shared;
    let wanted = &print.0[shared..];
    let (mut low, mut high) = (0, cursor.0.len() / size);
    while low < high {
        let middle = usize::midpoint(low, high);
        match cursor.0[middle * size..(middle + 1) * size].cmp(wanted) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(false)
}

/// The index of pages as bytes.
pub(super) fn encode_index(pages: &[Page]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, pages.len() as u64);
    for page in pages {
        out.extend_from_slice(&page.first.0);
        put_varint(&mut out, page.offset);
        put_varint(&mut out, page.length as u64);
        out.extend_from_slice(&page.checksum.to_le_bytes());
    }
    out
}

/// Reads what [`encode_index`] wrote.
pub(super) fn decode_index(bytes: &[u8]) -> Decoded<Vec<Page>> {
    let mut cursor = Cursor(bytes);
    let count = cursor.size()?;
    let page = |_| {
        Ok(Page {
            first: Fingerprint(cursor.array()?),
            offset: cursor.varint()?,
            length: cursor.size()?,
            checksum: cursor.u32()?,
        })
    };
    (0..count).map(page).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::fingerprint::Fingerprints;
    use super::*;

    #[test]
    fn exactly_what_was_written_is_found() {
        let prints = Fingerprints::new([1; 16]);
        for count in [1, 2, PER_PAGE, 5_000] {
            let mut sorted: Vec<Fingerprint> = (0..count)
                .map(|id| prints.of(&format!("in {id}")))
                .collect();
            sorted.sort_unstable();
            let (bytes, pages) = pages(&sorted, 100);
            let pages = {
                assert_eq!(pages.len(), count.div_ceil(PER_PAGE));
                decode_index(&encode_index(&pages)).unwrap()
            };
            let found = |print: &Fingerprint| {
                let page = pages.partition_point(|page| page.first <= *print);
                let Some(page) = page.checked_sub(1) else {
                    return false;
                };
                let start = usize::try_from(pages[page].offset).unwrap() - 100;
                page_contains(&bytes[start..start + pages[page].length], print).unwrap()
            };
            assert!(sorted.iter().all(found));
            assert!(!(0..1000).any(|id| found(&prints.of(&format!("out {id}")))));
        }
    }
}
