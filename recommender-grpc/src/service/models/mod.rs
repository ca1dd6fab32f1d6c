//! The methods of `recommender.v1.ModelService`: check, have it done by the registry, answer.

mod ask;
mod transfer;

use tonic::{Request, Response, Status, Streaming};

use crate::proto::longrunning::Operation;
use crate::proto::model_service_server::ModelService;
use crate::proto::{
    CreateModelRequest, DeleteModelRequest, DownloadModelRequest, EvaluateModelRequest,
    ExportModelRequest, GetModelRequest, ImportModelRequest, ListModelsRequest, ListModelsResponse,
    Model as Message, PauseModelRequest, PromoteModelRequest, ResumeModelRequest,
    RollbackModelRequest, TrainModelRequest, TuneModelRequest, UpdateModelRequest,
    UploadModelRequest, UploadModelResponse,
};
use crate::security::Caller;
use crate::service::replays::{Repeatable, Replays};
use crate::service::room::Room;
use crate::serving::RecipeBook;
use crate::shop::Shop;
use crate::status::Refusal;
use crate::training::Registry;
pub(crate) use ask::trained;
use transfer::Pieces;

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct ModelCalls {
    shop: Shop,
    registry: Registry,
    book: RecipeBook,
    room: Room,
    /// For artefacts byte by byte.
    transfers: Room,
    replays: Replays,
}

/// Calls at once; those beyond are turned away.
const AT_ONCE: usize = 32;

/// Artefacts on their way at once, in or out: each in may take the room of the largest on the disk.
const TRANSFERS: usize = 4;

impl ModelCalls {
    pub(crate) fn new(shop: Shop, book: RecipeBook) -> Self {
        Self {
            registry: shop.registry.clone(),
            shop,
            book,
            room: Room::new(AT_ONCE),
            transfers: Room::new(TRANSFERS),
            replays: Replays::default(),
        }
    }

    /// Does `work` on a thread that may block, once for the request's id, and however long it takes.
    async fn once<Q, R>(
        &self,
        (method, request): (&'static str, Request<Q>),
        id: fn(&Q) -> &str,
        work: fn(&Self, Q) -> Result<R, Refusal>,
    ) -> Result<Response<R>, Status>
    where
        Q: prost::Message + Clone + PartialEq + 'static,
        R: Clone + Send + Sync + 'static,
    {
        let caller = Caller::of(request.extensions());
        let request = request.into_inner();
        let (calls, asked) = (self.clone(), request.clone());
        let call = Repeatable {
            caller: &caller,
            method,
            id: id(&asked),
            request: &asked,
        };
        let work = async move { calls.blocking(move |it| work(it, request)).await };
        Ok(Response::new(self.replays.once(call, work).await?))
    }
}

#[tonic::async_trait]
impl ModelService for ModelCalls {
    async fn create_model(
        &self,
        request: Request<CreateModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("CreateModel", request);
        self.once(call, |it| &it.request_id, |it, request| it.create(request))
            .await
    }

    async fn get_model(
        &self,
        request: Request<GetModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let request = request.into_inner();
        let answer = self.blocking(move |it| it.get(&request.name)).await?;
        Ok(Response::new(answer))
    }

    async fn list_models(
        &self,
        request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let request = request.into_inner();
        let answer = self.blocking(move |it| it.list(&request)).await?;
        Ok(Response::new(answer))
    }

    async fn update_model(
        &self,
        request: Request<UpdateModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("UpdateModel", request);
        self.once(call, |it| &it.request_id, |it, request| it.update(request))
            .await
    }

    async fn delete_model(
        &self,
        request: Request<DeleteModelRequest>,
    ) -> Result<Response<()>, Status> {
        let call = ("DeleteModel", request);
        self.once(call, |it| &it.request_id, |it, request| it.delete(&request))
            .await
    }

    async fn train_model(
        &self,
        request: Request<TrainModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("TrainModel", request);
        self.once(
            call,
            |it| &it.request_id,
            |it, request| it.train(&request.name),
        )
        .await
    }

    async fn evaluate_model(
        &self,
        request: Request<EvaluateModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("EvaluateModel", request);
        self.once(
            call,
            |it| &it.request_id,
            |it, request| it.evaluate(&request),
        )
        .await
    }

    async fn tune_model(
        &self,
        request: Request<TuneModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("TuneModel", request);
        self.once(call, |it| &it.request_id, |it, request| it.tune(&request))
            .await
    }

    async fn upload_model(
        &self,
        request: Request<Streaming<UploadModelRequest>>,
    ) -> Result<Response<UploadModelResponse>, Status> {
        self.upload(request).await
    }

    type DownloadModelStream = Pieces;

    async fn download_model(
        &self,
        request: Request<DownloadModelRequest>,
    ) -> Result<Response<Pieces>, Status> {
        self.download(request.into_inner()).await
    }

    async fn promote_model(
        &self,
        request: Request<PromoteModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("PromoteModel", request);
        self.once(
            call,
            |it| &it.request_id,
            |it, request| it.promote(&request),
        )
        .await
    }

    async fn rollback_model(
        &self,
        request: Request<RollbackModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("RollbackModel", request);
        self.once(
            call,
            |it| &it.request_id,
            |it, request| it.roll_back(&request.name),
        )
        .await
    }

    async fn import_model(
        &self,
        request: Request<ImportModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("ImportModel", request);
        self.once(call, |it| &it.request_id, |it, request| it.import(request))
            .await
    }

    async fn export_model(
        &self,
        request: Request<ExportModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let call = ("ExportModel", request);
        self.once(call, |it| &it.request_id, |it, request| it.export(request))
            .await
    }

    async fn pause_model(
        &self,
        request: Request<PauseModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("PauseModel", request);
        self.once(
            call,
            |it| &it.request_id,
            |it, request| it.pause(&request.name),
        )
        .await
    }

    async fn resume_model(
        &self,
        request: Request<ResumeModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let call = ("ResumeModel", request);
        self.once(
            call,
            |it| &it.request_id,
            |it, request| it.resume(&request.name),
        )
        .await
    }
}
