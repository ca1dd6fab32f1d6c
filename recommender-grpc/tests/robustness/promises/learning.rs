//! Models that are trained, swapped and carried about.

use std::sync::Arc;

use recommender_core::engine::Engine;
use recommender_grpc::proto::download_model_response::Part as Sent;
use recommender_grpc::proto::evaluate_offline_request::Subject;
use recommender_grpc::proto::longrunning::CancelOperationRequest;
use recommender_grpc::proto::promotion_policy::{Always, Rule};
use recommender_grpc::proto::upload_model_request::Part;
use recommender_grpc::proto::{
    CreateModelRequest, DeleteModelRequest, DownloadModelRequest, EvaluateModelRequest,
    EvaluateOfflineRequest, EvaluatePolicyRequest, Evaluation, EventType, ExportModelRequest,
    ExportModelResponse, GetEvaluationRequest, GetModelRequest, ImportModelRequest, Impression,
    ImpressionItem, ListEvaluationsRequest, ListModelsRequest, Model, ModelVersion,
    PauseModelRequest, PromoteModelRequest, PromotionPolicy, PurgeUserEventsRequest,
    PurgeUserEventsResponse, ResumeModelRequest, RollbackModelRequest, TrainModelRequest,
    TrainModelResponse, TrainingPolicy, TrainingState, TuneModelRequest, TuneModelResponse,
    UpdateModelRequest, UploadModelHeader, UploadModelRequest, UserEvent, WriteUserEventRequest,
};

use crate::promises::rules::LASTING;
use crate::promises::run::{Run, moment};
use crate::promises::world::CATALOG;

const DAILY: &str = "catalogs/default/models/daily";
const SPARE: &str = "catalogs/default/models/spare";

const PIPELINE: &str = r#"
    [[sources]]
    model = { kind = "item_knn" }
    [fallback]
    model = { kind = "popularity", per_place = true }
"#;

impl Run {
    /// Makes the model that answers, and trains it.
    pub(crate) async fn create_daily(&mut self) {
        self.create_model("daily").await;
        self.train().await;
    }

    async fn create_model(&mut self, id: &str) {
        let policy = PromotionPolicy {
            rule: Some(Rule::Always(Always {})),
        };
        let request = CreateModelRequest {
            parent: CATALOG.to_owned(),
            model: Some(Model {
                pipeline: PIPELINE.to_owned(),
                training_policy: Some(TrainingPolicy {
                    promotion: Some(policy),
                    ..TrainingPolicy::default()
                }),
                ..Model::default()
            }),
            model_id: id.to_owned(),
            ..CreateModelRequest::default()
        };
        self.models().create_model(request).await.unwrap();
    }

    pub(crate) async fn daily(&self) -> Model {
        let get = GetModelRequest {
            name: DAILY.to_owned(),
        };
        self.models().get_model(get).await.unwrap().into_inner()
    }

    pub(crate) async fn train(&mut self) {
        let train = TrainModelRequest {
            name: DAILY.to_owned(),
            ..TrainModelRequest::default()
        };
        let begun = self.models().train_model(train).await;
        let trained: TrainModelResponse = self.answer(begun).await;
        assert!(trained.promoted, "{trained:?}");
        let digest = trained.version.unwrap().manifest.unwrap().model_digest;
        assert_eq!(self.daily().await.model_version, digest);
    }

    /// Copies the version in service out of the server.
    async fn carried_out(&mut self) -> String {
        let directory = format!("copy-{}", self.number());
        let export = ExportModelRequest {
            name: DAILY.to_owned(),
            directory: directory.clone(),
            ..ExportModelRequest::default()
        };
        let begun = self.models().export_model(export).await;
        let exported: ExportModelResponse = self.answer(begun).await;
        assert!(exported.directory.ends_with(&directory), "{exported:?}");
        exported.directory
    }

    /// The engine of a version that is in service, as a process that embeds the library has it.
    pub(crate) async fn engine(&mut self, version: &str) -> Arc<Engine> {
        if !self.engines.contains_key(version) {
            let directory = self.carried_out().await;
            let (engine, manifest) = recommender_files::load_engine(directory.as_ref()).unwrap();
            // What was carried out may know persons who are erased later: it is nobody's then but the operator's.
            std::fs::remove_dir_all(&directory).unwrap();
            let engine = Arc::new(engine);
            self.engines
                .insert(manifest.model_version().to_owned(), engine);
        }
        Arc::clone(&self.engines[version])
    }

    /// What answers is what stands on the disk.
    pub(crate) async fn serves_what_is_kept(&mut self) {
        let directory = self.carried_out().await;
        let (_, manifest) = recommender_files::load_engine(directory.as_ref()).unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(self.daily().await.model_version, manifest.model_version());
    }

    pub(crate) async fn carry_in(&mut self) {
        let out = self.carried_out().await;
        let name = format!("copy-{}", self.number());
        let import = self.server.path("models").join("import");
        std::fs::create_dir_all(&import).unwrap();
        std::fs::rename(out, import.join(&name)).unwrap();
        let request = ImportModelRequest {
            name: DAILY.to_owned(),
            directory: name.clone(),
            ..ImportModelRequest::default()
        };
        let begun = self.models().import_model(request).await;
        let version: ModelVersion = self.answer(begun).await;
        assert!(!version.version.is_empty());
        std::fs::remove_dir_all(import.join(name)).unwrap_or_default();
    }

    /// A version is taken out byte by byte and comes back as a new one.
    pub(crate) async fn send_around(&mut self) {
        let request = DownloadModelRequest {
            name: DAILY.to_owned(),
            ..DownloadModelRequest::default()
        };
        let pieces = self.models().download_model(request).await;
        let mut pieces = pieces.unwrap().into_inner();
        let header = UploadModelHeader {
            name: DAILY.to_owned(),
        };
        let mut parts = vec![Part::Header(header)];
        while let Some(piece) = pieces.message().await.unwrap() {
            match piece.part.unwrap() {
                Sent::Version(version) => assert!(!version.version.is_empty()),
                Sent::File(file) => parts.push(Part::File(file)),
                Sent::Chunk(bytes) => parts.push(Part::Chunk(bytes)),
            }
        }
        let parts = parts
            .into_iter()
            .map(|part| UploadModelRequest { part: Some(part) });
        let parts = tokio_stream::iter(parts.collect::<Vec<_>>());
        let uploaded = self.models().upload_model(parts).await.unwrap();
        assert!(uploaded.into_inner().version.is_some());
    }

    pub(crate) async fn tune(&mut self) {
        let request = TuneModelRequest {
            name: DAILY.to_owned(),
            methods: vec!["item_knn".to_owned()],
            trials: 1,
            validate_only: true,
            ..TuneModelRequest::default()
        };
        let begun = self.models().tune_model(request).await;
        let tuned: TuneModelResponse = self.answer(begun).await;
        assert!(!tuned.applied);
    }

    /// The recipe is judged on past events, and what came of it can be looked up.
    pub(crate) async fn judge(&mut self) {
        let request = EvaluateOfflineRequest {
            parent: CATALOG.to_owned(),
            subject: Some(Subject::Model(DAILY.to_owned())),
            metrics: vec!["recall".to_owned()],
            k: vec![5],
            evaluation_id: format!("evaluation-{}", self.number()),
            ..EvaluateOfflineRequest::default()
        };
        let begun = self.evaluations().evaluate_offline(request).await;
        let judged: Evaluation = self.answer(begun).await;
        let get = GetEvaluationRequest {
            name: judged.name.clone(),
        };
        let got = self.evaluations().get_evaluation(get).await.unwrap();
        assert_eq!(got.into_inner(), judged);
        let list = ListEvaluationsRequest {
            parent: CATALOG.to_owned(),
            ..ListEvaluationsRequest::default()
        };
        let listed = self.evaluations().list_evaluations(list).await.unwrap();
        let listed = listed.into_inner().evaluations;
        assert!(listed.iter().any(|it| it.name == judged.name));
    }

    /// A serving config is judged by a list that somebody was shown, of whom nothing is kept then.
    pub(crate) async fn judge_policy(&mut self) {
        let (guest, time) = (format!("guest-{}", self.number()), self.later());
        let shown = UserEvent {
            event_type: EventType::ViewItemList.into(),
            visitor_id: guest.clone(),
            event_time: Some(moment(time)),
            impression: Some(Impression {
                items: vec![ImpressionItem {
                    product_id: self.old_key(),
                    propensity: Some(0.5),
                    ..ImpressionItem::default()
                }],
                ..Impression::default()
            }),
            ..UserEvent::default()
        };
        let write = WriteUserEventRequest {
            parent: CATALOG.to_owned(),
            user_event: Some(shown),
            ..WriteUserEventRequest::default()
        };
        self.events().write_user_event(write).await.unwrap();
        let config = self.one_of(&LASTING).unwrap();
        let request = EvaluatePolicyRequest {
            parent: CATALOG.to_owned(),
            serving_config: format!("{CATALOG}/servingConfigs/{config}"),
            estimator: self.one_of(&[1, 2, 3]).unwrap(),
            from: Some(moment(time)),
            to: Some(moment(time + 1)),
            ..EvaluatePolicyRequest::default()
        };
        let begun = self.evaluations().evaluate_policy(request).await;
        let judged: Evaluation = self.answer(begun).await;
        let found = judged.policy.unwrap();
        assert_eq!((found.lists, found.slots, found.persons), (1, 1, 1));
        assert!((0.0..=2.0).contains(&found.max_weight), "{found:?}");
        let purge = PurgeUserEventsRequest {
            parent: CATALOG.to_owned(),
            filter: format!("person = \"visitor:{guest}\""),
            force: true,
            ..PurgeUserEventsRequest::default()
        };
        let begun = self.events().purge_user_events(purge).await;
        let purged: PurgeUserEventsResponse = self.answer(begun).await;
        assert_eq!(purged.purge_count, 1);
    }

    pub(crate) async fn evaluate(&mut self) {
        let request = EvaluateModelRequest {
            name: DAILY.to_owned(),
            ..EvaluateModelRequest::default()
        };
        let begun = self.models().evaluate_model(request).await;
        if self.happens(0.5) {
            let cancel = CancelOperationRequest {
                name: begun.as_ref().unwrap().get_ref().name.clone(),
            };
            self.operations().cancel_operation(cancel).await.unwrap();
        }
        self.ended(begun).await;
    }

    pub(crate) async fn promote(&mut self) {
        let versions = self.daily().await.versions;
        let version = self.one_of(&versions).unwrap().version;
        let request = PromoteModelRequest {
            name: DAILY.to_owned(),
            version: version.clone(),
            ..PromoteModelRequest::default()
        };
        let promoted = self.models().promote_model(request).await.unwrap();
        assert_eq!(promoted.into_inner().serving_version, version);
    }

    pub(crate) async fn roll_back(&mut self) {
        let before = self.daily().await;
        if before.previous_version.is_empty() {
            return;
        }
        let request = RollbackModelRequest {
            name: DAILY.to_owned(),
            ..RollbackModelRequest::default()
        };
        let after = self.models().rollback_model(request).await.unwrap();
        assert_eq!(after.into_inner().serving_version, before.previous_version);
    }

    pub(crate) async fn pause_and_resume(&mut self) {
        let pause = PauseModelRequest {
            name: DAILY.to_owned(),
            ..PauseModelRequest::default()
        };
        let paused = self.models().pause_model(pause).await.unwrap().into_inner();
        assert_eq!(paused.training_state(), TrainingState::Paused);
        let resume = ResumeModelRequest {
            name: DAILY.to_owned(),
            ..ResumeModelRequest::default()
        };
        let resumed = self.models().resume_model(resume).await.unwrap();
        assert_eq!(resumed.into_inner().training_state(), TrainingState::Idle);
    }

    /// A model that never answers comes, changes and goes.
    pub(crate) async fn spare_model(&mut self) {
        self.create_model("spare").await;
        let update = UpdateModelRequest {
            model: Some(Model {
                name: SPARE.to_owned(),
                display_name: "Spare".to_owned(),
                ..Model::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["display_name".to_owned()],
            }),
            ..UpdateModelRequest::default()
        };
        self.models().update_model(update).await.unwrap();
        let list = ListModelsRequest {
            parent: CATALOG.to_owned(),
            ..ListModelsRequest::default()
        };
        let listed = self.models().list_models(list).await.unwrap().into_inner();
        let names: Vec<&str> = listed.models.iter().map(|it| &*it.display_name).collect();
        assert_eq!(names, ["", "Spare"]);
        let delete = DeleteModelRequest {
            name: SPARE.to_owned(),
            ..DeleteModelRequest::default()
        };
        self.models().delete_model(delete).await.unwrap();
    }
}
