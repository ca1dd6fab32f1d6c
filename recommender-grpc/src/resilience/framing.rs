//! Where messages begin and end in what a caller sends: each has a head of a flag and its length in four bytes.

/// Bytes of the head of a message.
const HEAD: usize = 5;

/// Follows messages through the pieces in which they come.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    head: [u8; HEAD],
    have: usize,
    left: usize,
    ended: u64,
}

impl Framing {
    /// Takes the next piece in. A message longer than `limit` is told as soon as its head is there, by its length.
    pub(crate) fn take(&mut self, mut piece: &[u8], limit: usize) -> Result<(), usize> {
        loop {
            let skipped = self.left.min(piece.len());
            piece = &piece[skipped..];
            self.left -= skipped;
            self.ended += u64::from(skipped > 0 && self.left == 0);
            if piece.is_empty() {
                return Ok(());
            }
            let wanted = (HEAD - self.have).min(piece.len());
            let (head, rest) = piece.split_at(wanted);
            self.head[self.have..self.have + wanted].copy_from_slice(head);
            self.have += wanted;
            piece = rest;
            if self.have == HEAD {
                let [_, length @ ..] = self.head;
                let length = u32::from_be_bytes(length) as usize;
                if length > limit {
                    return Err(length);
                }
                (self.have, self.left) = (0, length);
                self.ended += u64::from(length == 0);
            }
        }
    }

    /// How many messages have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.ended
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn is_within(&self) -> bool {
        self.have > 0 || self.left > 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(lengths: &[u8]) -> Vec<u8> {
        let messages = lengths.iter().flat_map(|length| {
            let head = [0, 0, 0, 0, *length];
            head.into_iter().chain(vec![7; usize::from(*length)])
        });
        messages.collect()
    }

    proptest! {
        #[test]
        fn messages_end_where_they_end_however_they_are_cut(
            lengths in proptest::collection::vec(0u8..40, 1..8),
            size in 1usize..30,
        ) {
            let sent = sent(&lengths);
            let mut framing = Framing::default();
            let mut ends = vec![0];
            for length in &lengths {
                ends.push(ends[ends.len() - 1] + HEAD + usize::from(*length));
            }
            let mut at = 0;
            for piece in sent.chunks(size) {
                framing.take(piece, 40).unwrap();
                at += piece.len();
                prop_assert_eq!(framing.is_within(), !ends.contains(&at));
                let ended = ends[1..].iter().filter(|end| **end <= at).count();
                prop_assert_eq!(framing.ended(), ended as u64);
            }
        }
    }

    #[test]
    fn a_message_over_the_limit_is_known_by_its_head() {
        let mut framing = Framing::default();
        assert_eq!(framing.take(&sent(&[9, 10])[..14], 9), Ok(()));
        assert_eq!(framing.take(&[0, 0, 0, 0], 9), Ok(()));
        assert!(framing.is_within());
        assert_eq!(framing.take(&[10], 9), Err(10));
    }
}
