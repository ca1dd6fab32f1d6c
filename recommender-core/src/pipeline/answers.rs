//! Many questions at once: each source is asked by the batch, and every answer is the one that a single question gets.

use rayon::prelude::*;

use crate::error::Result;
use crate::ids::ItemIx;
use crate::pipeline::{FittedSource, Pipeline, blend};
use crate::query::{Candidates, ItemSet, Query};
use crate::ranked::{Ranked, Scored};

/// Questions answered at a time, so that the lists of the sources take no memory to speak of.
pub(super) const CHUNK: usize = 1024;

/// An answer and the proposals it was blended from.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) ranked: Ranked,
    pub(super) proposals: Vec<Scored>,
}

impl Pipeline {
    /// The answers to `queries`, in their order.
    pub(super) fn answers(&self, queries: &[Query]) -> Result<Vec<Answer>> {
        let pooled: Vec<Query> = queries.iter().map(|query| self.pooled(query)).collect();
        let lists = self.lists(&pooled)?;
        let mut answers = each(&pooled, |place, query| {
            let of_query = lists.iter().map(|of_source| &of_source[place]);
            let proposals = self.blend.proposals(query, of_query);
            let ranked = blend::merge(query, &proposals)?;
            Ok(Answer { ranked, proposals })
        })?;
        self.fill_short(&pooled, &mut answers)?;
        for (answer, (pooled, query)) in answers.iter_mut().zip(pooled.iter().zip(queries)) {
            let mut ranked = std::mem::take(&mut answer.ranked);
            for rerank in &self.reranks {
                ranked = rerank.rerank(pooled, ranked)?;
            }
            answer.ranked = ranked.truncated(query.limit);
        }
        Ok(answers)
    }

    /// The question to the sources; a limit of zero stays one.
    fn pooled(&self, query: &Query) -> Query {
        let limit = match query.limit {
            0 => 0,
            limit => limit.max(self.pool),
        };
        Query {
            limit,
            ..query.clone()
        }
    }

    /// What each source proposes to each of `queries`, whose limits are those of the pool: by source, then query.
    pub(crate) fn proposed(&self, queries: &[Query]) -> Result<Vec<Vec<Ranked>>> {
        let ask = |source: &FittedSource| ask(source, queries);
        self.sources.iter().map(ask).collect()
    }

    /// The lists that are blended: what each source proposes, completed if the blend wants it.
    fn lists(&self, queries: &[Query]) -> Result<Vec<Vec<Ranked>>> {
        let lists = self.proposed(queries)?;
        if self.blend.is_completed() && self.sources.len() > 1 {
            return self.completed(queries, lists);
        }
        Ok(lists)
    }

    /// Asks every source for what the others proposed to `queries` and it did not; `lists` are by source, then query.
    pub(crate) fn completed(
        &self,
        queries: &[Query],
        lists: Vec<Vec<Ranked>>,
    ) -> Result<Vec<Vec<Ranked>>> {
        let unions = each(queries, |place, _| {
            let items = lists.iter().flat_map(|of_source| of_source[place].items());
            Ok(ItemSet::from_iter(items))
        })?;
        let complete = |(source, lists): (&FittedSource, Vec<Ranked>)| {
            let missing = each(queries, |place, query| {
                let own: ItemSet = lists[place].items().collect();
                let others = unions[place].as_slice().iter().copied();
                let others: Vec<ItemIx> = others.filter(|&item| !own.contains(item)).collect();
                Ok(Query {
                    limit: others.len(),
                    candidates: Candidates::Only(others.into_iter().collect()),
                    ..query.clone()
                })
            })?;
            let further = ask(source, &missing)?;
            each(&lists, |place, list| {
                let entries = list.entries().iter().chain(further[place].entries());
                Ranked::top_scored(&Query::new(usize::MAX), entries.copied())
            })
        };
        self.sources.iter().zip(lists).map(complete).collect()
    }

    /// Appends the fallback's items to the answers that are too short.
    fn fill_short(&self, pooled: &[Query], answers: &mut [Answer]) -> Result<()> {
        let Some(fallback) = &self.fallback else {
            return Ok(());
        };
        let of_answer = |(place, (query, answer)): (usize, (&Query, &Answer))| {
            let missing = query.limit - answer.ranked.len();
            let mut query = query.clone();
            query.limit = missing;
            query.exclusions.extend(answer.ranked.items());
            (missing > 0).then_some((place, query))
        };
        let pairs = pooled.iter().zip(&*answers).enumerate();
        let (places, queries): (Vec<usize>, Vec<Query>) = pairs.filter_map(of_answer).unzip();
        if queries.is_empty() {
            return Ok(());
        }
        for (place, filler) in places.into_iter().zip(ask(fallback, &queries)?) {
            answers[place].ranked = self.filled(&answers[place].ranked, &filler)?;
        }
        Ok(())
    }

    /// `ranked` with `filler` behind it, scored below everything the sources proposed.
    fn filled(&self, ranked: &Ranked, filler: &Ranked) -> Result<Ranked> {
        let best = filler
            .entries()
            .first()
            .map_or(1.0, |entry| entry.score.abs().max(f32::MIN_POSITIVE));
        let floor = ranked
            .entries()
            .last()
            .map_or(0.0, |entry| entry.score.min(0.0));
        let mut entries = ranked.entries().to_vec();
        entries.extend(filler.entries().iter().map(|entry| Scored {
            item: entry.item,
            score: floor - 1.0 + entry.score / best,
            source: blend::number(self.sources.len()),
        }));
        Ranked::from_ordered(entries)
    }
}

/// A lone question stays on its thread; several are the model's own batch.
fn ask(source: &FittedSource, queries: &[Query]) -> Result<Vec<Ranked>> {
    match queries {
        [query] => Ok(vec![source.model.recommend(query)?]),
        _ => source.model.recommend_batch(queries),
    }
}

/// `work` on each entry with its place, in parallel if there are several; the first error in their order.
fn each<T: Sync, R: Send>(
    entries: &[T],
    work: impl Fn(usize, &T) -> Result<R> + Send + Sync,
) -> Result<Vec<R>> {
    match entries {
        [entry] => Ok(vec![work(0, entry)?]),
        _ => {
            let numbered = entries.par_iter().enumerate();
            numbered.map(|(place, entry)| work(place, entry)).collect()
        }
    }
}
