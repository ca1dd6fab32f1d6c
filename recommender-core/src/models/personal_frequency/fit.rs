//! Counting how many shoppers have each item.

use crate::dataset::{Change, Dataset};
use crate::error::Result;
use crate::ids::DenseIndex;
use crate::ids::ItemIx;
use crate::models::personal_frequency::{PersonalFrequency, PersonalFrequencyConfig};
use crate::recommender::FitOptions;

impl PersonalFrequencyConfig {
    /// Counts the users of each item of `dataset`; a shopper's own counts are made when she asks.
    ///
    /// # Errors
    /// [`crate::Error::Config`] if a setting is out of range, [`crate::Error::Cancelled`].
    #[expect(clippy::cast_possible_truncation, reason = "a share lies in 0..1")]
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<PersonalFrequency> {
        self.validate()?;
        options.step("counting", 0.0)?;
        let rows = dataset.interactions().by_item().iter_rows();
        let counts: Vec<usize> = rows.map(|row| row.len()).collect();
        let most = counts.iter().max().copied().unwrap_or(0);
        // Below 1 even for the most popular: whatever the shopper had herself scores 1 and more.
        let share = |&count: &usize| (count as f64 / (most as f64 + 1.0)) as f32;
        let shares: Vec<f32> = counts.iter().map(share).collect();
        let mut order: Vec<u32> = (0..shares.len())
            .filter(|&item| self.popularity && counts[item] > 0)
            .map(|item| ItemIx::at(item).0)
            .collect();
        order.sort_by_key(|&item| std::cmp::Reverse(counts[item as usize]));
        options.step("counting", 1.0)?;
        Ok(PersonalFrequency {
            shares: shares.into(),
            order: order.into(),
            window: vec![
                self.window_baskets
                    .map_or(u64::MAX, |baskets| baskets as u64),
            ]
            .into(),
            gap_minutes: vec![self.gap_minutes as f32].into(),
        })
    }

    /// The model after `change`, byte for byte what [`PersonalFrequencyConfig::fit`] gives for [`Change::after`], by
    /// fitting it: that is one look at the length of each item's row.
    ///
    /// # Errors
    /// As [`PersonalFrequencyConfig::fit`].
    pub fn update(
        &self,
        _fitted: &PersonalFrequency,
        change: &Change<'_>,
        options: &FitOptions,
    ) -> Result<PersonalFrequency> {
        self.fit(change.after(), options)
    }
}
