//! What the layers around the services are made of.

mod ending;
mod passing;

use std::convert::Infallible;
use std::pin::Pin;

use http::Response;
use tonic::body::Body;

pub(crate) use ending::{Ending, watched};
pub(crate) use passing::{Next, Onlooker, Passing};

/// What a layer gives in the end.
pub(crate) type Answering =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;
