//! The library's own rules, checked on its sources: which room may know which, and what none may touch.

mod rooms;

use rooms::{MayUse, mutual, room, sources, unallowed};

/// Each room of `src`, and the rooms it may use. Everyone may use `error`.
const MAY_USE: &MayUse = &[
    (
        "artifact",
        &[
            "buffer",
            "catalog",
            "digits",
            "engine",
            "events",
            "histories",
            "ids",
            "pipeline",
            "sparse",
            "time",
        ],
    ),
    (
        "baskets",
        &["dataset", "events", "ids", "interactions", "query", "time"],
    ),
    ("buffer", &[]),
    (
        "catalog",
        &["buffer", "events", "ids", "rows", "sparse", "time"],
    ),
    (
        "dataset",
        &[
            "catalog",
            "digits",
            "events",
            "ids",
            "interactions",
            "query",
            "time",
        ],
    ),
    ("digits", &[]),
    (
        "engine",
        &[
            "catalog",
            "dataset",
            "events",
            "histories",
            "ids",
            "interactions",
            "pipeline",
            "query",
            "ranked",
            "recommender",
            "time",
        ],
    ),
    ("error", &[]),
    (
        "evaluation",
        &[
            "baskets",
            "catalog",
            "dataset",
            "digits",
            "events",
            "ids",
            "interactions",
            "query",
            "ranked",
            "recommender",
            "sparse",
            "time",
        ],
    ),
    ("events", &["ids", "rows", "time"]),
    ("factors", &["artifact", "buffer", "ids", "query", "ranked"]),
    (
        "histories",
        &[
            "artifact",
            "buffer",
            "dataset",
            "events",
            "ids",
            "interactions",
            "time",
        ],
    ),
    ("ids", &[]),
    (
        "interactions",
        &["events", "ids", "query", "sparse", "time"],
    ),
    (
        "models",
        &[
            "artifact",
            "baskets",
            "buffer",
            "catalog",
            "dataset",
            "events",
            "factors",
            "ids",
            "interactions",
            "query",
            "ranked",
            "recommender",
            "rules",
            "sessions",
            "sparse",
            "time",
        ],
    ),
    (
        "pipeline",
        &[
            "artifact",
            "catalog",
            "dataset",
            "ids",
            "interactions",
            "models",
            "query",
            "ranked",
            "recommender",
        ],
    ),
    ("query", &["events", "ids", "time"]),
    ("ranked", &["ids", "query"]),
    ("recommender", &["query", "ranked"]),
    ("rows", &["time"]),
    (
        "rules",
        &[
            "baskets",
            "dataset",
            "events",
            "ids",
            "interactions",
            "query",
            "recommender",
            "time",
        ],
    ),
    (
        "sessions",
        &[
            "artifact",
            "buffer",
            "dataset",
            "events",
            "ids",
            "interactions",
            "time",
        ],
    ),
    ("sparse", &["buffer"]),
    ("time", &[]),
    (
        "tuning",
        &[
            "catalog",
            "dataset",
            "evaluation",
            "events",
            "ids",
            "interactions",
            "models",
            "pipeline",
            "query",
            "ranked",
            "recommender",
            "sparse",
        ],
    ),
];

/// What a library of pure computation never names.
const FORBIDDEN: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "SystemTime",
    "Instant::now",
    "thread_rng",
    "rand::rng()",
    "OsRng",
    "from_os_rng",
    "from_entropy",
    "async fn",
    "tokio",
    "tonic",
    "prost",
];

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let wrong = unallowed(env!("CARGO_MANIFEST_DIR"), MAY_USE);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Histories and pipelines are put into artefacts, and artefacts are taken up as them.
#[test]
fn no_two_rooms_use_each_other_but_with_artefacts() {
    let mut found = mutual(MAY_USE);
    found.sort();
    assert_eq!(found, ["artifact and histories", "artifact and pipeline"]);
}

#[test]
fn nothing_touches_files_network_clock_or_global_randomness() {
    let mut wrong = Vec::new();
    for (path, code) in sources(env!("CARGO_MANIFEST_DIR")) {
        let found = FORBIDDEN.iter().filter(|word| code.contains(**word));
        wrong.extend(found.map(|word| format!("{path}: {word}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_evaluator_names_no_model() {
    for (path, code) in sources(env!("CARGO_MANIFEST_DIR")) {
        let names = room(&path) == "evaluation" && code.contains("crate::models");
        assert!(!names, "{path} names a model");
    }
}
