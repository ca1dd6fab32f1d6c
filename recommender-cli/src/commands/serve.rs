//! `recommender serve`: a store and saved models behind the gRPC service.

use std::io;
use std::sync::Arc;

use recommender_grpc::server::bind;
use recommender_grpc::settings::{LogFormat, Settings};
use recommender_grpc::{Drained, ServedModel, ServerBuilder};
use tracing_subscriber::EnvFilter;

use crate::args::Serve;
use crate::failure::Failure;
use crate::inputs;
use crate::stored::{self, Place};

/// The serving config of a model named on the command line.
const DEFAULT_SERVING_CONFIG: &str = "default";

/// Where models are kept in the folder of a store.
const MODELS: &str = "models";

pub(crate) fn run(arguments: &Serve) -> Result<(), Failure> {
    let settings = Settings::load(arguments.config.as_deref())
        .map_err(|error| Failure::call(error.to_string()))?;
    log_to_stderr(settings.telemetry.log_format);
    let listen = settings.listen;
    let builder = match &arguments.data {
        Some(place) => on_store(place, arguments, settings)?,
        None => on_model(arguments, settings)?,
    };
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

/// Serves the model of the command line, and those of the settings.
fn on_model(arguments: &Serve, settings: Settings) -> Result<ServerBuilder, Failure> {
    let builder = ServerBuilder::new(settings);
    let Some(path) = &arguments.model else {
        return Ok(builder);
    };
    let (engine, version) = inputs::load(path)?;
    tracing::info!(model = %path.display(), %version, "loaded");
    let model = ServedModel::new(Arc::new(engine), version);
    Ok(builder.with_model(DEFAULT_SERVING_CONFIG, model))
}

/// Serves a store, and the model of the command line as one of the settings: it is loaded while the port is open, and
/// anew when a person was taken out of it.
fn on_store(
    place: &Place,
    arguments: &Serve,
    mut settings: Settings,
) -> Result<ServerBuilder, Failure> {
    if let Some(path) = &arguments.model {
        if !path.is_dir() {
            return Err(Failure::file(path, &"expected the folder of a model"));
        }
        let configs = &mut settings.serving_configs;
        configs.insert(DEFAULT_SERVING_CONFIG.to_owned(), path.clone());
    }
    if let (None, Place::Folder(folder)) = (&settings.models_directory, place) {
        settings.models_directory = Some(folder.join(MODELS));
    }
    let store = stored::open_or_make_store(place, arguments.settings.as_deref())?;
    let status = store.engine().status()?;
    tracing::info!(store = %status.engine, events = status.contents.events, "opened");
    Ok(ServerBuilder::new(settings).with_store(store))
}

/// Logs to standard error, as much as the variable `RUST_LOG` asks for.
fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
}
