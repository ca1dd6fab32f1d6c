//! Learns from a few purchases and serves what it learned until SIGTERM or SIGINT.
//!
//! ```text
//! cargo run -p recommender-grpc --example serve
//! python recommender-grpc/examples/recommend.py --items cup
//! RECOMMENDER_LISTEN=127.0.0.1:8000 cargo run -p recommender-grpc --example serve
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what this program is for"
)]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use recommender_core::engine::Engine;
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::pipeline::PipelineConfig;
use recommender_core::{Dataset, FitOptions};
use recommender_grpc::settings::Settings;
use recommender_grpc::{Drained, ServedModel, ServerBuilder, server};

const PIPELINE: &str = "
    [[sources]]
    model = { kind = 'item_knn' }
    [fallback]
    model = { kind = 'popularity' }
";

const PURCHASES: [(&str, &str); 8] = [
    ("ann", "cup"),
    ("ann", "saucer"),
    ("bob", "cup"),
    ("bob", "saucer"),
    ("bob", "spoon"),
    ("eve", "rope"),
    ("eve", "hook"),
    ("joe", "rope"),
];

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(drained) => {
            println!("stopped: {drained:?}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<Drained, Box<dyn Error>> {
    let settings = Settings::load(None)?;
    let model = ServedModel::new(Arc::new(learn()?), "example");
    let listener = server::bind(settings.listen).await?;
    println!("listening on {}", listener.local_addr()?);
    let server = ServerBuilder::new(settings)
        .with_model("default", model)
        .build()?;
    Ok(server.serve_until_signalled(listener).await?)
}

fn learn() -> recommender_core::Result<Engine> {
    let mut table = EventTable::new();
    for (visitor, item) in PURCHASES {
        table.push(&Event {
            visitor: visitor.into(),
            item: Some(item.into()),
            kind: EventKind::Purchase,
            quantity: 1.0,
            ..Event::default()
        })?;
    }
    let config = PipelineConfig::from_toml(PIPELINE)?;
    let dataset = Dataset::new(table, vec![], config.interactions.clone())?;
    Engine::fit(&config, &dataset, &FitOptions::default())
}
