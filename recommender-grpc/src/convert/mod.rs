//! Between the wire and the engine: the one place that knows both.

mod amounts;
mod candidates;
mod constraints;
mod controls;
mod evaluations;
pub(crate) mod events;
mod extras;
mod given;
pub(crate) mod identities;
pub(crate) mod inventory;
mod listing;
mod mask;
mod models;
pub(crate) mod names;
pub(crate) mod pages;
pub(crate) mod places;
mod policies;
pub(crate) mod product_rows;
pub(crate) mod products;
pub(crate) mod receipts;
mod request;
mod response;
mod serving_configs;
mod shown;
pub(crate) mod sizes;
mod tuning;
mod violations;
pub(crate) mod writes;

pub(crate) use candidates::{Explained, explained, ranked};
pub(crate) use controls::{CONTROLS, changed_control, control, of_control};
pub(crate) use evaluations::{of_evaluation, offline_order};
pub(crate) use given::{asked, asked_to_rank, given};
pub(crate) use listing::{check_id, check_parent, id_in};
pub(crate) use mask::Mask;
pub(crate) use models::{
    Standing, changed_model, check_metric, comparison, model, of_given, of_model, version,
    version_number,
};
pub(crate) use pages::{List, Page, page};
pub(crate) use policies::policy_order;
pub(crate) use request::{Bounds, check_batch, question};
pub(crate) use response::{duration, explanation, ranking, response, status};
pub(crate) use serving_configs::{
    SERVING_CONFIGS, changed_serving_config, of_serving_config, serving_config,
};
pub(crate) use tuning::{of_tuned, tuning_order};
pub(crate) use violations::Violations;
