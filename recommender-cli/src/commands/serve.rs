//! `recommender serve`: saved models behind the gRPC service.

use std::io;
use std::sync::Arc;

use recommender_grpc::server::bind;
use recommender_grpc::settings::Settings;
use recommender_grpc::{Drained, ServedModel, ServerBuilder};
use tracing_subscriber::EnvFilter;

use crate::args::Serve;
use crate::failure::Failure;
use crate::inputs;

/// The serving config of a model named on the command line.
const DEFAULT_SERVING_CONFIG: &str = "default";

pub(crate) fn run(arguments: &Serve) -> Result<(), Failure> {
    let settings = Settings::load(arguments.config.as_deref())
        .map_err(|error| Failure::call(error.to_string()))?;
    log_to_stderr();
    let listen = settings.listen;
    let mut builder = ServerBuilder::new(settings);
    if let Some(path) = &arguments.model {
        let (engine, version) = inputs::load(path)?;
        tracing::info!(model = %path.display(), %version, "loaded");
        let model = ServedModel::new(Arc::new(engine), version);
        builder = builder.with_model(DEFAULT_SERVING_CONFIG, model);
    }
    let server = builder
        .build()
        .map_err(|error| Failure::call(error.to_string()))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let drained = runtime.block_on(async {
        let listener = bind(listen).await?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!("serving on {address}");
        }
        server.serve_until_signalled(listener).await
    });
    match drained.map_err(Failure::work)? {
        Drained::Complete => Ok(()),
        Drained::CutShort => Err(Failure::work("stopped with calls still in flight")),
    }
}

/// Logs to standard error, as much as the variable `RUST_LOG` asks for.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
}
