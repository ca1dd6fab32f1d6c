//! Sources → blend → fallback → rerank → cut: how several models give one answer.

mod answers;
pub mod blend;
mod config;
pub mod rerank;

pub use config::{ModelConfig, PipelineConfig, SourceConfig};

use std::slice;

use crate::error::{Error, Result};
use crate::models::Model;
use crate::pipeline::answers::Answer;
use crate::pipeline::blend::Blend;
use crate::query::Query;
use crate::ranked::{Ranked, Scored, Source};
use crate::recommender::{Recommender, Rerank};

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
        let Answer { ranked, proposals } = self.answer(query)?;
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

    /// A pipeline of `sources` that propose up to `pool` items each, with nothing behind or after them.
    pub(crate) fn of_sources(sources: Vec<FittedSource>, blend: Blend, pool: usize) -> Self {
        Self {
            sources,
            fallback: None,
            blend,
            reranks: Vec::new(),
            pool,
        }
    }

    /// The answer to one query, with its proposals.
    fn answer(&self, query: &Query) -> Result<Answer> {
        let answer = self.answers(slice::from_ref(query))?.pop();
        answer.ok_or_else(|| Error::Internal("a question has no answer".into()))
    }
}

impl Recommender for Pipeline {
    fn recommend(&self, query: &Query) -> Result<Ranked> {
        Ok(self.answer(query)?.ranked)
    }

    fn recommend_batch(&self, queries: &[Query]) -> Result<Vec<Ranked>> {
        let mut ranked = Vec::with_capacity(queries.len());
        for chunk in queries.chunks(answers::CHUNK) {
            let answers = self.answers(chunk)?;
            ranked.extend(answers.into_iter().map(|answer| answer.ranked));
        }
        Ok(ranked)
    }
}

#[cfg(test)]
mod tests;
