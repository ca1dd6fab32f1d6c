//! The store's rooms and which of them may use which.

#[path = "../../recommender-core/tests/rooms/mod.rs"]
mod rooms;

use rooms::{MayUse, mutual, unallowed};

/// Each room of `src`, and the rooms it may use. Everyone may use `error`.
const MAY_USE: &MayUse = &[
    ("audit", &["digits", "identity", "record"]),
    ("batch", &["record"]),
    ("catalog", &["record", "stamp"]),
    ("clock", &[]),
    ("day", &[]),
    ("digits", &[]),
    ("disk", &[]),
    (
        "embedded",
        &["disk", "engine", "record", "stances", "ticket"],
    ),
    ("engine", &["record", "stances", "ticket"]),
    ("erasure", &["digits", "identity", "record"]),
    ("error", &[]),
    (
        "exchange",
        &[
            "batch", "catalog", "day", "digits", "disk", "engine", "record", "ticket",
        ],
    ),
    ("filter", &["catalog", "day"]),
    ("identity", &["stamp"]),
    ("join", &["engine", "exchange", "identity", "record"]),
    ("memory", &["engine", "portable", "record", "ticket"]),
    ("portable", &["digits", "disk", "engine", "record"]),
    (
        "postgres",
        &["engine", "portable", "record", "stances", "ticket"],
    ),
    ("privacy", &["audit", "digits", "identity", "stamp"]),
    ("record", &[]),
    ("stamp", &["record"]),
    (
        "store",
        &[
            "audit", "batch", "catalog", "clock", "engine", "erasure", "exchange", "filter",
            "identity", "join", "privacy", "record", "stamp", "stances", "ticket",
        ],
    ),
    ("stances", &["record"]),
    ("ticket", &[]),
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
