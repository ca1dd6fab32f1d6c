//! How likely the next event of a visit returns to an item of it, learned from sessions.
//!
//! Whether a visitor goes back depends little on which items they are and much on how the visit stands: who looked at an
//! item twice in a row often does so again, who went from one item to another often goes back to the first. To keep
//! the chance of returning apart from what is new is the idea of Ren, Chen, Li, Ren, Ma & de Rijke, *RepeatNet*, AAAI
//! 2019; here the chance is counted.

use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::ids::ItemIx;
use crate::sessions::Sessions;

/// Places of a visit that are told apart, by recency: the item at hand is at 0.
const PLACES: usize = 8;

/// Ways a visit can stand: so many different items, up to [`PLACES`], and whether the last came twice in a row.
const STANDS: usize = 2 * PLACES;

/// Events of no return are assumed beside those of each way a visit stands.
const PRIOR: f64 = 10.0;

/// Returns are assumed at each place, so that none is impossible.
const PRIOR_RETURNS: f64 = 0.1;

/// For each way a visit can stand, the chance that the next event returns to the item at each place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Revisits(Buffer<f32>);

/// The different items of a visit by recency, as many as have places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// The latest first.
    pub(super) items: Vec<ItemIx>,
    /// Whether the last item came twice in a row.
    again: bool,
}

impl Standing {
    /// How a visit of `items`, oldest first, stands.
    pub(super) fn of(items: &[ItemIx]) -> Self {
        let mut standing = Self::default();
        for &item in items {
            standing.go_to(item);
        }
        standing
    }

    /// Moves on to `item`; gives the place it had.
    fn go_to(&mut self, item: ItemIx) -> Option<usize> {
        let place = self.items.iter().position(|&seen| seen == item);
        self.again = place == Some(0);
        match place {
            Some(place) => self.items[..=place].rotate_right(1),
            None => {
                self.items.truncate(PLACES - 1);
                self.items.insert(0, item);
            }
        }
        place
    }

    /// The number of this way to stand.
    fn number(&self) -> usize {
        2 * (self.items.len() - 1) + usize::from(self.again)
    }
}

impl Revisits {
    /// Counts the returns in `sessions`.
    #[expect(clippy::cast_possible_truncation, reason = "shares are f32")]
    pub(super) fn learn(sessions: &Sessions) -> Self {
        let mut counts = vec![[0u32; PLACES + 1]; STANDS];
        for session in 0..sessions.len() {
            let mut standing = Standing::default();
            for &item in sessions.items(session) {
                let before = (!standing.items.is_empty()).then(|| standing.number());
                let place = standing.go_to(item).unwrap_or(PLACES);
                if let Some(before) = before {
                    counts[before][place] += 1;
                }
            }
        }
        let share = |counts: &[u32; PLACES + 1]| {
            let events: f64 = counts.iter().map(|&count| f64::from(count)).sum();
            let returns = counts.map(|count| (f64::from(count) + PRIOR_RETURNS) / (events + PRIOR));
            returns.into_iter().take(PLACES).map(|share| share as f32)
        };
        Self(counts.iter().flat_map(share).collect::<Vec<_>>().into())
    }

    /// Takes up what [`Revisits::shares`] gave.
    ///
    /// # Errors
    /// [`Error::Data`] if they are no shares.
    pub(super) fn of_shares(shares: Buffer<f32>) -> Result<Self> {
        let sums = shares
            .chunks_exact(PLACES)
            .map(|row| row.iter().sum::<f32>());
        let fits = shares.len() == STANDS * PLACES
            && shares.iter().all(|&share| share > 0.0)
            && sums.into_iter().all(|sum| sum <= 1.0);
        if !fits {
            return Err(Error::data("revisits", "they are no shares of events"));
        }
        Ok(Self(shares))
    }

    /// The chances, by way to stand, then place.
    pub(super) fn shares(&self) -> &[f32] {
        &self.0
    }

    /// The chance of a return to the items of `standing`, in their order.
    fn of(&self, standing: &Standing) -> &[f32] {
        let start = standing.number() * PLACES;
        &self.0[start..start + standing.items.len()]
    }

    /// Makes chances of `scores`: each known item of `standing` has that of a return to it, and all others share the
    /// rest by their scores.
    pub(super) fn mix(
        &self,
        standing: &Standing,
        known: impl Fn(ItemIx) -> bool,
        scores: &mut Vec<(ItemIx, f32)>,
    ) {
        let returns = self.of(standing);
        let place = |item: ItemIx| standing.items.iter().position(|&seen| seen == item);
        scores.retain(|&(item, _)| place(item).is_none());
        let all: f32 = scores.iter().map(|&(_, score)| score).sum();
        let rest = (1.0 - returns.iter().sum::<f32>()).max(0.0);
        if all > 0.0 {
            let share = rest / all;
            scores.iter_mut().for_each(|(_, score)| *score *= share);
        }
        let items = standing.items.iter().copied().zip(returns.iter().copied());
        scores.extend(items.filter(|&(item, _)| known(item)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(numbers: &[u32]) -> Vec<ItemIx> {
        numbers.iter().copied().map(ItemIx).collect()
    }

    #[test]
    fn a_visit_stands_by_its_different_items_and_whether_the_last_came_again() {
        let standing = Standing::of(&items(&[1, 2, 1, 3, 3]));
        assert_eq!(standing.items, items(&[3, 1, 2]));
        assert_eq!(standing.number(), 2 * 2 + 1);
        let many = Standing::of(&(0..100).map(ItemIx).collect::<Vec<_>>());
        assert_eq!(many.items.len(), PLACES);
        assert_eq!(many.items[0], ItemIx(99));
        assert_eq!(many.number(), STANDS - 2);
    }

    #[test]
    fn chances_of_returns_and_shares_of_the_rest_add_up_to_one() {
        let mut shares = vec![0.01; STANDS * PLACES];
        shares[2 * PLACES] = 0.1;
        shares[2 * PLACES + 1] = 0.3;
        let revisits = Revisits::of_shares(shares.into()).unwrap();
        let standing = Standing::of(&items(&[5, 6]));
        let mut scores = vec![(ItemIx(6), 9.0), (ItemIx(1), 3.0), (ItemIx(2), 1.0)];
        revisits.mix(&standing, |item| item != ItemIx(5), &mut scores);
        let rounded = |&(item, score): &(ItemIx, f32)| (item.0, (score * 100.0).round());
        let rounded: Vec<(u32, f32)> = scores.iter().map(rounded).collect();
        assert_eq!(rounded, [(1, 45.0), (2, 15.0), (6, 10.0)]);
        assert!(Revisits::of_shares(vec![0.1; 3].into()).is_err());
        assert!(Revisits::of_shares(vec![f32::NAN; STANDS * PLACES].into()).is_err());
        assert!(Revisits::of_shares(vec![0.5; STANDS * PLACES].into()).is_err());
    }
}
