//! Models that are asked before anybody else asks them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recommender_core::Result;
use recommender_core::engine::EngineRequest;

use crate::models::ServedModel;

/// Shoppers for whom a model answers before it is put in service, and how long that may take.
const WARMED: (usize, Duration) = (32, Duration::from_millis(250));

/// A model that has answered for a stranger and for some of its own shoppers: the first callers find the files in
/// memory.
pub(crate) fn open_and_warm(directory: &Path) -> Result<ServedModel> {
    let (engine, manifest) = recommender_files::load_engine(directory)?;
    let engine = Arc::new(engine);
    let model = ServedModel::new(Arc::clone(&engine), manifest.model_version());
    let begun = Instant::now();
    let (most, time) = WARMED;
    let users = engine.users().iter().take(most);
    let users = users.map(|(_, key)| Some(key.to_owned()));
    for user in [None].into_iter().chain(users) {
        engine.recommend(&EngineRequest {
            user,
            limit: 20,
            ..EngineRequest::default()
        })?;
        if begun.elapsed() > time {
            break;
        }
    }
    Ok(model)
}
