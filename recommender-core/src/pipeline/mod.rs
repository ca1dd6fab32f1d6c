//! Sources → blend → fallback → rerank → cut: how several models give one answer.

pub mod blend;
mod config;
pub mod rerank;

pub use config::{ModelConfig, PipelineConfig, SourceConfig};

use crate::error::Result;
use crate::models::Model;
use crate::pipeline::blend::Blend;
use crate::query::Query;
use crate::ranked::{Ranked, Scored, Source};
use crate::recommender::{Recommender, Rerank, in_parallel};

/// A fitted model under the name answers are attributed to.
#[derive(Debug)]
pub struct FittedSource {
    /// Unique within the pipeline.
    pub name: String,
    /// The model.
    pub model: Box<dyn Model>,
}

/// A fitted pipeline.
///
/// Each source proposes up to `pool` items; the blend merges the lists; the fallback fills the pool
/// if the sources could not; the reranks reorder it; the first `limit` are the answer.
/// Source numbers follow the order of the sources; the fallback comes last.
#[derive(Debug)]
pub struct Pipeline {
    sources: Vec<FittedSource>,
    fallback: Option<FittedSource>,
    blend: Blend,
    reranks: Vec<Box<dyn Rerank>>,
    pool: usize,
}

/// An answer with what each source contributed to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The entry of the answer.
    pub scored: Scored,
    /// What each source added to the score; they sum to it. A fallback contributes the whole.
    pub contributions: Vec<(Source, f32)>,
}

impl Pipeline {
    /// The name of a source number of this pipeline's answers.
    ///
    /// # Panics
    /// If the number comes from another pipeline.
    #[must_use]
    pub fn source_name(&self, source: Source) -> &str {
        let number = usize::from(source.0);
        let named = self.sources.get(number).or(self.fallback.as_ref());
        &named
            .expect("a source number names a source or the fallback")
            .name
    }

    /// Whether `source` is the fallback, which knows nothing of the shopper.
    #[must_use]
    pub fn is_fallback(&self, source: Source) -> bool {
        usize::from(source.0) == self.sources.len()
    }

    /// Every source, the fallback last.
    pub fn sources(&self) -> impl Iterator<Item = &FittedSource> {
        self.sources.iter().chain(&self.fallback)
    }

    /// The answer to `query` with the contributions of each source.
    ///
    /// # Errors
    /// As [`Recommender::recommend`].
    pub fn explain(&self, query: &Query) -> Result<Vec<Explained>> {
        let (ranked, proposals) = self.answer(query)?;
        let explain = |&scored: &Scored| Explained {
            scored,
            contributions: self.contributions(&proposals, scored),
        };
        Ok(ranked.entries().iter().map(explain).collect())
    }

    fn contributions(&self, proposals: &[Scored], scored: Scored) -> Vec<(Source, f32)> {
        if self.is_fallback(scored.source) {
            return vec![(scored.source, scored.score)];
        }
        blend::contributions(proposals, scored.item)
    }

    /// The answer, and the proposals it was blended from.
    fn answer(&self, query: &Query) -> Result<(Ranked, Vec<Scored>)> {
        if query.limit == 0 {
            return Ok((Ranked::empty(), Vec::new()));
        }
        let pooled = Query {
            limit: query.limit.max(self.pool),
            ..query.clone()
        };
        let ask = |source: &FittedSource| source.model.recommend(&pooled);
        let lists: Vec<Ranked> = self.sources.iter().map(ask).collect::<Result<_>>()?;
        let proposals = self.blend.proposals(&lists);
        let ranked = self.rank(&pooled, &proposals)?;
        Ok((ranked.truncated(query.limit), proposals))
    }

    fn rank(&self, pooled: &Query, proposals: &[Scored]) -> Result<Ranked> {
        let mut ranked = blend::merge(pooled, proposals)?;
        if ranked.len() < pooled.limit {
            ranked = self.fill(pooled, ranked)?;
        }
        for rerank in &self.reranks {
            ranked = rerank.rerank(pooled, ranked)?;
        }
        Ok(ranked)
    }

    /// Appends the fallback's items, scored below everything the sources proposed.
    fn fill(&self, pooled: &Query, ranked: Ranked) -> Result<Ranked> {
        let Some(fallback) = &self.fallback else {
            return Ok(ranked);
        };
        let mut pooled = pooled.clone();
        pooled.limit -= ranked.len();
        pooled.exclusions.extend(ranked.items());
        let filler = fallback.model.recommend(&pooled)?;
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

impl Recommender for Pipeline {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        Ok(self.answer(query)?.0)
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        in_parallel(queries, || (), |query, ()| self.recommend(query))
    }
}

#[cfg(test)]
mod tests;
