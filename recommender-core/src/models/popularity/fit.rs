//! Counting.

use crate::dataset::{Change, Dataset};
use crate::error::{Error, Result};
use crate::events::{Channel, EventRow, Stance, refused};
use crate::ids::DenseIndex;
use crate::interactions::HistoryEvent;
use crate::models::popularity::lists::Lists;
use crate::models::popularity::{Count, Popularity, PopularityConfig};
use crate::recommender::FitOptions;
use crate::time::Timestamp;

impl PopularityConfig {
    /// Counts the events of `dataset`.
    ///
    /// # Errors
    /// [`Error::Config`] if a setting is out of range, [`Error::Data`] if a window is asked of events without times,
    /// [`Error::Cancelled`].
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<Popularity> {
        self.validate()?;
        if self.window_days.is_some() && !dataset.table().has_times() {
            return Err(Error::data(
                "popularity",
                "window_days needs events that carry times",
            ));
        }
        let mut counter = Counter::new(self, dataset);
        let events: Vec<EventRow> = dataset.events().collect();
        let users = dataset.users().len().max(1);
        for rows in events.chunk_by(|a, b| a.user == b.user) {
            let user = rows[0].user.position();
            if user.is_multiple_of(4096) {
                options.step("counting", user as f64 / users as f64)?;
            }
            counter.add_user(rows)?;
        }
        options.step("counting", 1.0)?;
        counter.finish()
    }

    /// The model after `change`: [`Change::after`] is counted, byte for byte as [`PopularityConfig::fit`] does.
    ///
    /// One pass over the events is all a fit takes, and what a window or a list of a place counts depends on events that
    /// leave the rows of the matrix as they were, so there is nothing to gain from the counts before.
    ///
    /// # Errors
    /// As [`PopularityConfig::fit`].
    pub fn update(
        &self,
        _fitted: &Popularity,
        change: &Change<'_>,
        options: &FitOptions,
    ) -> Result<Popularity> {
        self.fit(change.after(), options)
    }
}

/// Items with what they count, several times each until they are summed.
type Counts = Vec<(u32, f64)>;

struct Counter<'a> {
    config: &'a PopularityConfig,
    dataset: &'a Dataset,
    from: Timestamp,
    whole: Vec<f64>,
    places: Vec<Counts>,
    channels: Vec<Counts>,
}

impl<'a> Counter<'a> {
    fn new(config: &'a PopularityConfig, dataset: &'a Dataset) -> Self {
        let end = dataset.interactions().end();
        let lists = |kept: bool, number: usize| vec![Counts::new(); if kept { number } else { 0 }];
        Self {
            config,
            dataset,
            from: config
                .window_days
                .map_or(Timestamp(i64::MIN), |days| end.minus_days(days)),
            whole: vec![0.0; dataset.items().len()],
            places: lists(config.per_place, dataset.places().len()),
            channels: lists(config.per_channel, Channel::ALL.len()),
        }
    }

    fn add_user(&mut self, rows: &[EventRow]) -> Result<()> {
        // By all she said, so that what she refuses counts at no place and in no window.
        let said = rows.iter().filter_map(|row| {
            let stance = Stance::of(&row.kind, row.rating)?;
            Some((row.item, row.time, stance))
        });
        let refused = refused(said.collect());
        let counts =
            |row: &&EventRow| row.time >= self.from && refused.binary_search(&row.item).is_err();
        let mut rows: Vec<&EventRow> = rows.iter().filter(counts).collect();
        for (item, count) in self.count(&rows)? {
            self.whole[item as usize] += count;
        }
        if !self.places.is_empty() {
            rows.sort_by_key(|row| row.place);
            for rows in rows.chunk_by(|a, b| a.place == b.place) {
                if let Some(place) = rows[0].place {
                    let counts = self.count(rows)?;
                    self.places[place.position()].extend(counts);
                }
            }
        }
        if !self.channels.is_empty() {
            rows.sort_by_key(|row| (row.channel, row.time));
            for rows in rows.chunk_by(|a, b| a.channel == b.channel) {
                if let Some(channel) = rows[0].channel {
                    let counts = self.count(rows)?;
                    self.channels[channel as usize].extend(counts);
                }
            }
        }
        Ok(())
    }

    /// What one user's events add to each item.
    fn count(&self, rows: &[&EventRow]) -> Result<Counts> {
        let events: Vec<HistoryEvent> = rows.iter().map(|&row| row.clone().into()).collect();
        let end = self.dataset.interactions().end();
        let weighed = self.dataset.config().weigh(&events, end)?;
        let counts = weighed.items.iter().map(|entry| {
            let count = match self.config.count {
                Count::Users => 1.0,
                Count::Weights => f64::from(entry.weight),
            };
            (entry.item.0, count)
        });
        Ok(counts.collect())
    }

    fn finish(self) -> Result<Popularity> {
        let total: f64 = self.whole.iter().sum();
        let share: Vec<f64> = self
            .whole
            .iter()
            .map(|count| if total > 0.0 { count / total } else { 0.0 })
            .collect();
        let shrinkage = self.config.shrinkage;
        Ok(Popularity::new(
            &share,
            Lists::shrunk(self.places, &share, shrinkage)?,
            Lists::shrunk(self.channels, &share, shrinkage)?,
        ))
    }
}
