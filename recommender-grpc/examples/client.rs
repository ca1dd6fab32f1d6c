//! Asks a running server what goes with some products, or what suits a shopper, and prints the answer.
//!
//! ```text
//! cargo run -p recommender-grpc --example client -- 127.0.0.1:50051 default --user 17850
//! cargo run -p recommender-grpc --example client -- 127.0.0.1:50051 default --items 85123A 71053
//! ```

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what this program is for"
)]

use std::env;
use std::process::ExitCode;

use recommender_grpc::client;
use recommender_grpc::proto::{ProductDetail, RecommendContext, RecommendRequest, RecommendView};
use tonic_types::StatusExt;

const USAGE: &str = "usage: client ADDRESS SERVING_CONFIG (--user KEY | --items KEY...)";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [address, serving_config, what, keys @ ..] = &*words else {
        eprintln!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    let mut request = RecommendRequest {
        serving_config: format!("catalogs/default/servingConfigs/{serving_config}"),
        context: Some(context(what, keys)),
        page_size: 10,
        ..RecommendRequest::default()
    };
    request.set_view(RecommendView::WithExplanation);

    let mut client = client::connect(address).await?;
    let response = match client.recommend(request).await {
        Ok(response) => response.into_inner(),
        Err(status) => {
            eprintln!("{}: {}", status.code(), status.message());
            if let Some(bad_request) = status.get_details_bad_request() {
                for violation in bad_request.field_violations {
                    eprintln!("  {}: {}", violation.field, violation.description);
                }
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    println!("model {}, {:?}", response.model_version, response.tier());
    for result in &response.results {
        let reasons = result.reasons.iter();
        let reasons: Vec<String> = reasons
            .map(|reason| format!("{} {:.3}", reason.model, reason.weight))
            .collect();
        println!(
            "{:>3}  {:<20} {:.4}  {}",
            result.position,
            result.product_id,
            result.score,
            reasons.join(", ")
        );
    }
    if !response.missing_ids.is_empty() {
        println!("unknown: {}", response.missing_ids.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// The context that `--user KEY` or `--items KEY...` describes.
fn context(what: &str, keys: &[String]) -> RecommendContext {
    let user_id = keys.first().filter(|_| what == "--user");
    let items = keys.iter().filter(|_| what == "--items");
    RecommendContext {
        visitor_id: "example-client".to_owned(),
        user_id: user_id.cloned().unwrap_or_default(),
        product_details: items
            .map(|key| ProductDetail {
                product_id: key.clone(),
                ..ProductDetail::default()
            })
            .collect(),
        ..RecommendContext::default()
    }
}
