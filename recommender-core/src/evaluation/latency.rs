//! How long single requests take.

use crate::dataset::Dataset;
use crate::error::Result;
use crate::evaluation::cases::TestCases;
use crate::recommender::Recommender;

/// Requests timed, spread evenly over the cases.
const SAMPLE: usize = 200;

/// Median and 95 % quantile of the milliseconds of single requests, one after the other.
pub(super) fn request_milliseconds(
    recommender: &dyn Recommender,
    questions: (&Dataset, &TestCases),
    limit: usize,
    now: &dyn Fn() -> f64,
) -> Result<(f64, f64)> {
    let (dataset, cases) = questions;
    let sample = SAMPLE.min(cases.len());
    let mut milliseconds = Vec::with_capacity(sample);
    for place in 0..sample {
        let query = cases.query(dataset, place * cases.len() / sample, limit)?;
        let begin = now();
        recommender.recommend(&query)?;
        milliseconds.push((now() - begin) * 1000.0);
    }
    milliseconds.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| milliseconds[(sample * percent).div_ceil(100) - 1];
    Ok((at(50), at(95)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{CaseOptions, Split, split::tests::table};
    use crate::interactions::InteractionConfig;
    use crate::query::Query;
    use crate::ranked::Ranked;
    use std::cell::Cell;

    #[derive(Debug)]
    struct Silent;
    impl Recommender for Silent {
        fn recommend(&self, _query: &Query) -> Result<Ranked> {
            Ok(Ranked::empty())
        }
        fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
            Ok(vec![Ranked::empty(); queries.len()])
        }
    }

    #[test]
    fn quantiles_are_those_of_the_clock() {
        let names: Vec<String> = (0..100).map(|user| user.to_string()).collect();
        let mut rows: Vec<(&str, &str, i64)> = names.iter().map(|it| (&**it, "a", 1)).collect();
        rows.extend(names.iter().map(|it| (&**it, "b", 2)));
        let table = table(&rows);
        let split = Split::given_at(&table, 100).unwrap();
        let config = InteractionConfig::default();
        let dataset = Dataset::of_rows(table, split.train().to_vec(), vec![], config).unwrap();
        let cases = TestCases::new(&dataset, &split, CaseOptions::default()).unwrap();
        // The nth request takes n seconds: readings 0, 1, 1, 3, 3, 6, …
        let (reading, time) = (Cell::new(0u32), Cell::new(0.0));
        let now = || {
            if reading.get() % 2 == 1 {
                time.set(time.get() + f64::from(reading.get().div_ceil(2)));
            }
            reading.set(reading.get() + 1);
            time.get()
        };
        let found = request_milliseconds(&Silent, (&dataset, &cases), 5, &now).unwrap();
        assert_eq!(found, (50_000.0, 95_000.0));
    }
}
