//! The generated clients, and the usual way to connect them.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint, Error};

pub use crate::proto::admin_service_client::AdminServiceClient;
pub use crate::proto::control_service_client::ControlServiceClient;
pub use crate::proto::evaluation_service_client::EvaluationServiceClient;
pub use crate::proto::longrunning::operations_client::OperationsClient;
pub use crate::proto::model_service_client::ModelServiceClient;
pub use crate::proto::place_service_client::PlaceServiceClient;
pub use crate::proto::product_service_client::ProductServiceClient;
pub use crate::proto::recommendation_service_client::RecommendationServiceClient;
pub use crate::proto::serving_config_service_client::ServingConfigServiceClient;
pub use crate::proto::user_event_service_client::UserEventServiceClient;
pub use crate::proto::user_service_client::UserServiceClient;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an idle connection is checked.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Connects a client of recommendations to the server at `address`; the others are made from a [`channel`].
///
/// # Errors
/// As [`channel`].
pub async fn connect(
    address: impl Into<String>,
) -> Result<RecommendationServiceClient<Channel>, Error> {
    Ok(RecommendationServiceClient::new(channel(address).await?))
}

/// A connection to the server at `address`: `host:port`, or a URI with its scheme. It is cheap to clone; all clones
/// share one connection, which comes back by itself after a break.
///
/// # Errors
/// If the address is none, or nobody answers there.
pub async fn channel(address: impl Into<String>) -> Result<Channel, Error> {
    let address = address.into();
    let uri = if address.contains("://") {
        address
    } else {
        format!("http://{address}")
    };
    Endpoint::from_shared(uri)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .connect()
        .await
}
