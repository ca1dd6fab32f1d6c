//! Sizes of the wire and of the sizing room.

use crate::convert::violations::Violations;
use crate::proto::{
    EstimateResourcesRequest, EstimateResourcesResponse, ModelShape, ResourcePart, ResourceUse,
};
use crate::sizing::{self, Shape, Shop, Use};

/// Most models of an estimate.
const MAX_MODELS: usize = 100;

/// Bytes of a key where the caller does not say.
const KEY_BYTES: u64 = 16;

/// Bytes of a product's texts where the caller does not say.
const PRODUCT_BYTES: u64 = 200;

/// The shop and the models of a request, of a server that keeps answers of so many bytes; notes what is wrong with them.
pub(crate) fn asked(
    request: EstimateResourcesRequest,
    kept_answers_bytes: usize,
    wrong: &mut Violations,
) -> (Shop, Vec<Shape>) {
    let mut number = |field: &str, found: i64| {
        u64::try_from(found).unwrap_or_else(|_| {
            wrong.add(field, format!("expected at least 0, found {found}"));
            0
        })
    };
    let interactions = number("interactions", request.interactions);
    let events = number("events", request.events);
    let key_bytes = number("key_bytes", request.key_bytes.into());
    let product_bytes = number("product_bytes", request.product_bytes.into());
    let kept = request.kept_answers_bytes;
    let kept = kept.map(|kept| number("kept_answers_bytes", kept));
    let shop = Shop {
        users: number("users", request.users),
        items: number("items", request.items),
        interactions,
        events: if events == 0 { interactions } else { events },
        stock_levels: number("stock_levels", request.stock_levels),
        key_bytes: if key_bytes == 0 { KEY_BYTES } else { key_bytes },
        product_bytes: if product_bytes == 0 {
            PRODUCT_BYTES
        } else {
            product_bytes
        },
        kept_answers_bytes: kept.unwrap_or(kept_answers_bytes as u64),
    };
    wrong.bound("models", request.models.len(), MAX_MODELS);
    let shapes = request.models.into_iter().take(MAX_MODELS).enumerate();
    let shapes = shapes.map(|(number, model)| shape(model, number, wrong));
    (shop, shapes.collect())
}

fn shape(model: ModelShape, number: usize, wrong: &mut Violations) -> Shape {
    let kinds = sizing::kinds();
    if !kinds.contains(&model.kind.as_str()) {
        let (names, found) = (kinds.join(", "), &model.kind);
        let at = format!("models[{number}].kind");
        wrong.add(at, format!("expected one of {names}; found {found:?}"));
    }
    let mut size = |name: &str, found: i32| {
        let size = u64::try_from(found).unwrap_or_else(|_| {
            let at = format!("models[{number}].{name}");
            wrong.add(at, format!("expected at least 0, found {found}"));
            0
        });
        (size > 0).then_some(size)
    };
    Shape {
        neighbours: size("neighbours", model.neighbours),
        factors: size("factors", model.factors),
        kind: model.kind,
    }
}

/// What the shop takes with these models.
pub(crate) fn estimate((shop, shapes): &(Shop, Vec<Shape>)) -> EstimateResourcesResponse {
    let parts = shop.parts(shapes);
    let total = |used| count(sizing::total(&parts, used));
    EstimateResourcesResponse {
        serving_bytes: total(Use::Serving),
        training_bytes: total(Use::Training),
        disk_bytes: total(Use::Disk),
        parts: parts
            .into_iter()
            .map(|part| ResourcePart {
                r#use: wire_use(part.used).into(),
                bytes: count(part.bytes),
                name: part.name,
                formula: part.formula,
            })
            .collect(),
    }
}

fn wire_use(used: Use) -> ResourceUse {
    match used {
        Use::Serving => ResourceUse::Serving,
        Use::Training => ResourceUse::Training,
        Use::Disk => ResourceUse::Disk,
    }
}

fn count(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
