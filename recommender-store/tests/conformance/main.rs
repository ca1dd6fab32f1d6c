//! Holds every engine to every promise of `recommender_store::Engine`.
//!
//! One list of tests runs over each engine. Tests of an engine whose server is not installed are reported as ignored,
//! with the reason, and fail when they are asked for all the same.
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

/// A list of tests with their names.
macro_rules! tests {
    ($kind:ty, $($room:ident: $($test:ident),+;)+) => {
        &[$($((concat!(stringify!($room), "::", stringify!($test)), $room::$test as $kind)),+),+]
    };
}

mod bench;
mod crowd;
mod embedded;
mod events;
mod facts;
mod forgetting;
mod lasting;
mod memory;
mod model;
mod postgres;
mod random;
mod refusals;
mod stances;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::bench::Bench;

/// A test of an engine.
type Test = fn(&dyn Bench);

/// What every engine is held to.
const PROMISES: &[(&str, Test)] = tests! { Test,
    events:
        an_event_comes_back_as_it_was_written,
        an_id_counts_once_within_a_batch_and_across_batches,
        an_id_counts_once_for_all_visitors,
        late_events_land_by_their_time,
        events_of_one_moment_come_in_the_order_of_writing,
        recent_gives_the_latest_and_no_more_than_the_limit,
        a_span_begins_at_its_start_and_ends_before_its_end,
        events_come_by_visitor_in_byte_order,
        positions_grow_and_hold_the_batch;
    facts:
        the_newest_version_stands,
        of_equal_versions_the_later_write_stands,
        a_key_without_a_value_keeps_its_version,
        facts_of_one_batch_are_taken_in_their_order,
        facts_come_by_key_in_byte_order_and_tables_are_apart,
        values_are_any_bytes,
        changes_tell_what_was_written_since;
    refusals:
        what_can_not_be_kept_is_refused,
        a_refused_batch_leaves_nothing,
        the_largest_record_is_kept,
        an_empty_batch_is_settled,
        keys_that_can_not_be_there_are_not_found;
    lasting:
        what_was_settled_is_there_after_reopening,
        versions_and_ids_are_known_after_reopening,
        what_was_not_settled_is_there_as_a_whole_or_not_at_all,
        a_snapshot_holds_everything,
        a_snapshot_goes_into_a_new_directory,
        a_snapshot_while_writing_is_of_one_moment,
        status_and_verify_count_what_is_there;
    forgetting:
        a_forgotten_visitor_is_gone_for_good,
        a_forgotten_fact_leaves_no_version,
        what_is_written_after_forgetting_is_kept,
        events_before_a_time_are_dropped,
        a_dropped_id_may_come_again;
    stances:
        a_refusal_is_known_however_much_came_after_it,
        what_takes_a_product_up_again_is_told_whoever_did_it,
        a_refusal_goes_with_its_visitor_and_its_age;
    crowd:
        every_thread_reads_its_own_writes,
        of_writers_of_one_id_exactly_one_is_told_stored,
        readers_see_batches_whole,
        versions_from_many_threads_leave_the_newest;
    random:
        any_sequence_of_calls_is_answered_as_by_the_model;
};

/// The promises as tests of one engine, or as ignored ones that say why it is not there.
fn trials(engine: &'static str, bench: &Result<Arc<dyn Bench>, String>) -> Vec<Trial> {
    let trial = |&(name, test): &(&'static str, Test)| {
        named(&format!("{engine}::{name}"), bench, move |bench| {
            test(bench.as_ref())
        })
    };
    PROMISES.iter().map(trial).collect()
}

/// A test that needs `what`, ignored if that is not there.
fn named<T: Send + Sync + ?Sized + 'static>(
    name: &str,
    what: &Result<Arc<T>, String>,
    test: impl FnOnce(Arc<T>) + Send + 'static,
) -> Trial {
    match what.clone() {
        Ok(what) => Trial::test(name, move || {
            test(what);
            Ok(())
        }),
        Err(reason) => {
            let failed = Failed::from(&reason);
            Trial::test(name, move || Err(failed))
                .with_kind(reason)
                .with_ignored_flag(true)
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut tests = trials("model", &Ok(Arc::new(model::ModelBench)));
    tests.extend(trials("embedded", &Ok(Arc::new(embedded::EmbeddedBench))));
    tests.extend(trials("memory", &Ok(Arc::new(memory::MemoryBench))));
    let postgres = postgres::PostgresBench::find();
    let bench = postgres.clone().map(|bench| bench as Arc<dyn Bench>);
    tests.extend(trials("postgres", &bench));
    let alone = postgres::TESTS.iter().map(|&(name, test)| {
        named(&format!("postgres::{name}"), &postgres, move |bench| {
            test(&bench)
        })
    });
    tests.extend(alone);
    tests.sort_by(|a, b| a.name().cmp(b.name()));
    let conclusion = libtest_mimic::run(&arguments, tests);
    // The server is stopped before this process ends.
    drop((bench, postgres));
    conclusion.exit_code()
}
