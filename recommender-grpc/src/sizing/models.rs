//! What each kind of model takes.

use recommender_core::pipeline::ModelConfig;

use crate::sizing::{Shape, Shop};

/// Bytes, and how they are worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) bytes: u64,
    pub(crate) formula: String,
}

/// Bytes of an entry of a sparse matrix: a column and a value.
const ENTRY: u64 = 8;

/// Features of a product that a content model reads, about: its title, its category, its brand and some labels.
const FEATURES: u64 = 24;

/// How a model's size follows from that of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Law {
    /// A number for every pair of items.
    Dense,
    /// So many neighbours of each item, unless the kind is told otherwise.
    Neighbours(u64),
    /// So many numbers of each item, unless the kind is told otherwise.
    Factors(u64),
    /// What every user did, so many times over.
    Users(u64),
    /// A few numbers of each item.
    Items(u64),
    /// Features of each item, both ways.
    Features,
}

/// The law of a kind; none for a kind that there is none of.
fn law(kind: &str) -> Option<Law> {
    Some(match kind {
        "ease" | "edlae" | "rdlae" | "graph_filter" => Law::Dense,
        "item_knn" => Law::Neighbours(100),
        "rp3beta" | "sansa" | "slim" | "sequential_rules" | "association_rules" => {
            Law::Neighbours(200)
        }
        "ials" | "bpr" => Law::Factors(128),
        "sequence" => Law::Factors(64),
        "user_knn" => Law::Users(2),
        "vmis_knn" | "vstan" => Law::Users(2),
        "tifu_knn" | "up_cf" => Law::Users(1),
        "popularity" | "personal_frequency" | "random" => Law::Items(2),
        "repurchase" => Law::Items(8),
        "content" => Law::Features,
        _ => return None,
    })
}

/// Kinds of models that can be sized.
pub(crate) fn kinds() -> Vec<&'static str> {
    let kinds = ModelConfig::NAMES.iter().copied();
    kinds.filter(|kind| law(kind).is_some()).collect()
}

/// What a model takes when it is served.
pub(crate) fn served(shape: &Shape, shop: &Shop) -> Model {
    let (items, pairs) = (shop.items, shop.interactions);
    let wide = |count: u64| u64::from(count > 0);
    let model = |bytes: u64, formula: String| Model { bytes, formula };
    match law(&shape.kind) {
        None => model(0, "unknown".to_owned()),
        Some(Law::Dense) => {
            let bytes = items.saturating_mul(items).saturating_mul(4);
            let small = items.saturating_mul(12);
            model(
                bytes.saturating_add(small),
                "4 x items^2 + 12 x items".to_owned(),
            )
        }
        Some(Law::Neighbours(usual)) => {
            let most = shape.neighbours.unwrap_or(usual);
            let kept = most.min(items.saturating_sub(wide(items)));
            let bytes = items.saturating_mul(kept.saturating_mul(ENTRY).saturating_add(16));
            model(bytes, format!("items x (8 x {kept} neighbours + 16)"))
        }
        Some(Law::Factors(usual)) => {
            let factors = shape.factors.unwrap_or(usual);
            let bytes = items.saturating_mul(factors.saturating_mul(4).saturating_add(4));
            model(bytes, format!("items x (4 x {factors} factors + 4)"))
        }
        Some(Law::Users(times)) => {
            let entries = pairs.saturating_mul(ENTRY).saturating_mul(times);
            let rows = shop.users.saturating_add(items).saturating_mul(8);
            let formula = format!("{times} x 8 x interactions + 8 x (users + items)");
            model(entries.saturating_add(rows), formula)
        }
        Some(Law::Items(numbers)) => {
            let bytes = items.saturating_mul(numbers * 4);
            model(bytes, format!("items x 4 x {numbers}"))
        }
        Some(Law::Features) => {
            let bytes = items.saturating_mul(FEATURES * ENTRY * 2);
            model(bytes, format!("items x {FEATURES} features x 16"))
        }
    }
}

/// What a model takes while it is fitted, besides what it is fitted to.
pub(crate) fn fitted(shape: &Shape, shop: &Shop) -> Model {
    let own = served(shape, shop);
    let pairs = shop.interactions.saturating_mul(ENTRY);
    match law(&shape.kind) {
        Some(Law::Dense) => {
            // The products of all pairs of items and their inverse, in double precision at times.
            let squares = shop.items.saturating_mul(shop.items).saturating_mul(12);
            Model {
                bytes: own.bytes.saturating_add(squares),
                formula: "16 x items^2 + 12 x items".to_owned(),
            }
        }
        Some(Law::Factors(_)) => {
            let factors = shape.factors.unwrap_or(128);
            let users = shop.users.saturating_mul(factors.saturating_mul(4));
            Model {
                bytes: own.bytes.saturating_add(users).saturating_add(pairs),
                formula: format!("(users + items) x 4 x {factors} factors + 8 x interactions"),
            }
        }
        Some(Law::Neighbours(_) | Law::Users(_) | Law::Items(_) | Law::Features) | None => Model {
            bytes: own.bytes.saturating_add(pairs.saturating_mul(2)),
            formula: format!("{} + 16 x interactions", own.formula),
        },
    }
}
