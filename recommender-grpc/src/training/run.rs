//! One training: events read, recipes judged, a version fitted, saved, warmed, and put in service if it may.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use recommender_core::artifact::{Facts, Manifest};
use recommender_core::evaluation::MetricList;
use recommender_core::pipeline::PipelineConfig;
use recommender_core::{Dataset, Engine, Error, FitOptions, InteractionConfig};
use recommender_store::store::Reading;

use crate::operations::Progress;
use crate::proto::longrunning::Operation;
use crate::resource::name_of;
use crate::status::Refusal;
use crate::training::MODELS;
use crate::training::directory::{Draft, bytes_of};
use crate::training::document::{
    Comparison, LastTraining, Made, ModelDocument, Promotion, Version,
};
use crate::training::giving_way::giving_way;
use crate::training::judging::{Judgement, verdict};
use crate::training::registry::Registry;

/// Figures that are taken, besides the one that the policy goes by.
pub(crate) const METRICS: [&str; 3] = ["ndcg@20", "recall@20", "coverage@20"];

/// How often a training begins anew because a person was forgotten while it went on.
const ATTEMPTS: usize = 3;

/// How long a training waits between looks at whether an erasure has ended.
const PAUSE: Duration = Duration::from_millis(100);

/// What a version is made from.
pub(super) struct Material {
    pub(super) dataset: Dataset,
    pub(super) config: PipelineConfig,
    pub(super) document: ModelDocument,
    /// When the events were read, counted in erasures.
    mark: u64,
}

impl Registry {
    /// Begins a training; what the operation answers is made by `answer` of the version and whether it is in service.
    ///
    /// # Errors
    /// As [`Registry::found`]; [`Refusal::Precondition`] while another runs, or without a directory for models; if too
    /// much waits already.
    pub(crate) fn begin_training<R: prost::Name>(
        &self,
        id: &str,
        answer: impl FnOnce(&Version, bool) -> R + Send + 'static,
    ) -> Result<Operation, Refusal> {
        self.directory()?;
        self.begin("TrainModel", id, move |registry, id, progress| {
            let (version, promoted) = registry.train(id, progress)?;
            Ok(answer(&version, promoted))
        })
    }

    /// Begins a judgement of a model's recipe by `metrics`.
    ///
    /// # Errors
    /// As [`Registry::begin_training`].
    pub(crate) fn begin_evaluation<R: prost::Name>(
        &self,
        id: &str,
        metrics: MetricList,
        answer: impl FnOnce(&Comparison) -> R + Send + 'static,
    ) -> Result<Operation, Refusal> {
        self.begin("EvaluateModel", id, move |registry, id, progress| {
            let material = registry.material(id, progress)?;
            let comparison = registry.judge(&material, metrics, progress)?;
            let nobody = || Error::data("evaluation", "the latest window leaves nobody to ask");
            Ok(answer(&comparison.ok_or_else(nobody)?))
        })
    }

    /// Begins work on a model, of which there is one at a time.
    ///
    /// # Errors
    /// As [`Registry::found`]; [`Refusal::Precondition`] while other work goes on; if too much waits already.
    pub(super) fn begin<R: prost::Name>(
        &self,
        method: &'static str,
        id: &str,
        work: impl FnOnce(&Self, &str, &Progress) -> Result<R, Refusal> + Send + 'static,
    ) -> Result<Operation, Refusal> {
        self.store()?;
        self.found(id)?;
        let turn = self.turn(id)?;
        let (registry, id) = (self.clone(), id.to_owned());
        let target = name_of(&self.0.around.catalog, MODELS, &id);
        let operations = &self.0.around.operations;
        operations.begin(method, target, move |progress| {
            let _turn = turn;
            work(&registry, &id, progress)
        })
    }

    pub(super) fn train(&self, id: &str, progress: &Progress) -> Result<(Version, bool), Refusal> {
        self.note_beginning(id)?;
        let trained = self.attempts(id, progress);
        if let Err(refusal) = &trained {
            let reason = refusal.reason();
            tracing::warn!(model = id, reason, "a training gave no version");
            self.change(id, |document| {
                if let Some(last) = &mut document.last_training {
                    last.error = Some(reason);
                }
                Ok(())
            })?;
        }
        trained
    }

    fn note_beginning(&self, id: &str) -> Result<(), Refusal> {
        let store = self.store()?;
        let (time, events) = (store.now(), store.engine().status()?.contents.events);
        self.change(id, |document| {
            document.last_training = Some(LastTraining {
                time,
                events,
                error: None,
            });
            Ok(())
        })?;
        Ok(())
    }

    fn attempts(&self, id: &str, progress: &Progress) -> Result<(Version, bool), Refusal> {
        for _ in 0..ATTEMPTS {
            let material = self.material(id, progress)?;
            if let Some(done) = self.version_of(&material, progress)? {
                return Ok(done);
            }
            tracing::info!(
                model = id,
                "a person was forgotten meanwhile: the training begins anew"
            );
        }
        Err(Refusal::Precondition {
            reason: "ERASURE_IN_PROGRESS",
            message: "persons were forgotten while the model was trained: train it again".into(),
        })
    }

    /// What the store holds now, while no erasure runs.
    pub(super) fn material(&self, id: &str, progress: &Progress) -> Result<Material, Refusal> {
        progress.stage("waiting for an erasure");
        let mark = loop {
            match self.0.erasures.mark() {
                Some(mark) => break mark,
                None if progress.is_cancelled() => return Err(Error::Cancelled.into()),
                None => std::thread::sleep(PAUSE),
            }
        };
        let document = self.found(id)?;
        let config = PipelineConfig::from_toml(&document.pipeline)?;
        let dataset = self.dataset(config.interactions.clone(), progress)?;
        Ok(Material {
            dataset,
            config,
            document,
            mark,
        })
    }

    /// What may be learned from now, as `interactions` weighs it.
    pub(super) fn dataset(
        &self,
        interactions: InteractionConfig,
        progress: &Progress,
    ) -> Result<Dataset, Refusal> {
        let store = self.store()?;
        progress.stage("reading events");
        let read = |events| progress.succeeded(events);
        let reading = Reading {
            progress: Some(&read),
            cancel: Some(progress.cancel_flag()),
            ..Reading::default()
        };
        let options = FitOptions {
            threads: Some(self.0.around.threads),
            ..FitOptions::default()
        };
        let products = store.products();
        let mut dataset = Err(Error::Cancelled.into());
        let read = || {
            dataset = store.training_set(reading, products, interactions);
            Ok(())
        };
        giving_way(|| options.run(read))?;
        Ok(dataset?)
    }

    /// How fits are run: with the threads of a training, telling `progress` in `stage`.
    pub(super) fn running(
        &self,
        seed: u64,
        stage: &'static str,
        progress: &Progress,
    ) -> FitOptions {
        let told = progress.clone();
        progress.stage(stage);
        FitOptions {
            seed,
            threads: Some(self.0.around.threads),
            progress: Some(Arc::new(move |_: &str, done| told.fraction(Some(done)))),
            cancel: Arc::clone(progress.cancel_flag()),
        }
    }

    fn judge(
        &self,
        material: &Material,
        metrics: MetricList,
        progress: &Progress,
    ) -> Result<Option<Comparison>, Refusal> {
        let document = &material.document;
        let serving = document.serving.and_then(|number| document.version(number));
        let incumbent = serving.map(|version| {
            let config = PipelineConfig::from_toml(&version.made.config)?;
            Ok::<_, Error>((version.number, config))
        });
        let judgement = Judgement {
            dataset: &material.dataset,
            products: self.store()?.products(),
            candidate: &material.config,
            incumbent: incumbent.transpose()?,
            metrics,
            window_share: document.policy.window_share,
            options: self.running(document.policy.seed, "judging", progress),
        };
        Ok(giving_way(|| judgement.compare())?)
    }

    /// A version of `material`, and whether it is in service; none if an erasure came between.
    pub(super) fn version_of(
        &self,
        material: &Material,
        progress: &Progress,
    ) -> Result<Option<(Version, bool)>, Refusal> {
        let document = &material.document;
        let metrics = metrics_of(&document.policy.promotion)?;
        let comparison = self.judge(material, metrics, progress)?;
        let options = self.running(document.policy.seed, "fitting", progress);
        let fit = || Engine::fit(&material.config, &material.dataset, &options);
        let engine = giving_way(|| options.run(fit))?;
        progress.stage("saving");
        let draft = self
            .directory()?
            .draft(&document.id, document.last_version)?;
        let manifest = giving_way(|| save(&engine, document, &draft))?;
        let version = Version {
            number: draft.number,
            create_time: self.store()?.now(),
            made: Made::of(&manifest)?,
            comparison,
            bytes: bytes_of(&draft.path)?,
            verdict: String::new(),
        };
        drop(engine);
        if progress.is_cancelled() {
            return Err(Error::Cancelled.into());
        }
        self.publish(version, draft, material.mark)
    }

    /// Adds a version to its model, and puts it in service if its policy says so; none if an erasure came between.
    fn publish(
        &self,
        mut version: Version,
        draft: Draft,
        mark: u64,
    ) -> Result<Option<(Version, bool)>, Refusal> {
        let id = model_of(&draft.path);
        // One that can't be used is none.
        let model = self.read(&id, version.number)?;
        let _writing = self.writing();
        if self.0.erasures.mark() != Some(mark) {
            return Ok(None);
        }
        let document = self.found(&id)?;
        let comparison = version.comparison.as_ref();
        let (promoted, reason) = verdict(&document.policy.promotion, comparison, document.serving);
        version.verdict = reason;
        self.add(&id, &version)?;
        draft.keep();
        if promoted {
            self.serve_locked(&id, (version.number, model))?;
        }
        self.remove_old(&id)?;
        Ok(Some((version, promoted)))
    }

    pub(super) fn add(&self, id: &str, version: &Version) -> Result<(), Refusal> {
        let version = version.clone();
        self.change_locked(id, |document| {
            document.last_version = document.last_version.max(version.number);
            document.versions.push(version);
            Ok(())
        })?;
        Ok(())
    }

    pub(super) fn remove_old(&self, id: &str) -> Result<(), Refusal> {
        let mut old = Vec::new();
        self.change_locked(id, |document| {
            old = document.take_old();
            Ok(())
        })?;
        for number in old {
            self.directory()?.remove(id, number)?;
        }
        Ok(())
    }
}

/// The figures of a training: the usual ones, and the one that the policy goes by.
fn metrics_of(promotion: &Promotion) -> Result<MetricList, Error> {
    match promotion {
        Promotion::NotWorse { metric, .. } => metrics_with(metric),
        Promotion::Always | Promotion::Manual => METRICS.join(",").parse(),
    }
}

/// The usual figures, and this one.
pub(super) fn metrics_with(metric: &str) -> Result<MetricList, Error> {
    let mut metrics = METRICS.to_vec();
    if !metrics.contains(&metric) {
        metrics.push(metric);
    }
    metrics.join(",").parse()
}

pub(super) fn save(
    engine: &Engine,
    document: &ModelDocument,
    draft: &Draft,
) -> Result<Manifest, Error> {
    let program = concat!("recommender ", env!("CARGO_PKG_VERSION"));
    let facts = Facts::from([
        ("program".to_owned(), program.to_owned()),
        ("model".to_owned(), document.id.clone()),
        ("version".to_owned(), draft.number.to_string()),
    ]);
    recommender_files::save_engine(engine, &facts, &draft.path)
}

/// The model of the directory of a version.
fn model_of(path: &Path) -> String {
    let parent = path.parent().and_then(Path::file_name);
    parent.unwrap_or_default().to_string_lossy().into_owned()
}
