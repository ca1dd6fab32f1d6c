//! Holds a store to what it promises over each engine: two servers on the same records, and a person who is forgotten
//! on both.
//!
//! Tests over PostgreSQL are reported as ignored where it is not installed, with the reason, and fail when they are
//! asked for all the same.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

#[macro_use]
#[path = "../forwarding/mod.rs"]
mod forwarding;
#[path = "../erasure/faltering.rs"]
mod faltering;
mod forgetting;
mod ground;
mod knowing;
mod leasing;
#[path = "../conformance/postgres/server.rs"]
#[expect(dead_code, reason = "what only tests of one engine need")]
mod server;
#[path = "../erasure/shop.rs"]
#[expect(dead_code, reason = "what only tests of one server need")]
mod shop;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::ground::{Embedded, Ground, Memory, Postgres};

/// A test over an engine.
type Test = fn(&dyn Ground);

const TESTS: [(&str, Test); 9] = [
    (
        "what_one_server_is_told_the_other_knows",
        knowing::what_one_server_is_told_the_other_knows,
    ),
    (
        "a_history_is_of_the_person_and_what_she_allows",
        knowing::a_history_is_of_the_person_and_what_she_allows,
    ),
    (
        "an_older_word_never_beats_a_newer_one",
        knowing::an_older_word_never_beats_a_newer_one,
    ),
    (
        "every_engine_gives_the_same_model",
        knowing::every_engine_gives_the_same_model,
    ),
    (
        "who_was_forgotten_is_unknown_to_every_server",
        forgetting::who_was_forgotten_is_unknown_to_every_server,
    ),
    (
        "whoever_keeps_something_of_a_person_hears_that_she_was_erased",
        forgetting::whoever_keeps_something_of_a_person_hears_that_she_was_erased,
    ),
    (
        "an_erasure_that_broke_off_is_finished_by_another_server",
        forgetting::an_erasure_that_broke_off_is_finished_by_another_server,
    ),
    (
        "one_server_at_a_time_has_a_lease_and_the_dead_lose_it",
        leasing::one_server_at_a_time_has_a_lease_and_the_dead_lose_it,
    ),
    (
        "of_all_who_bid_for_a_lease_at_once_one_gets_it",
        leasing::of_all_who_bid_for_a_lease_at_once_one_gets_it,
    ),
];

/// The tests over one engine, ignored if it is not there.
fn trials(engine: &str, ground: &Result<Arc<dyn Ground>, String>) -> Vec<Trial> {
    let trial = |(name, test): (&str, Test)| {
        let name = format!("{engine}::{name}");
        match ground.clone() {
            Ok(ground) => Trial::test(name, move || {
                test(&*ground);
                Ok(())
            }),
            Err(reason) => {
                let failed = Failed::from(&reason);
                let asked_all_the_same = Trial::test(name, move || Err(failed));
                asked_all_the_same.with_kind(reason).with_ignored_flag(true)
            }
        }
    };
    TESTS.into_iter().map(trial).collect()
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let postgres = Postgres::find().map(|ground| Arc::new(ground) as Arc<dyn Ground>);
    let mut tests = trials("memory", &Ok(Arc::new(Memory)));
    tests.extend(trials("embedded", &Ok(Arc::new(Embedded))));
    tests.extend(trials("postgres", &postgres));
    let conclusion = libtest_mimic::run(&arguments, tests);
    // The server is stopped before this process ends.
    drop(postgres);
    conclusion.exit_code()
}
