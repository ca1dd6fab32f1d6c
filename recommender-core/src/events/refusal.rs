//! Products that a shopper refuses: hidden or disliked, and not taken up again since.

use crate::events::EventKind;
use crate::time::Timestamp;

/// Least rating that takes a refused product up again: the middle of the usual scale from 1 to 5.
pub const LEAST_TAKING_UP_RATING: f32 = 3.0;

/// What an event says for or against being shown its product again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stance {
    /// A purchase, an addition to the cart or a wish list, or a rating of at least [`LEAST_TAKING_UP_RATING`]: what was
    /// refused before is not refused any more.
    TakesUp,
    /// A dislike, or that the product shall be hidden: it is not answered to her from now on.
    Refuses,
}

impl Stance {
    /// What an event of `kind`, with the rating it gives, says; none where it says neither.
    ///
    /// ```
    /// use recommender_core::events::{EventKind, Stance};
    /// assert_eq!(Stance::of(&EventKind::Hide, None), Some(Stance::Refuses));
    /// assert_eq!(Stance::of(&EventKind::Rating, Some(4.5)), Some(Stance::TakesUp));
    /// assert_eq!(Stance::of(&EventKind::View, None), None);
    /// ```
    #[must_use]
    pub fn of(kind: &EventKind, rating: Option<f32>) -> Option<Self> {
        if kind.refuses() {
            return Some(Self::Refuses);
        }
        let taken = matches!(
            kind,
            EventKind::Purchase | EventKind::AddToCart | EventKind::Wishlist
        );
        let liked = *kind == EventKind::Rating
            && rating.is_some_and(|rating| rating >= LEAST_TAKING_UP_RATING);
        (taken || liked).then_some(Self::TakesUp)
    }
}

/// The products whose latest stance is a refusal, each once, ascending. `said` is what one shopper said, in any order; of
/// what she said at one moment the refusal stands.
///
/// ```
/// use recommender_core::Timestamp;
/// use recommender_core::events::{Stance, refused};
/// let said = vec![
///     ("cup", Timestamp(1), Stance::Refuses),
///     ("pot", Timestamp(2), Stance::Refuses),
///     ("cup", Timestamp(3), Stance::TakesUp),
/// ];
/// assert_eq!(refused(said), ["pot"]);
/// ```
#[must_use]
pub fn refused<K: Ord + Copy>(mut said: Vec<(K, Timestamp, Stance)>) -> Vec<K> {
    if !said.iter().any(|&(.., stance)| stance == Stance::Refuses) {
        return Vec::new();
    }
    // A refusal sorts behind what else was said at its moment.
    said.sort_unstable();
    let latest = said.chunk_by(|a, b| a.0 == b.0).filter_map(<[_]>::last);
    let refused = latest.filter(|&&(.., stance)| stance == Stance::Refuses);
    refused.map(|&(key, ..)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_word_counts_in_whatever_order_words_come() {
        use Stance::{Refuses, TakesUp};
        let words = [
            ("again refused", 1, Refuses),
            ("again refused", 2, TakesUp),
            ("again refused", 3, Refuses),
            ("at once", 5, Refuses),
            ("at once", 5, TakesUp),
            ("bought", 7, TakesUp),
            ("taken up", 4, Refuses),
            ("taken up", 6, TakesUp),
        ];
        for turn in 0..words.len() {
            let mut said = words.map(|(key, time, stance)| (key, Timestamp(time), stance));
            said.rotate_left(turn);
            assert_eq!(refused(said.into()), ["again refused", "at once"]);
        }
        assert!(refused(vec![("bought", Timestamp(7), TakesUp)]).is_empty());
    }

    #[test]
    fn every_kind_takes_a_side_or_none() {
        use EventKind::{AddToCart, Dislike, Hide, Purchase, Rating, Wishlist};
        let (refusing, taking_up) = ([Hide, Dislike], [Purchase, AddToCart, Wishlist]);
        for kind in EventKind::NAMED {
            let expected = if refusing.contains(&kind) {
                Some(Stance::Refuses)
            } else {
                taking_up.contains(&kind).then_some(Stance::TakesUp)
            };
            assert_eq!(Stance::of(&kind, None), expected, "{kind}");
        }
        assert_eq!(Stance::of(&Rating, Some(3.0)), Some(Stance::TakesUp));
        assert_eq!(Stance::of(&Rating, Some(2.5)), None);
        assert_eq!(Stance::of(&EventKind::View, Some(5.0)), None);
    }
}
