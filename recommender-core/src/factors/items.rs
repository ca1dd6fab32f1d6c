//! Items with a vector each: the answer to a shopper's vector.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::artifact::{TensorSink, Tensors};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::factors::matrix::Factors;
use crate::factors::scan::{Catalogue, Scan, Search};
use crate::factors::vector::{LANES, Rows, dot, on_best_simd};
use crate::ids::{DenseIndex, ItemIx};
use crate::query::Query;
use crate::ranked::{Best, Ranked};

/// The items a factor model answers, each with its vector.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ItemFactors {
    /// The items that have a vector, ascending.
    items: Buffer<u32>,
    width: usize,
    /// Row after row, each padded with zeros to `width`.
    values: Buffer<f32>,
    /// The same in bytes.
    scan: Scan,
}

impl ItemFactors {
    /// The rows of `factors` that `items`, ascending, stand for.
    pub(crate) fn new(items: &[ItemIx], factors: &Factors) -> Self {
        let mut values = Vec::with_capacity(items.len() * factors.width());
        for item in items {
            values.extend_from_slice(factors.row(item.position()));
        }
        let numbers: Vec<u32> = items.iter().map(|item| item.0).collect();
        Self::scanned(numbers.into(), factors.width(), values.into())
    }

    /// Takes up what [`ItemFactors::save`] put down.
    ///
    /// # Errors
    /// [`Error::Data`] if a tensor is missing, does not fit the other or holds what is no number.
    pub(crate) fn load(tensors: &Tensors) -> Result<Self> {
        let (_, items) = tensors.get::<u32>("items")?;
        let (shape, values) = tensors.get::<f32>("factors")?;
        let &[rows, width] = &*shape else {
            return Err(Error::data("factors", "the factors are no matrix"));
        };
        let fits = rows == items.len() && width.is_multiple_of(LANES) && width > 0;
        if !fits || items.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::data("factors", "the factors do not fit the items"));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::data("factors", "a factor is not finite"));
        }
        Ok(Self::scanned(items, width, values))
    }

    fn scanned(items: Buffer<u32>, width: usize, values: Buffer<f32>) -> Self {
        Self {
            scan: Scan::new(Rows::new(&values, width)),
            items,
            width,
            values,
        }
    }

    /// Puts the items and their vectors into `tensors`.
    pub(crate) fn save<'a>(&'a self, tensors: &mut TensorSink<'a>) {
        tensors.put("items", &[self.items.len()], &self.items);
        tensors.put("factors", &[self.items.len(), self.width], &self.values);
    }

    /// The items that have a vector, ascending.
    pub(crate) fn items(&self) -> &[u32] {
        &self.items
    }

    /// How many items have a vector.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rows number items, which are u32"
    )]
    pub(crate) fn rows(&self) -> u32 {
        self.items.len() as u32
    }

    /// One more than the highest item that has a vector.
    pub(crate) fn item_bound(&self) -> usize {
        self.items.last().map_or(0, |&item| item as usize + 1)
    }

    /// The row of `item`, if it has one.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rows number items, which are u32"
    )]
    pub(crate) fn row_of(&self, item: ItemIx) -> Option<u32> {
        self.items.binary_search(&item.0).ok().map(|row| row as u32)
    }

    /// Numbers a vector takes, its padding included.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// All vectors, for the kernels.
    pub(crate) fn view(&self) -> Rows<'_> {
        Rows::new(&self.values, self.width)
    }

    /// The best items for the shopper of `vector`: the same list as if every item were scored.
    ///
    /// # Errors
    /// [`Error::Internal`] if a score is not finite.
    pub(crate) fn top(&self, query: &Query, vector: &[f32]) -> Result<Ranked> {
        let mut answers = self.top_of_each(&[(query, vector)])?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// As [`ItemFactors::top`], for every query, in parallel: some shoppers go through the items together.
    ///
    /// `fold_in` finds the shopper's vector and puts it in place of zeros; she gets an empty list if it says that there
    /// is none.
    ///
    /// # Errors
    /// As [`ItemFactors::top`].
    pub(crate) fn top_in_parallel<S: Send>(
        &self,
        queries: &[Query],
        scratch: impl Fn() -> S + Send + Sync,
        fold_in: impl Fn(&Query, &mut S, &mut [f32]) -> bool + Send + Sync,
    ) -> Result<Vec<Ranked>> {
        let tasks = TASKS_PER_THREAD * rayon::current_num_threads();
        let shoppers = queries.len().div_ceil(tasks).clamp(1, MOST_SHOPPERS);
        let answer = |scratch: &mut S, queries: &[Query]| {
            let mut vectors = vec![0.0; queries.len() * self.width];
            let mut asked = Vec::with_capacity(queries.len());
            let mut unknown = Vec::new();
            for (query, vector) in queries.iter().zip(vectors.chunks_exact_mut(self.width)) {
                if fold_in(query, scratch, vector) {
                    asked.push((query, &*vector));
                } else {
                    unknown.push(asked.len() + unknown.len());
                }
            }
            let mut answers = self.top_of_each(&asked)?;
            for place in unknown {
                answers.insert(place, Ranked::empty());
            }
            Ok(answers)
        };
        let parts = queries.par_chunks(shoppers);
        let answers: Result<Vec<Vec<Ranked>>> = parts.map_init(scratch, answer).collect();
        Ok(answers?.into_iter().flatten().collect())
    }

    fn top_of_each(&self, asked: &[(&Query, &[f32])]) -> Result<Vec<Ranked>> {
        let mut answers = vec![Ranked::empty(); asked.len()];
        let mut of_all = Vec::new();
        for (answer, &(query, vector)) in answers.iter_mut().zip(asked) {
            match self.few_candidates(query) {
                Some(candidates) => {
                    let best = on_best_simd(Listed {
                        items: self,
                        candidates: &candidates,
                        vector,
                        best: Best::new(query),
                    });
                    *answer = best?.into_ranked();
                }
                None => of_all.push((answer, (vector, Best::new(query)))),
            }
        }
        let (places, asked): (Vec<&mut Ranked>, Vec<_>) = of_all.into_iter().unzip();
        let catalogue = Catalogue {
            scan: &self.scan,
            vectors: self.view(),
            items: &self.items,
        };
        let found = on_best_simd(Search { catalogue, asked });
        for (answer, best) in places.into_iter().zip(found?) {
            *answer = best.into_ranked();
        }
        Ok(answers)
    }

    /// The candidates of `query`, if they are so few that each is looked up.
    fn few_candidates(&self, query: &Query) -> Option<Vec<ItemIx>> {
        let few = self.items.len() / FEW_CANDIDATES;
        query.candidates.fewer_than(few).map(Iterator::collect)
    }
}

/// Shoppers who go through the items together: the more, the less often the items are read from memory.
const MOST_SHOPPERS: usize = 16;

/// No fewer tasks than this for each thread, if there are queries enough.
const TASKS_PER_THREAD: usize = 4;

/// Fewer candidates than one in so many items are scored one by one.
const FEW_CANDIDATES: usize = 8;

/// A score for each of a few items.
struct Listed<'a, 'q> {
    items: &'a ItemFactors,
    candidates: &'a [ItemIx],
    vector: &'a [f32],
    best: Best<'q>,
}

impl<'q> WithSimd for Listed<'_, 'q> {
    type Output = Result<Best<'q>>;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> Self::Output {
        for &item in self.candidates {
            if let Some(row) = self.items.row_of(item) {
                let score = dot(simd, self.items.view().values(row), self.vector);
                self.best.offer(item, score)?;
            }
        }
        Ok(self.best)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::query::{Candidates, ItemBits, ItemSet};

    /// Vectors of many sorts: long tails of lengths, equal ones, zeros, tiny and huge ones.
    fn vectors(rows: usize, factors: usize, seed: u64) -> Factors {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut made = Factors::zeros(rows, factors);
        for row in 0..rows {
            let sort = random.random_range(0..12);
            let scale = match sort {
                0 => 0.0,
                1 => 1e-30,
                2 if seed.is_multiple_of(3) => 1e12,
                _ => random.random_range(0.01f32..1.0).powi(2),
            };
            if sort == 3 && row > 0 {
                let before = made.row(random.random_range(0..row)).to_vec();
                made.row_mut(row).copy_from_slice(&before);
                continue;
            }
            for value in &mut made.row_mut(row)[..factors] {
                let spike = if sort == 4 { 5 } else { 1 };
                *value = scale * random.random_range(-1.0f32..1.0).powi(spike);
            }
        }
        made
    }

    fn items_of(factors: &Factors, rows: u32) -> ItemFactors {
        // Items need not be numbered as rows are.
        let items: Vec<ItemIx> = (0..rows).map(|row| ItemIx(2 * row + 1)).collect();
        let mut spread = Factors::zeros(2 * rows as usize, factors.width());
        for (row, item) in items.iter().enumerate() {
            spread
                .row_mut(item.position())
                .copy_from_slice(factors.row(row));
        }
        ItemFactors::new(&items, &spread)
    }

    fn brute_force(items: &ItemFactors, query: &Query, vector: &[f32]) -> Ranked {
        let everything: Vec<ItemIx> = items.items().iter().map(|&item| ItemIx(item)).collect();
        let best = on_best_simd(Listed {
            items,
            candidates: &everything,
            vector,
            best: Best::new(query),
        });
        best.unwrap().into_ranked()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn the_answer_is_that_of_scoring_every_item(
            seed in 0u64..10_000,
            rows in 1u32..700,
            factors in 1usize..70,
            limit in 0usize..40,
        ) {
            let made = vectors(rows as usize, factors, seed);
            let items = items_of(&made, rows);
            let mut query = Query::new(limit);
            for vector in [vectors(3, factors, seed + 1).row(1), made.row(0), made.row(rows as usize / 2)] {
                prop_assert_eq!(items.top(&query, vector).unwrap(), brute_force(&items, &query, vector));
            }
            let vector = vectors(9, factors, seed + 2);
            query.exclusions = (0..rows).step_by(2).map(ItemIx).collect();
            prop_assert_eq!(items.top(&query, vector.row(8)).unwrap(), brute_force(&items, &query, vector.row(8)));
            for candidates in [rows / 20, rows, 2 * rows] {
                let candidates: ItemSet = (0..candidates).map(ItemIx).collect();
                let bits: ItemBits = candidates.as_slice().iter().copied().collect();
                for candidates in [Candidates::Only(candidates), Candidates::Within(bits.into())] {
                    query.candidates = candidates;
                    prop_assert_eq!(items.top(&query, vector.row(8)).unwrap(), brute_force(&items, &query, vector.row(8)));
                }
            }
        }
    }

    #[test]
    fn equal_vectors_are_answered_by_the_lower_item() {
        let mut made = Factors::zeros(1_000, 5);
        for row in 0..1_000 {
            made.row_mut(row)[..5].fill(0.1 + (row % 2) as f32);
        }
        let items = items_of(&made, 1_000);
        for vector in [made.row(0), made.row(1), &[0.0; 16]] {
            let negated: Vec<f32> = vector.iter().map(|x| -x).collect();
            for vector in [vector, &negated] {
                let query = Query::new(7);
                assert_eq!(
                    items.top(&query, vector).unwrap(),
                    brute_force(&items, &query, vector)
                );
            }
        }
    }

    #[test]
    fn a_wide_vector_is_scanned_within_its_bounds() {
        for factors in [256, 1_500, 4_096] {
            let made = vectors(200, factors, 9);
            let items = items_of(&made, 200);
            for row in 0..20 {
                let query = Query::new(5);
                assert_eq!(
                    items.top(&query, made.row(row)).unwrap(),
                    brute_force(&items, &query, made.row(row))
                );
            }
        }
    }

    #[test]
    fn a_score_past_all_numbers_is_an_error() {
        let mut made = Factors::zeros(2, 4);
        made.row_mut(1).fill(3e38);
        let items = items_of(&made, 2);
        let vector: Vec<f32> = iter::repeat_n(3e38, 16).collect();
        assert!(items.top(&Query::new(1), &vector).is_err());
    }
}
