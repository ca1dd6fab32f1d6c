//! A list on its way to an answer: in the model's numbering, with what each score is made of.

use recommender_core::ItemIx;
use recommender_core::pipeline::Explained;
use recommender_core::{Scored, Source};

/// What a share of a score comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A source of the pipeline.
    Model(Source),
    /// The control of this place in the serving config.
    Control(usize),
    /// Room for products unlike those before.
    Diversity,
    /// What was searched for.
    Search,
    /// The score that the caller gave.
    BaseScore,
}

/// How a product came into the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Origin {
    /// A source proposed it.
    #[default]
    Proposed,
    /// A control put it there.
    Rule,
    /// It fills up past the filter of the request.
    Backfill,
    /// It was drawn in place of another.
    Explored,
}

/// A product of the list.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) item: ItemIx,
    pub(crate) score: f32,
    /// The probability with which it was to stand where it stands.
    pub(crate) propensity: f64,
    /// The source that contributed most; none if no source proposed it.
    pub(crate) source: Option<Source>,
    pub(crate) origin: Origin,
    /// What the score is made of; nothing if nobody asked.
    pub(crate) shares: Vec<(Cause, f32)>,
    /// The control that moved it before what scores higher.
    pub(crate) raised_by: Option<usize>,
}

impl Entry {
    /// A product that no source proposed.
    pub(crate) fn unproposed(item: ItemIx) -> Self {
        Self {
            item,
            score: 0.0,
            propensity: 1.0,
            source: None,
            origin: Origin::Proposed,
            shares: Vec::new(),
            raised_by: None,
        }
    }
}

impl From<Scored> for Entry {
    fn from(scored: Scored) -> Self {
        Self {
            score: scored.score,
            source: Some(scored.source),
            ..Self::unproposed(scored.item)
        }
    }
}

impl From<Explained> for Entry {
    fn from(explained: Explained) -> Self {
        let shares = explained.contributions.into_iter();
        let shares = shares.map(|(source, share)| (Cause::Model(source), share));
        Self {
            shares: shares.collect(),
            ..Self::from(explained.scored)
        }
    }
}

/// Products, the best first.
#[derive(Debug, Default)]
pub(crate) struct Shortlist {
    pub(crate) entries: Vec<Entry>,
    /// Whether shares are kept.
    pub(crate) explained: bool,
}

/// A little more than the whole of a span, so that who is moved by all of it comes before who stands at its end.
const WHOLE: f32 = 1.001;

impl Shortlist {
    /// Changes the score of an entry.
    pub(crate) fn add(&mut self, place: usize, cause: Cause, amount: f32) {
        let entry = &mut self.entries[place];
        entry.score += amount;
        if self.explained {
            entry.shares.push((cause, amount));
        }
    }

    /// Puts entries behind the others, scored below them.
    pub(crate) fn append(&mut self, entries: Vec<Entry>) {
        let floor = self.entries.last().map_or(0.0, |entry| entry.score);
        let best = entries.first().map_or(1.0, |entry| entry.score.abs());
        let best = best.max(f32::MIN_POSITIVE);
        for mut entry in entries {
            entry.score = floor.min(0.0) - 1.0 + (entry.score / best).max(-f32::MAX / 4.0);
            if self.explained {
                let cause = entry.source.map(Cause::Model);
                entry.shares = cause
                    .into_iter()
                    .map(|cause| (cause, entry.score))
                    .collect();
            }
            self.entries.push(entry);
        }
    }

    /// What parts the best from the worst.
    pub(crate) fn span(&self) -> f32 {
        let scores = || self.entries.iter().map(|entry| entry.score);
        let best = scores().fold(f32::NEG_INFINITY, f32::max);
        let worst = scores().fold(f32::INFINITY, f32::min);
        let span = (best - worst) * WHOLE;
        if span.is_finite() && span > 0.0 {
            span
        } else {
            1.0
        }
    }

    /// Best first; ties to the lower index.
    pub(crate) fn sort(&mut self) {
        self.entries
            .sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
    }

    /// Whether an item is in the list.
    pub(crate) fn place_of(&self, item: ItemIx) -> Option<usize> {
        self.entries.iter().position(|entry| entry.item == item)
    }

    /// Makes the scores say the order: who was moved behind worse ones scores no more than they, and who was raised by
    /// a control no less than those behind.
    pub(crate) fn settle(&mut self) {
        let mut most = f32::INFINITY;
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            if entry.raised_by.is_some() {
                continue;
            }
            if entry.score > most {
                self.add(place, Cause::Diversity, most - entry.score);
                self.entries[place].score = most;
            }
            most = self.entries[place].score;
        }
        let mut least = f32::NEG_INFINITY;
        for place in (0..self.entries.len()).rev() {
            let Some(control) = self.entries[place].raised_by else {
                least = self.entries[place].score;
                continue;
            };
            let before = self.entries[..place].iter().rev();
            let before = before
                .filter(|entry| entry.raised_by.is_none())
                .map(|entry| entry.score)
                .next();
            let score = self.entries[place].score;
            let settled = score.max(least).min(before.unwrap_or(f32::INFINITY));
            if settled.total_cmp(&score).is_ne() {
                self.add(place, Cause::Control(control), settled - score);
                self.entries[place].score = settled;
            }
            least = settled;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(scores: &[(f32, Option<usize>)]) -> Shortlist {
        let entry = |(item, &(score, raised_by)): (u32, &(f32, Option<usize>))| Entry {
            item: ItemIx(item),
            score,
            propensity: 1.0,
            source: Some(Source(0)),
            origin: Origin::Proposed,
            shares: vec![(Cause::Model(Source(0)), score)],
            raised_by,
        };
        Shortlist {
            entries: (0..).zip(scores).map(entry).collect(),
            explained: true,
        }
    }

    fn assert_settled(list: &Shortlist) {
        let scores: Vec<f32> = list.entries.iter().map(|entry| entry.score).collect();
        assert!(
            scores.windows(2).all(|pair| pair[0] >= pair[1]),
            "{scores:?}"
        );
        for entry in &list.entries {
            let sum: f32 = entry.shares.iter().map(|share| share.1).sum();
            assert!((sum - entry.score).abs() < 1e-5, "{entry:?}");
        }
    }

    #[test]
    fn scores_say_the_order_whatever_was_moved() {
        let mut seed = 7u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 16
        };
        for _ in 0..200 {
            let entry = |_| {
                let score = f32::from(u8::try_from(random() % 40).unwrap()) - 20.0;
                (score, (random() % 4 == 0).then_some(3))
            };
            let scores: Vec<_> = (0..9).map(entry).collect();
            let mut list = list(&scores);
            list.settle();
            assert_settled(&list);
        }
    }

    #[test]
    fn what_stays_in_place_keeps_its_score() {
        let mut shortlist = list(&[(5.0, None), (1.0, Some(0)), (4.0, None), (3.0, None)]);
        shortlist.settle();
        let scores: Vec<f32> = shortlist.entries.iter().map(|entry| entry.score).collect();
        assert_eq!(scores, [5.0, 4.0, 4.0, 3.0]);
        assert_eq!(shortlist.entries[1].shares[1], (Cause::Control(0), 3.0));
    }

    #[test]
    fn what_is_appended_stands_below() {
        let mut shortlist = list(&[(5.0, None), (-4.0, None)]);
        shortlist.append(list(&[(900.0, None), (0.0, None)]).entries);
        assert_settled(&shortlist);
        assert_eq!(shortlist.entries[2].score, -4.0);
    }
}
