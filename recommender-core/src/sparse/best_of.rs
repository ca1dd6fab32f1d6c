//! The best of a row.

/// An entry as one integer, the better the greater; for scores above zero.
#[inline]
pub(super) fn key(column: u32, score: f32) -> u64 {
    u64::from(score.to_bits()) << 32 | u64::from(!column)
}

/// Keeps the best `limit` of many scored columns: cuts a row of a matrix, with ties to the lower index.
///
/// An entry is one integer: the bits of its score, which for positive numbers are in the order of the scores, above
/// the flipped bits of its column.
#[derive(Debug)]
pub(crate) struct BestOf {
    limit: usize,
    keys: Vec<u64>,
    /// The worst key kept at the last cut; nothing below it can stay.
    threshold: u64,
    entries: Vec<(u32, f32)>,
}

impl BestOf {
    /// An empty selection of at most `limit` entries.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            keys: Vec::new(),
            threshold: 0,
            entries: Vec::new(),
        }
    }

    /// Takes part with a column, offered once, and its score; one that is not above zero stays out.
    #[inline]
    pub(crate) fn offer(&mut self, column: u32, score: f32) {
        let key = key(column, score);
        if key > self.threshold && score > 0.0 {
            self.keys.push(key);
            if self.keys.len() >= self.limit.saturating_mul(2) {
                self.cut();
            }
        }
    }

    fn cut(&mut self) {
        if self.keys.len() > self.limit {
            let worst = self.limit - 1;
            let (_, &mut key, _) = self.keys.select_nth_unstable_by(worst, |a, b| b.cmp(a));
            self.keys.truncate(self.limit);
            self.threshold = key;
        }
    }

    /// The best entries, columns ascending; the selection is empty again.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the halves of a key are 32 bits each"
    )]
    pub(crate) fn take_by_index(&mut self) -> &[(u32, f32)] {
        self.cut();
        self.keys.sort_unstable_by_key(|&key| !(key as u32));
        let entry = |key: u64| (!(key as u32), f32::from_bits((key >> 32) as u32));
        self.entries.clear();
        self.entries.extend(self.keys.drain(..).map(entry));
        self.threshold = 0;
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_cut_to_its_best_with_ties_to_the_lower_column() {
        let mut best = BestOf::new(3);
        for round in 0..2 {
            for column in (0..100u32).rev() {
                let score = if column == 50 { 2.0 } else { 1.0 };
                best.offer(column, score);
            }
            best.offer(100, 0.0);
            assert_eq!(
                best.take_by_index(),
                [(0, 1.0), (1, 1.0), (50, 2.0)],
                "round {round}"
            );
        }
    }
}
