//! Random sequences of calls, each answer held against the model's.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use recommender_core::Timestamp;
use recommender_core::events::{Channel, Consent, Event, EventKind};
use recommender_store::Engine;
use recommender_store::record::{Batch, Fact, Oblivion, Position, Span, Table};

use crate::bench::{Bench, Stand, changes, events, facts, recent, stances};
use crate::model::Model;

/// Few keys, so that calls meet.
const VISITORS: [&str; 5] = ["ann", "an", "bob", "Zoë", "顾客"];

/// One call.
#[derive(Debug, Clone)]
enum Call {
    Write(Vec<Batch>),
    Forget(Oblivion),
    DropBefore(Timestamp),
    Reopen,
}

fn any_visitor() -> impl Strategy<Value = String> {
    (0..VISITORS.len()).prop_map(|n| VISITORS[n].to_string())
}

fn any_event() -> impl Strategy<Value = Event> {
    let numbers = (
        0.01f32..100.0,
        proptest::option::of(0.0f64..1e6),
        proptest::option::of(-5.0f32..5.0),
    );
    let kinds = prop_oneof![
        Just(EventKind::View),
        Just(EventKind::Return),
        Just(EventKind::Purchase),
        Just(EventKind::Hide),
        Just(EventKind::Custom("dwell".into()))
    ];
    let about = (
        kinds,
        proptest::option::of("[a-z]{1,3}"),
        any::<Option<bool>>(),
    );
    let attributes = proptest::collection::btree_map("[a-zé]{1,3}", "[ -~\u{1}-\u{1f}]{0,6}", 0..3);
    (
        0u8..40,
        any_visitor(),
        -5i64..12,
        numbers,
        about,
        attributes,
    )
        .prop_map(
            |(id, visitor, time, (quantity, price, rating), (kind, item, agreed), attributes)| {
                Event {
                    id: Some(format!("id {id}")),
                    visitor,
                    place: item.clone().filter(|item| item.len() > 1),
                    session: item.clone().filter(|item| item.len() > 2),
                    item,
                    kind,
                    channel: agreed.map(|web| if web { Channel::Web } else { Channel::Kiosk }),
                    time: Some(Timestamp(time)),
                    quantity,
                    price,
                    rating,
                    consent: agreed.map_or(Consent::Unspecified, |agreed| match agreed {
                        true => Consent::Granted,
                        false => Consent::Denied,
                    }),
                    attributes,
                }
            },
        )
}

fn any_fact_key() -> impl Strategy<Value = (Table, String)> {
    let table = prop_oneof![Just(Table::Product), Just(Table::Consent)];
    (table, "[abé]")
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let value = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..4));
    (any_fact_key(), -1i64..4, value).prop_map(|((table, key), version, value)| Fact {
        table,
        key,
        version,
        value,
    })
}

fn any_batch() -> impl Strategy<Value = Batch> {
    let events = proptest::collection::vec(any_event(), 0..5);
    let facts = proptest::collection::vec(any_fact(), 0..5);
    (events, facts).prop_map(|(events, facts)| Batch { events, facts })
}

fn any_call() -> impl Strategy<Value = Call> {
    let visitors = proptest::collection::vec(any_visitor(), 0..3);
    let keys = proptest::collection::vec(any_fact_key(), 0..3);
    prop_oneof![
        12 => proptest::collection::vec(any_batch(), 1..4).prop_map(Call::Write),
        1 => (visitors, keys).prop_map(|(visitors, facts)| Call::Forget(Oblivion { visitors, facts })),
        1 => (-5i64..6).prop_map(|time| Call::DropBefore(Timestamp(time))),
        2 => Just(Call::Reopen),
    ]
}

pub(crate) fn any_sequence_of_calls_is_answered_as_by_the_model(bench: &dyn Bench) {
    let config = Config {
        cases: bench.sequences(),
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let calls = proptest::collection::vec(any_call(), 1..16);
    TestRunner::new_with_rng(config, rng)
        .run(&calls, |calls| {
            let mut pair = Pair::new(bench);
            for call in calls {
                pair.call(call);
                pair.compare();
            }
            Ok(())
        })
        .unwrap();
}

/// The engine and the model beside it.
struct Pair {
    stand: Box<dyn Stand>,
    model: Model,
    /// Positions that both had at the same moment.
    moments: Vec<(Position, Position)>,
}

impl Pair {
    fn new(bench: &dyn Bench) -> Self {
        Self {
            stand: bench.open(),
            model: Model::default(),
            moments: vec![(Position(0), Position(0))],
        }
    }

    fn engine(&self) -> Arc<dyn Engine> {
        self.stand.engine()
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Write(batches) => self.write(batches),
            Call::Forget(oblivion) => {
                let forgotten = self.engine().forget(&oblivion).unwrap();
                assert_eq!(forgotten, self.model.forget(&oblivion).unwrap());
            }
            Call::DropBefore(time) => {
                let dropped = self.engine().drop_before(time).unwrap();
                assert_eq!(dropped, self.model.drop_before(time).unwrap());
            }
            Call::Reopen => self.stand.reopen(),
        }
    }

    /// Writes batches that are on their way at once; they are taken in the order of the calls.
    fn write(&mut self, batches: Vec<Batch>) {
        let (engine, model) = (self.engine(), self.model.clone());
        let write = |batch: Batch| {
            (
                engine.write(batch.clone()).unwrap(),
                model.write(batch).unwrap(),
            )
        };
        let tickets: Vec<_> = batches.into_iter().map(write).collect();
        for (ticket, of_model) in tickets {
            let (written, expected) = (ticket.wait().unwrap(), of_model.wait().unwrap());
            assert_eq!(written.events, expected.events);
            assert_eq!(written.facts, expected.facts);
            self.moments.push((written.position, expected.position));
        }
    }

    /// Every read, of both.
    fn compare(&self) {
        let (engine, model) = (&*self.engine(), &self.model);
        for visitor in VISITORS {
            for limit in [0, 2, 100] {
                assert_eq!(
                    recent(engine, visitor, limit),
                    recent(model, visitor, limit)
                );
            }
            assert_eq!(stances(engine, &[visitor]), stances(model, &[visitor]));
        }
        for (from, until) in [(None, None), (Some(0), None), (Some(-2), Some(4))] {
            let (from, until) = (from.map(Timestamp), until.map(Timestamp));
            let span = Span { from, until };
            assert_eq!(events(engine, span), events(model, span));
        }
        for table in [Table::Product, Table::Consent, Table::Stock] {
            assert_eq!(facts(engine, table), facts(model, table));
        }
        for moment in [0, self.moments.len() / 2, self.moments.len() - 1] {
            let (of_engine, of_model) = self.moments[moment];
            assert_eq!(changes(engine, of_engine).0, changes(model, of_model).0);
        }
        let counted =
            |contents: recommender_store::engine::Contents| (contents.events, contents.facts);
        let expected = counted(model.verify().unwrap());
        assert_eq!(counted(engine.status().unwrap().contents), expected);
        assert_eq!(counted(engine.verify().unwrap()), expected);
    }
}
