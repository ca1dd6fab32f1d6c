//! The life of a server: put together, opened, drained.

mod signals;

use std::future::{Future, pending};
use std::path::PathBuf;
use std::time::Duration;

use recommender_store::Store;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;

use crate::answering::GivenAnswers;
use crate::entrance::{Entrance, Ports};
use crate::error::ServeError;
use crate::health::Health;
use crate::loading;
use crate::models::{Models, ServedModel};
use crate::operations::Operations;
use crate::page::Page;
use crate::proto::FILE_DESCRIPTOR_SET;
use crate::proto::admin_service_server::AdminServiceServer;
use crate::proto::control_service_server::ControlServiceServer;
use crate::proto::evaluation_service_server::EvaluationServiceServer;
use crate::proto::longrunning::operations_server::OperationsServer;
use crate::proto::model_service_server::ModelServiceServer;
use crate::proto::place_service_server::PlaceServiceServer;
use crate::proto::product_service_server::ProductServiceServer;
use crate::proto::recommendation_service_server::RecommendationServiceServer;
use crate::proto::serving_config_service_server::ServingConfigServiceServer;
use crate::proto::user_event_service_server::UserEventServiceServer;
use crate::proto::user_service_server::UserServiceServer;
use crate::service::admin::Admin;
use crate::service::controls::Controls;
use crate::service::evaluations::Evaluations;
use crate::service::models::{ModelCalls, trained};
use crate::service::operations::LongRunning;
use crate::service::places::Places;
use crate::service::products::Products;
use crate::service::recommendation::Recommendations;
use crate::service::serving_configs::ServingConfigs;
use crate::service::user_events::UserEvents;
use crate::service::users::Users;
use crate::serving::{RecipeBook, Recipes, ServingConfig};
use crate::settings::{Settings, WorkerSettings};
use crate::shop::{Rules, Shop};
use crate::telemetry::Metrics;
use crate::training::{self, ModelsDirectory, Registry};
use crate::workers::Workers;
use signals::Signals;

pub use crate::entrance::bind;

/// Threads that do what may take long, and how much of it may wait.
const BACKGROUND: WorkerSettings = WorkerSettings {
    threads: 2,
    max_queued: 64,
};

/// How long work in the background may wait: it is turned away only when there is no room for it.
const BACKGROUND_WAIT: Duration = Duration::from_secs(3600);

/// Puts a server together.
#[derive(Debug)]
pub struct ServerBuilder {
    settings: Settings,
    models: Vec<(String, ServedModel)>,
    awaited: Vec<String>,
    workers: Option<Workers>,
    store: Option<Store>,
}

impl ServerBuilder {
    /// A server by `settings`.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            models: Vec::new(),
            awaited: Vec::new(),
            workers: None,
            store: None,
        }
    }

    /// Serves the events, identities, catalogue and stock of `store`: answers rest on what it knows of a shopper, and
    /// hold only what it allows.
    #[must_use]
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Puts `model` behind the serving config of this name, besides those of the settings; one of the settings
    /// that has this name is not loaded.
    #[must_use]
    pub fn with_model(mut self, serving_config: impl Into<String>, model: ServedModel) -> Self {
        self.models.push((serving_config.into(), model));
        self
    }

    /// Expects a model behind the serving config of this name, which will be put there through [`Server::models`].
    #[must_use]
    pub fn awaiting_model(mut self, serving_config: impl Into<String>) -> Self {
        self.awaited.push(serving_config.into());
        self
    }

    /// Computes on these workers instead of starting its own.
    #[must_use]
    pub fn with_workers(mut self, workers: Workers) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The server; it is ready once every serving config has a model.
    ///
    /// # Errors
    /// [`ServeError::Setting`] if there is neither a serving config nor a store, or the fallback, or one that explores, is
    /// no serving config, or the server would listen beyond this machine without certificates and credentials; [`ServeError::File`] if a
    /// file of the settings can't be used; [`ServeError::Workers`] if the worker threads can't be started;
    /// [`ServeError::Registry`] if the models of the store can't be read.
    pub fn build(self) -> Result<Server, ServeError> {
        let settings = self.settings;
        let mut names: Vec<String> = settings.serving_configs.keys().cloned().collect();
        names.extend(self.models.iter().map(|(name, _)| name.clone()));
        names.extend(self.awaited);
        if self.store.is_none() {
            check_names(&names, settings.fallback_serving_config.as_deref())?;
        }
        let entrance = Entrance::open(&settings)?;
        let metrics = Metrics::default();
        let (workers, background) = workers(self.workers, &settings, &metrics)?;
        let health = health();
        let mut expected = names.clone();
        if let Some(store) = &self.store {
            expected.extend(training::promoted(store)?);
        }
        let models =
            Models::new(expected, health.clone()).beside(self.store.clone(), &settings.catalog);
        for (name, model) in self.models {
            models.put(&name, model);
        }
        let recipes = Recipes::default();
        let configs = ServingConfig::of_settings(&names, &settings.exploration)?;
        let book = RecipeBook::open(recipes.clone(), configs, self.store.clone())?;
        if self.store.is_some() {
            let known: Vec<String> = book.now().iter().map(|it| it.config.id.clone()).collect();
            check_fallback(&known, settings.fallback_serving_config.as_deref())?;
        }
        let operations = Operations::new();
        let given = GivenAnswers::within(settings.kept_answers_bytes);
        if let Some(store) = &self.store {
            given.forget_with(store);
        }
        let registry = registry(&settings, self.store.clone(), (&models, &operations));
        let shop = Shop {
            catalog: settings.catalog.as_str().into(),
            store: self.store,
            models,
            recipes,
            workers,
            background,
            operations,
            registry,
            given,
            rules: rules(&settings),
            metrics,
        };
        Ok(Server {
            settings,
            shop,
            book,
            health,
            entrance,
            admin: None,
        })
    }
}

/// Health of everything that is served.
fn health() -> Health {
    Health::new(&[
        RecommendationServiceServer::<Recommendations>::NAME,
        ServingConfigServiceServer::<ServingConfigs>::NAME,
        ControlServiceServer::<Controls>::NAME,
        ModelServiceServer::<ModelCalls>::NAME,
        EvaluationServiceServer::<Evaluations>::NAME,
        UserEventServiceServer::<UserEvents>::NAME,
        UserServiceServer::<Users>::NAME,
    ])
}

/// The models of the store, and those of the settings.
fn registry(
    settings: &Settings,
    store: Option<Store>,
    (models, operations): (&Models, &Operations),
) -> Registry {
    let directory = settings.models_directory.as_deref();
    // Receipts of erasures name artefacts, wherever the process stands when they are read.
    let absolute = |(id, path): (&String, &PathBuf)| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        (id.clone(), path)
    };
    Registry::new(training::Surroundings {
        catalog: settings.catalog.as_str().into(),
        store,
        directory: directory.map(ModelsDirectory::new),
        models: models.clone(),
        operations: operations.clone(),
        threads: settings.training_threads,
        given: settings.serving_configs.iter().map(absolute).collect(),
    })
}

/// What requests are held to.
fn rules(settings: &Settings) -> Rules {
    Rules {
        fallback: settings.fallback_serving_config.clone(),
        limits: settings.limits,
        timeout: settings.request_timeout,
        events: settings.events.clone(),
        directories: settings.directories.clone(),
    }
}

/// Those that compute answers, `given` or started anew, and those that do what takes long.
fn workers(
    given: Option<Workers>,
    settings: &Settings,
    metrics: &Metrics,
) -> Result<(Workers, Workers), ServeError> {
    let bound = settings.resilience.max_queue_delay;
    let answers = match given {
        Some(workers) => workers,
        None => {
            let workers = Workers::start(settings.workers)?;
            workers.watched("answers", bound, metrics.clone())
        }
    };
    let background = Workers::start(BACKGROUND)?;
    let background = background.watched("background", BACKGROUND_WAIT, metrics.clone());
    Ok((answers, background))
}

fn check_names(names: &[String], fallback: Option<&str>) -> Result<(), ServeError> {
    if names.is_empty() {
        return Err(ServeError::Setting {
            key: "serving_configs",
            expected: "at least one name = \"model directory\"".to_owned(),
            found: "none".to_owned(),
        });
    }
    check_fallback(names, fallback)
}

fn check_fallback(names: &[String], fallback: Option<&str>) -> Result<(), ServeError> {
    match fallback {
        Some(fallback) if !names.iter().any(|name| name == fallback) => Err(ServeError::Setting {
            key: "fallback_serving_config",
            expected: format!("one of {}", names.join(", ")),
            found: format!("\"{fallback}\""),
        }),
        _ => Ok(()),
    }
}

/// A server that can be opened.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    shop: Shop,
    book: RecipeBook,
    health: Health,
    entrance: Entrance,
    /// Where `AdminService` is offered, if not where the settings say.
    admin: Option<TcpListener>,
}

/// How a server that was told to stop came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every call in flight was answered.
    Complete,
    /// The time for draining ran out, or a second signal came, with calls still in flight.
    CutShort,
}

impl Server {
    /// The models, to put new ones in while the server runs.
    #[must_use]
    pub fn models(&self) -> Models {
        self.shop.models.clone()
    }

    /// Offers `AdminService` on `listener`, in place of the address of the settings.
    #[must_use]
    pub fn with_admin_listener(mut self, listener: TcpListener) -> Self {
        self.admin = Some(listener);
        self
    }

    /// Serves on `listener` until `shutdown` is done, then answers the calls in flight and takes no new ones,
    /// for at most [`Settings::drain_timeout`].
    ///
    /// The models of the settings are loaded while the port is already open: until all are there, the server's
    /// health is not serving, and calls for a missing one are UNAVAILABLE.
    ///
    /// # Errors
    /// [`ServeError::Model`] if a model can't be loaded, [`ServeError::Transport`] if the transport fails.
    pub async fn serve_with_listener(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<Drained, ServeError> {
        self.serve_until(listener, shutdown, pending()).await
    }

    /// Serves on the address of the settings until SIGTERM or SIGINT, then drains; a second signal ends the draining.
    ///
    /// # Errors
    /// [`ServeError::Bind`] if the address can't be listened on, else as [`Server::serve_until_signalled`].
    pub async fn serve(self) -> Result<Drained, ServeError> {
        let listener = bind(self.settings.listen).await?;
        self.serve_until_signalled(listener).await
    }

    /// Serves on `listener` until SIGTERM or SIGINT, then drains; a second signal ends the draining.
    ///
    /// # Errors
    /// [`ServeError::Signals`] if signals can't be listened for, else as [`Server::serve_with_listener`].
    pub async fn serve_until_signalled(self, listener: TcpListener) -> Result<Drained, ServeError> {
        let (mut first, mut second) = (Signals::listen()?, Signals::listen()?);
        let hurry = async move {
            second.next().await;
            second.next().await;
        };
        self.serve_until(listener, async move { first.next().await }, hurry)
            .await
    }

    async fn serve_until(
        mut self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
    ) -> Result<Drained, ServeError> {
        let drain_timeout = self.settings.drain_timeout;
        let (health, models) = (self.health.clone(), self.shop.models.clone());
        let operations = self.shop.operations.clone();
        let unfinished = operations.clone();
        let directories = self.settings.serving_configs.clone();
        let registry = self.shop.registry.clone();
        let schedule = registry.clone();
        let cannot_load = async move {
            let loaded = loading::load(&models, &registry, &directories).await;
            match loaded.and_then(|()| registry.keep_schedule(trained)) {
                Err(error) => error,
                Ok(()) => pending().await,
            }
        };
        let page = Page {
            shop: self.shop.clone(),
            health: self.health.clone(),
            encryption: self.entrance.encryption(),
        };
        let admin = match (self.admin.take(), self.settings.admin_listen) {
            (None, Some(address)) => Some(bind(address).await?),
            (given, _) => given,
        };
        let administered = self.admin_routes()?;
        let (routes, entrance) = self.routes()?;
        let (stop, stopped) = oneshot::channel();
        let signal = async move {
            shutdown.await;
            tracing::info!("draining");
            health.drain();
            operations.close();
            // The receiver is gone only when there is nothing left to drain.
            let _ = stop.send(());
        };
        let out_of_time = async move {
            if stopped.await.is_err() {
                pending::<()>().await;
            }
            tokio::time::sleep(drain_timeout).await;
        };
        let served = async move {
            let ports = Ports {
                services: (listener, routes),
                admin: admin.map(|listener| (listener, administered)),
            };
            entrance.serve(ports, page, signal).await?;
            unfinished.idle().await;
            Ok(Drained::Complete)
        };
        let drained = tokio::select! {
            result = served => result,
            error = cannot_load => Err(error),
            () = out_of_time => Ok(Drained::CutShort),
            () = hurry => Ok(Drained::CutShort),
        };
        schedule.leave_schedule().await;
        drained
    }

    /// What is offered on the port of `AdminService`: the operations that it begins are followed there too.
    fn admin_routes(&self) -> Result<Routes, ServeError> {
        let budget = self.settings.memory_budget_bytes;
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .build_v1()
            .map_err(|error| ServeError::Reflection(error.to_string()))?;
        let admin = Admin::new(self.shop.clone(), budget);
        Ok(Routes::new(HealthServer::new(self.health.clone()))
            .add_service(reflection)
            .add_service(OperationsServer::new(LongRunning::new(self.shop.clone())))
            .add_service(AdminServiceServer::new(admin)))
    }

    fn routes(self) -> Result<(Routes, Entrance), ServeError> {
        let limits = self.settings.limits;
        let operations = OperationsServer::new(LongRunning::new(self.shop.clone()))
            .max_decoding_message_size(limits.max_message_bytes)
            .max_encoding_message_size(limits.max_message_bytes);
        let configs = ServingConfigs::new(self.shop.clone(), self.book.clone());
        let configs = ServingConfigServiceServer::new(configs)
            .max_decoding_message_size(limits.max_message_bytes);
        let controls = Controls::new(self.shop.clone(), self.book.clone());
        let controls =
            ControlServiceServer::new(controls).max_decoding_message_size(limits.max_message_bytes);
        let models = ModelServiceServer::new(ModelCalls::new(self.shop.clone(), self.book))
            .max_decoding_message_size(limits.max_message_bytes);
        let evaluations = EvaluationServiceServer::new(Evaluations::new(self.shop.clone()))
            .max_decoding_message_size(limits.max_message_bytes);
        let events = UserEventServiceServer::new(UserEvents::new(self.shop.clone()))
            .max_decoding_message_size(limits.max_message_bytes);
        let users = UserServiceServer::new(Users::new(self.shop.clone()))
            .max_decoding_message_size(limits.max_message_bytes);
        let products = ProductServiceServer::new(Products::new(self.shop.clone()))
            .max_decoding_message_size(limits.max_message_bytes)
            .max_encoding_message_size(limits.max_message_bytes);
        let places = PlaceServiceServer::new(Places::new(self.shop.clone()))
            .max_decoding_message_size(limits.max_message_bytes)
            .max_encoding_message_size(limits.max_message_bytes);
        let service = RecommendationServiceServer::new(Recommendations::new(self.shop)?)
            .max_decoding_message_size(limits.max_message_bytes)
            .max_encoding_message_size(limits.max_message_bytes);
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let unusable =
            |error: tonic_reflection::server::Error| ServeError::Reflection(error.to_string());
        let routes = Routes::new(HealthServer::new(self.health))
            .add_service(reflection().build_v1().map_err(unusable)?)
            .add_service(reflection().build_v1alpha().map_err(unusable)?)
            .add_service(operations)
            .add_service(configs)
            .add_service(controls)
            .add_service(models)
            .add_service(evaluations)
            .add_service(events)
            .add_service(users)
            .add_service(products)
            .add_service(places)
            .add_service(service);
        Ok((routes, self.entrance))
    }
}

#[cfg(test)]
impl Server {
    /// What its services share.
    pub(crate) fn shop(&self) -> Shop {
        self.shop.clone()
    }
}
