//! The generated client, and the usual way to connect it.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint, Error};

pub use crate::proto::recommendation_service_client::RecommendationServiceClient;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an idle connection is checked.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Connects to the server at `address`: `host:port`, or a URI with its scheme.
///
/// The client is cheap to clone; all clones share one connection, which comes back by itself after a break.
///
/// # Errors
/// If the address is none, or nobody answers there.
pub async fn connect(
    address: impl Into<String>,
) -> Result<RecommendationServiceClient<Channel>, Error> {
    let address = address.into();
    let uri = if address.contains("://") {
        address
    } else {
        format!("http://{address}")
    };
    let channel = Endpoint::from_shared(uri)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .connect()
        .await?;
    Ok(RecommendationServiceClient::new(channel))
}
