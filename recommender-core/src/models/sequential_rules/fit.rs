//! Counting which item follows which.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::error::Result;
use crate::models::sequential_rules::{SequentialRules, SequentialRulesConfig};
use crate::recommender::FitOptions;
use crate::sessions::Sessions;
use crate::sparse::{Accumulator, BestOf, SparseMatrix, SparseRow};

/// Items one task works on; fixed, so that nothing depends on the number of threads.
const ITEMS_PER_TASK: usize = 256;

/// Consecutive rows of the rules.
type Rows = Vec<Vec<(u32, f32)>>;

impl SequentialRulesConfig {
    /// Learns the rules of the sessions of `dataset`.
    ///
    /// Time is proportional to the events times [`SequentialRulesConfig::steps`], memory to the events and to
    /// `items × neighbours`.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) if a setting is out of range, [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn fit(&self, dataset: &Dataset, options: &FitOptions) -> Result<SequentialRules> {
        self.validate()?;
        options.run(|| {
            options.step("cutting sessions", 0.0)?;
            let sessions = Sessions::of(dataset, &self.sessions())?;
            let places = Places::of(&sessions, dataset.items().len());
            let rules = self.rules(&sessions, &places, options)?;
            options.step("rules", 1.0)?;
            SequentialRules::new(self.clone(), rules)
        })
    }

    fn rules(
        &self,
        sessions: &Sessions,
        places: &Places,
        options: &FitOptions,
    ) -> Result<SparseMatrix> {
        let items = places.offsets.len() - 1;
        let tasks = items.div_ceil(ITEMS_PER_TASK);
        let done = AtomicUsize::new(0);
        let scratch = || (Accumulator::new(items), BestOf::new(self.neighbours));
        let parts: Vec<Rows> = (0..tasks)
            .into_par_iter()
            .map_init(scratch, |(sums, best), task| {
                let finished = done.fetch_add(1, Ordering::Relaxed);
                options.step("rules", finished as f64 / tasks as f64)?;
                let start = task * ITEMS_PER_TASK;
                let rows = start..items.min(start + ITEMS_PER_TASK);
                Ok(rows
                    .map(|item| self.row(sessions, places.of_item(item), (sums, best)))
                    .collect())
            })
            .collect::<Result<_>>()?;
        SparseMatrix::from_rows(items, parts.into_iter().flatten())
    }

    /// What follows an item that stands at `places`, for each time it does.
    fn row(
        &self,
        sessions: &Sessions,
        places: &[(u32, u32)],
        (sums, best): (&mut Accumulator, &mut BestOf),
    ) -> Vec<(u32, f32)> {
        for &(session, place) in places {
            let items = sessions.items(session as usize);
            let later = &items[place as usize + 1..];
            for (item, distance) in later.iter().zip(1..=self.steps) {
                let weight = self.step_weight.of(distance);
                let one = SparseRow {
                    indices: &[item.0],
                    values: &[1.0],
                };
                sums.add(weight, one);
            }
        }
        let scale = 1.0 / places.len().max(1) as f32;
        for (item, sum) in sums.drain() {
            best.offer(item, sum * scale);
        }
        best.take_by_index().to_vec()
    }
}

/// Where each item stands: its sessions and its places there.
struct Places {
    offsets: Vec<u32>,
    places: Vec<(u32, u32)>,
}

impl Places {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a table refuses to grow past u32 rows"
    )]
    fn of(sessions: &Sessions, items: usize) -> Self {
        let mut offsets = vec![0u32; items + 1];
        let all = || (0..sessions.len()).map(|session| (session, sessions.items(session)));
        for item in all().flat_map(|(_, items)| items) {
            offsets[item.0 as usize + 1] += 1;
        }
        for item in 0..items {
            offsets[item + 1] += offsets[item];
        }
        let mut next = offsets.clone();
        let mut places = vec![(0, 0); offsets[items] as usize];
        for (session, items) in all() {
            for (place, item) in items.iter().enumerate() {
                let at = &mut next[item.0 as usize];
                places[*at as usize] = (session as u32, place as u32);
                *at += 1;
            }
        }
        Self { offsets, places }
    }

    fn of_item(&self, item: usize) -> &[(u32, u32)] {
        &self.places[self.offsets[item] as usize..self.offsets[item + 1] as usize]
    }
}
