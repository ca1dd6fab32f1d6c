//! The service's rooms and which of them may use which.

#[path = "../../recommender-core/tests/rooms/mod.rs"]
mod rooms;

use rooms::{MayUse, mutual, unallowed};

/// Each room of `src`, and the rooms it may use. Everyone may use `error`.
const MAY_USE: &MayUse = &[
    (
        "answering",
        &[
            "list",
            "proto",
            "resource",
            "serving",
            "settings",
            "status",
            "telemetry",
            "workers",
        ],
    ),
    ("client", &["proto"]),
    (
        "convert",
        &[
            "answering",
            "list",
            "models",
            "proto",
            "resource",
            "serving",
            "settings",
            "sizing",
            "status",
            "training",
        ],
    ),
    ("digits", &[]),
    (
        "entrance",
        &[
            "page",
            "resilience",
            "security",
            "settings",
            "telemetry",
            "wire_faults",
        ],
    ),
    ("error", &[]),
    ("health", &[]),
    ("layers", &[]),
    ("list", &["digits"]),
    ("loading", &["models", "training", "warming"]),
    ("models", &["answering", "health"]),
    ("operations", &["convert", "proto", "status", "workers"]),
    (
        "page",
        &["health", "resilience", "security", "shop", "telemetry"],
    ),
    ("proto", &[]),
    (
        "resilience",
        &["layers", "security", "settings", "status", "telemetry"],
    ),
    ("resource", &[]),
    (
        "security",
        &["digits", "layers", "proto", "settings", "status"],
    ),
    (
        "server",
        &[
            "answering",
            "entrance",
            "health",
            "loading",
            "models",
            "operations",
            "page",
            "proto",
            "service",
            "serving",
            "settings",
            "shop",
            "telemetry",
            "training",
            "workers",
        ],
    ),
    (
        "service",
        &[
            "answering",
            "convert",
            "digits",
            "models",
            "operations",
            "proto",
            "resource",
            "security",
            "serving",
            "settings",
            "shop",
            "status",
            "telemetry",
            "training",
            "wire_faults",
            "workers",
        ],
    ),
    ("serving", &["settings", "status", "workers"]),
    ("settings", &[]),
    (
        "shop",
        &[
            "answering",
            "models",
            "operations",
            "serving",
            "settings",
            "status",
            "telemetry",
            "training",
            "workers",
        ],
    ),
    ("sizing", &[]),
    ("status", &["workers"]),
    ("telemetry", &["layers", "proto", "security", "settings"]),
    (
        "training",
        &[
            "answering",
            "digits",
            "models",
            "operations",
            "proto",
            "resource",
            "serving",
            "status",
            "warming",
        ],
    ),
    ("warming", &["models"]),
    ("wire_faults", &["status"]),
    ("workers", &["resilience", "settings", "telemetry"]),
];

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let wrong = unallowed(env!("CARGO_MANIFEST_DIR"), MAY_USE);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_two_rooms_use_each_other() {
    let wrong = mutual(MAY_USE);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
