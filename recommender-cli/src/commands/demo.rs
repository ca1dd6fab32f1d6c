//! `recommender demo`: half a million real purchase lines, from the file to a running service.

mod counts;
mod shoppers;
mod stocked;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use recommender_core::evaluation::{Questions, Report, Split, Splitter};
use recommender_core::events::EventTable;
use recommender_core::{Engine, FitOptions, PipelineConfig, Timestamp};
use recommender_files::{EventOptions, ProductOptions};
use recommender_grpc::proto::{RecommendContext, RecommendRequest};
use recommender_grpc::server::bind;
use recommender_grpc::settings::{RawSettings, Settings};
use recommender_grpc::{ServedModel, ServerBuilder, client};
use recommender_store::Store;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::args::Demo;
use crate::failure::Failure;
use crate::model_spec::{ModelSpec, read_pipeline};
use crate::table::Table;
use crate::trial::Trial;
use stocked::Stocked;

/// The last of the days in the data, which the models are asked to foretell.
const TEST_DAYS: &str = "time:2011-11-09";

/// The serving config the demo answers under.
const SERVING_CONFIG: &str = "demo";

pub(crate) fn run(arguments: &Demo) -> Result<(), Failure> {
    let start = Instant::now();
    let files = Files::find(arguments.datasets.as_deref())?;
    // A wrong address or a port in use shows now, not after the training.
    let door = Door::open(&arguments.listen)?;
    let table = read(&files)?;
    let config = read_pipeline(&files.pipeline)?;
    let splitter: Splitter = TEST_DAYS.parse()?;
    let split = splitter.split(&table, 0)?;
    let trial = Trial {
        products: products(&files, split.time())?,
        questions: vec![("", Questions::default())],
        running: FitOptions::default(),
        metrics: "recall@20,ndcg@20,coverage@20".parse()?,
        table: Arc::clone(&table),
        split,
    };
    let report = trial.run(&specs(&config))?;
    print_table(&trial.split, &report)?;
    shoppers::print(&trial, &config)?;
    let shopper = trial.table.users().iter().next();
    let shopper = shopper.map_or_else(String::new, |(_, key)| key.to_owned());
    let stocked = Stocked::new(&files)?;
    let engine = stocked.train(&config)?;
    let served = Served {
        engine,
        store: stocked.store.clone(),
        shopper,
    };
    serve(door, arguments.once, served, start)
}

/// The files of the data set.
struct Files {
    rows: PathBuf,
    events: PathBuf,
    products: PathBuf,
    pipeline: PathBuf,
}

impl Files {
    /// Looks in the folder given, in `datasets` here, and beside the sources this command was built from.
    fn find(given: Option<&Path>) -> Result<Self, Failure> {
        let beside_sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets");
        let folders = match given {
            Some(given) => vec![given.to_owned()],
            None => vec![PathBuf::from("datasets"), beside_sources],
        };
        let data = folders.iter().map(|folder| folder.join("online-retail"));
        let Some(folder) = data
            .into_iter()
            .find(|folder| folder.join("online-retail.parquet").is_file())
        else {
            let expected = "expected online-retail/online-retail.parquet there; name the folder with --datasets";
            let looked: Vec<String> = folders
                .iter()
                .map(|folder| folder.display().to_string())
                .collect();
            return Err(Failure::call(format!("{}: {expected}", looked.join(", "))));
        };
        Ok(Self {
            rows: folder.join("online-retail.parquet"),
            events: folder.join("events.toml"),
            products: folder.join("products.toml"),
            pipeline: folder.join("pipeline.toml"),
        })
    }
}

fn read(files: &Files) -> Result<Arc<EventTable>, Failure> {
    let map = recommender_files::read_event_map(&files.events)?;
    counts::print(&files.rows, &map)?;
    let mut table = EventTable::new();
    let options = EventOptions {
        map,
        ..EventOptions::default()
    };
    let report = recommender_files::read_events(&files.rows, &options, &mut table)?;
    writeln!(
        io::stdout(),
        "\nCleaned by {}: {report}",
        files.events.display()
    )?;
    Ok(Arc::new(table))
}

fn products(
    files: &Files,
    before: Option<Timestamp>,
) -> Result<Vec<recommender_core::Product>, Failure> {
    let options = ProductOptions {
        map: recommender_files::read_product_map(&files.products)?,
        before,
        ..ProductOptions::default()
    };
    Ok(recommender_files::read_products(&files.rows, &options)?.0)
}

/// Each model alone, then the hybrid of the recipe.
fn specs(config: &PipelineConfig) -> Vec<ModelSpec> {
    let mut specs: Vec<ModelSpec> = config
        .sources
        .iter()
        .map(|source| ModelSpec::of_source(source, config))
        .collect();
    specs.push(ModelSpec::of_pipeline("hybrid", config));
    specs
}

fn print_table(split: &Split, report: &Report) -> Result<(), Failure> {
    let cases = &report.cases;
    let mut out = io::stdout();
    writeln!(
        out,
        "\nLearned from {} events before 2011-11-09; asked {} shoppers what new products they took in the month after \
         ({} shoppers of that month had never been seen before):\n",
        split.train().len(),
        cases.queries,
        cases.cold_users
    )?;
    let mut table = Table::new(
        1,
        &[
            "model",
            "recall@20",
            "95 %",
            "NDCG@20",
            "95 %",
            "coverage",
            "fit seconds",
        ],
    );
    for model in &report.models {
        let metric = |name: &str| model.metrics.get(name);
        let mean = |name: &str| {
            let mean = metric(name).and_then(|it| it.mean);
            mean.map_or_else(|| "-".into(), |mean| format!("{mean:.4}"))
        };
        let interval = |name: &str| {
            let bounds = metric(name).and_then(|it| Some((it.low?, it.high?)));
            bounds.map_or_else(|| "-".into(), |(low, high)| format!("{low:.4}-{high:.4}"))
        };
        table.row(vec![
            model.name.clone(),
            mean("recall@20"),
            interval("recall@20"),
            mean("ndcg@20"),
            interval("ndcg@20"),
            mean("coverage@20"),
            model
                .fit_seconds
                .map_or_else(|| "-".into(), |seconds| format!("{seconds:.2}")),
        ]);
    }
    table.print()?;
    Ok(())
}

/// A port held open, and what will serve on it.
struct Door {
    runtime: Runtime,
    settings: Settings,
    listener: TcpListener,
}

impl Door {
    fn open(address: &str) -> Result<Self, Failure> {
        let mut raw = RawSettings::default();
        raw.set("listen", address, "--listen");
        let settings = raw
            .resolve()
            .map_err(|error| Failure::call(error.to_string()))?;
        let runtime = Runtime::new()?;
        let listener = runtime
            .block_on(bind(settings.listen))
            .map_err(Failure::work)?;
        Ok(Self {
            runtime,
            settings,
            listener,
        })
    }
}

/// What is served, and an example of whom to ask for.
struct Served {
    engine: Engine,
    store: Store,
    shopper: String,
}

/// Serves a store and a model of it, asks once as a client would, and goes on until interrupted.
fn serve(door: Door, once: bool, served: Served, start: Instant) -> Result<(), Failure> {
    let address = door.listener.local_addr()?;
    let shopper = served.shopper;
    let model = ServedModel::new(Arc::new(served.engine), "demo");
    let server = ServerBuilder::new(door.settings)
        .with_store(served.store)
        .with_model(SERVING_CONFIG, model)
        .build();
    let server = server.map_err(Failure::work)?;
    door.runtime.block_on(async {
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            if once {
                let told = async move { stopped.await.unwrap_or_default() };
                return server.serve_with_listener(door.listener, told).await;
            }
            server.serve_until_signalled(door.listener).await
        });
        first_answer(address, &shopper).await?;
        print_addresses(address, &shopper, start)?;
        if once {
            drop(stop);
        }
        serving
            .await
            .map_err(Failure::work)?
            .map_err(Failure::work)?;
        Ok(())
    })
}

async fn first_answer(address: SocketAddr, shopper: &str) -> Result<(), Failure> {
    let mut client = client::connect(address.to_string())
        .await
        .map_err(Failure::work)?;
    let request = RecommendRequest {
        serving_config: format!("catalogs/default/servingConfigs/{SERVING_CONFIG}"),
        context: Some(RecommendContext {
            visitor_id: shopper.to_owned(),
            user_id: shopper.to_owned(),
            ..RecommendContext::default()
        }),
        page_size: 3,
        ..RecommendRequest::default()
    };
    let start = Instant::now();
    let response = client
        .recommend(request)
        .await
        .map_err(Failure::work)?
        .into_inner();
    let took = start.elapsed();
    let products: Vec<&str> = response
        .results
        .iter()
        .map(|result| result.product_id.as_str())
        .collect();
    writeln!(
        io::stdout(),
        "\nThe service answered shopper {shopper} over gRPC in {:.1} ms: {}",
        took.as_secs_f64() * 1000.0,
        products.join(", ")
    )?;
    Ok(())
}

fn print_addresses(address: SocketAddr, shopper: &str, start: Instant) -> Result<(), Failure> {
    writeln!(
        io::stdout(),
        "\nServing recommender.v1 on {address} (gRPC, health, reflection), {:.0} s after the start. Call it with\n\n    \
         pip install grpcio grpcio-reflection\n    \
         python3 recommender-grpc/examples/recommend.py --address {address} --serving-config {SERVING_CONFIG} --user {shopper}\n\n\
         Ctrl-C stops it.",
        start.elapsed().as_secs_f64()
    )?;
    Ok(())
}
