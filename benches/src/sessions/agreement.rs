//! Whether two sides give the same lists.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::sessions::List;

/// How many lists of two sides agree, and why others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Agreement {
    /// The same items with the same scores in the same order, but for items that score the same.
    pub same: usize,
    /// As many with a choice among equals to make: sessions at the edge of the neighbours, which any rule may settle.
    pub tied: usize,
    /// Neither.
    pub different: usize,
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} lists the same, {} with neighbours that tie at the edge, {} different",
            self.same, self.tied, self.different
        )
    }
}

/// Two scores that differ by less are the same, computed in another order or precision.
const ROUNDING: f64 = 1e-5;

/// Compares lists of the same visits, each list in parts of its best score. `tied` says of which visits the neighbours
/// are a choice among equals.
#[must_use]
pub fn compare((ours, theirs): (&[List], &[List]), tied: &[bool]) -> Agreement {
    let mut agreement = Agreement::default();
    for ((ours, theirs), &tied) in ours.iter().zip(theirs).zip(tied) {
        if same(ours, theirs) {
            agreement.same += 1;
        } else if tied {
            agreement.tied += 1;
        } else {
            agreement.different += 1;
        }
    }
    agreement
}

/// Whether the scores fall alike, and whatever is above the last score stands in both with the same score.
fn same(ours: &List, theirs: &List) -> bool {
    let (Some(&(_, best)), Some(&(_, their_best))) = (ours.first(), theirs.first()) else {
        return ours.is_empty() && theirs.is_empty();
    };
    let factor = their_best / best;
    let near = |ours: f64, theirs: f64| (ours * factor - theirs).abs() <= ROUNDING * theirs.abs();
    let scores = ours.iter().zip(theirs).all(|(a, b)| near(a.1, b.1));
    let last = theirs.last().map_or(0.0, |&(_, score)| score);
    let known: BTreeMap<&str, f64> = theirs
        .iter()
        .map(|(item, score)| (&**item, *score))
        .collect();
    let above = |score: f64| score * factor > last * (1.0 + 2.0 * ROUNDING);
    let mut items = ours.iter().filter(|entry| above(entry.1));
    let held = items.all(|(item, score)| {
        let other = known.get(&**item);
        other.is_some_and(|&other| near(*score, other))
    });
    ours.len() == theirs.len() && scores && held
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(&str, f64)]) -> List {
        let entries = entries.iter();
        entries.map(|&(item, score)| (item.into(), score)).collect()
    }

    #[test]
    fn equals_may_stand_in_any_order_and_at_the_end_be_others() {
        let theirs = [list(&[("a", 2.0), ("b", 1.0), ("c", 1.0), ("d", 0.5)])];
        let tied = [false];
        let same = |ours: List| compare((&[ours], &theirs), &tied).same == 1;
        assert!(same(list(&[
            ("a", 1.0),
            ("c", 0.5),
            ("b", 0.5),
            ("e", 0.25)
        ])));
        assert!(!same(list(&[
            ("b", 1.0),
            ("a", 0.5),
            ("c", 0.5),
            ("d", 0.25)
        ])));
        assert!(!same(list(&[("a", 1.0), ("c", 0.5), ("b", 0.5)])));
        assert!(!same(list(&[
            ("a", 1.0),
            ("c", 0.5),
            ("b", 0.5),
            ("d", 0.2)
        ])));
        let other = [list(&[("z", 1.0)])];
        let found = compare((&other, &theirs), &[true]);
        assert_eq!((found.tied, found.different), (1, 0));
    }
}
