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
use crate::service::room::Room;
use crate::serving::RecipeBook;
use crate::shop::Shop;
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
        }
    }
}

#[tonic::async_trait]
impl ModelService for ModelCalls {
    async fn create_model(
        &self,
        request: Request<CreateModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.create(request)).await
    }

    async fn get_model(
        &self,
        request: Request<GetModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.get(&request.name)).await
    }

    async fn list_models(
        &self,
        request: Request<ListModelsRequest>,
    ) -> Result<Response<ListModelsResponse>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.list(&request)).await
    }

    async fn update_model(
        &self,
        request: Request<UpdateModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.update(request)).await
    }

    async fn delete_model(
        &self,
        request: Request<DeleteModelRequest>,
    ) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.delete(&request)).await
    }

    async fn train_model(
        &self,
        request: Request<TrainModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.train(&request.name)).await
    }

    async fn evaluate_model(
        &self,
        request: Request<EvaluateModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.evaluate(&request)).await
    }

    async fn tune_model(
        &self,
        request: Request<TuneModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.tune(&request)).await
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
        let request = request.into_inner();
        self.blocking(move |it| it.promote(&request)).await
    }

    async fn rollback_model(
        &self,
        request: Request<RollbackModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.roll_back(&request.name)).await
    }

    async fn import_model(
        &self,
        request: Request<ImportModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.import(request)).await
    }

    async fn export_model(
        &self,
        request: Request<ExportModelRequest>,
    ) -> Result<Response<Operation>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.export(request)).await
    }

    async fn pause_model(
        &self,
        request: Request<PauseModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.pause(&request.name)).await
    }

    async fn resume_model(
        &self,
        request: Request<ResumeModelRequest>,
    ) -> Result<Response<Message>, Status> {
        let request = request.into_inner();
        self.blocking(move |it| it.resume(&request.name)).await
    }
}
