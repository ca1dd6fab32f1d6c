//! A server that trains its model itself, and what is asked of it.

use std::time::Duration;

use recommender_core::{Error, Result};
use recommender_grpc::client::{ModelServiceClient, OperationsClient};
use recommender_grpc::proto::longrunning::operation::Result as Ending;
use recommender_grpc::proto::longrunning::{Operation, WaitOperationRequest};
use recommender_grpc::proto::promotion_policy::{Always, Rule};
use recommender_grpc::proto::{
    CreateModelRequest, Model, PromotionPolicy, TrainModelRequest, TrainingPolicy,
};
use tonic::Status;
use tonic::transport::Channel;

use crate::service::load::channel;
use crate::service::shop::PIPELINE;

const CATALOG: &str = "catalogs/default";

/// The model of the serving config that is asked.
const MODEL: &str = "home";

/// How long one call waits for a training.
const PATIENCE: Duration = Duration::from_secs(3);

fn failed(status: &Status) -> Error {
    Error::data("training", status.to_string())
}

/// Whoever has models trained.
#[derive(Debug, Clone)]
pub struct Teacher {
    models: ModelServiceClient<Channel>,
    operations: OperationsClient<Channel>,
}

impl Teacher {
    /// One who calls the server at an address.
    ///
    /// # Errors
    /// If nobody answers there.
    pub async fn connect(address: &str) -> Result<Self> {
        let channel = channel(address).await?;
        Ok(Self {
            models: ModelServiceClient::new(channel.clone()),
            operations: OperationsClient::new(channel),
        })
    }

    /// Makes the model, of which every version that is trained is put in service.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn begin(&mut self) -> Result<()> {
        let promotion = PromotionPolicy {
            rule: Some(Rule::Always(Always {})),
        };
        let request = CreateModelRequest {
            parent: CATALOG.into(),
            model: Some(Model {
                pipeline: PIPELINE.into(),
                training_policy: Some(TrainingPolicy {
                    promotion: Some(promotion),
                    ..TrainingPolicy::default()
                }),
                ..Model::default()
            }),
            model_id: MODEL.into(),
            ..CreateModelRequest::default()
        };
        let created = self.models.create_model(request).await;
        created.map(|_| ()).map_err(|status| failed(&status))
    }

    /// Trains it once, to the end.
    ///
    /// # Errors
    /// If that fails.
    pub async fn train(&mut self) -> Result<()> {
        let request = TrainModelRequest {
            name: format!("{CATALOG}/models/{MODEL}"),
            ..TrainModelRequest::default()
        };
        let begun = self.models.train_model(request).await;
        let mut operation = begun.map_err(|status| failed(&status))?.into_inner();
        while !operation.done {
            operation = self
                .waited(operation)
                .await
                .map_err(|status| failed(&status))?;
        }
        match operation.result {
            Some(Ending::Response(_)) => Ok(()),
            other => Err(Error::data("training", format!("it ended with {other:?}"))),
        }
    }

    async fn waited(&mut self, operation: Operation) -> Result<Operation, Status> {
        let request = WaitOperationRequest {
            name: operation.name,
            timeout: PATIENCE.try_into().ok(),
        };
        Ok(self.operations.wait_operation(request).await?.into_inner())
    }
}
