//! Random calls of every method, and after each: no answer holds what is out of stock at the place, hidden by the shop or by
//! the shopper, excluded, filtered or not for sale there; it is what the library answers to the same question; what was
//! acknowledged counts once; who was erased is a stranger, and what was answered to her is explained to nobody.

mod answers;
mod facts;
mod given;
mod goods;
mod learning;
mod opened;
mod operating;
mod persons;
mod rights;
mod rules;
mod run;
mod stock;
mod world;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use prost_reflect::DescriptorPool;
use rand::seq::SliceRandom;
use recommender_grpc::proto::FILE_DESCRIPTOR_SET;
use tokio::runtime::Runtime;

use crate::raw::path;
use run::Run;

/// Methods of the contract that are not driven here, each with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// How often every call is made.
const ROUNDS: usize = 4;

type Step = for<'a> fn(&'a mut Run) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What may happen, by name, and how often in a round.
const STEPS: &[(&str, usize, Step)] = &[
    ("write an event", 4, |run| Box::pin(run.write_event())),
    ("write events", 2, |run| Box::pin(run.write_events())),
    ("stream events", 1, |run| Box::pin(run.stream_events())),
    ("import events", 1, |run| Box::pin(run.import_events())),
    ("purge events", 1, |run| Box::pin(run.purge_events())),
    ("look at events", 2, |run| Box::pin(run.look_at_events())),
    ("create a product", 2, |run| Box::pin(run.create_product())),
    ("update a product", 4, |run| Box::pin(run.update_product())),
    ("delete a product", 1, |run| Box::pin(run.delete_product())),
    ("upsert products", 2, |run| Box::pin(run.upsert_products())),
    ("import products", 1, |run| Box::pin(run.import_products())),
    ("export products", 1, |run| Box::pin(run.export_products())),
    ("purge products", 1, |run| Box::pin(run.purge_products())),
    ("look at products", 1, |run| {
        Box::pin(run.look_at_products())
    }),
    ("set stock", 4, |run| Box::pin(run.set_inventory())),
    ("set stock of many", 2, |run| {
        Box::pin(run.set_inventories())
    }),
    ("stream stock", 1, |run| Box::pin(run.stream_inventory())),
    ("add local stock", 2, |run| Box::pin(run.add_local())),
    ("remove local stock", 1, |run| Box::pin(run.remove_local())),
    ("create a place", 1, |run| Box::pin(run.create_place())),
    ("update a place", 2, |run| Box::pin(run.update_place())),
    ("delete a place", 1, |run| Box::pin(run.delete_place())),
    ("look at places", 1, |run| Box::pin(run.look_at_places())),
    ("link", 3, |run| Box::pin(run.link())),
    ("unlink", 2, |run| Box::pin(run.unlink())),
    ("set a consent", 3, |run| Box::pin(run.consent())),
    ("erase", 2, |run| Box::pin(run.erase())),
    ("look at persons", 2, |run| Box::pin(run.look_at_persons())),
    ("create a control", 4, |run| Box::pin(run.create_control())),
    ("update a control", 2, |run| Box::pin(run.update_control())),
    ("remove a control", 2, |run| {
        Box::pin(run.remove_some_control())
    }),
    ("delete a control", 1, |run| Box::pin(run.delete_control())),
    ("make or drop a config", 2, |run| Box::pin(run.come_or_go())),
    ("update a config", 2, |run| Box::pin(run.update_config())),
    ("look at rules", 1, |run| Box::pin(run.look_at_rules())),
    ("train", 1, |run| Box::pin(run.train())),
    ("evaluate", 1, |run| Box::pin(run.evaluate())),
    ("tune", 1, |run| Box::pin(run.tune())),
    ("judge", 1, |run| Box::pin(run.judge())),
    ("judge a config", 1, |run| Box::pin(run.judge_policy())),
    ("promote", 1, |run| Box::pin(run.promote())),
    ("roll back", 1, |run| Box::pin(run.roll_back())),
    ("carry a model in", 1, |run| Box::pin(run.carry_in())),
    ("send a model around", 1, |run| Box::pin(run.send_around())),
    ("pause and resume", 1, |run| {
        Box::pin(run.pause_and_resume())
    }),
    ("a spare model", 1, |run| Box::pin(run.spare_model())),
    ("make a snapshot", 1, |run| Box::pin(run.snapshot())),
    ("verify", 1, |run| Box::pin(run.verify())),
    ("look at the status", 1, |run| {
        Box::pin(run.look_at_status())
    }),
    ("look at operations", 1, |run| {
        Box::pin(run.look_at_operations())
    }),
];

impl Run {
    /// Makes what every run begins with.
    async fn open_for_business(&mut self) {
        self.create_daily().await;
        for config in rules::LASTING {
            self.create_config(config, None).await;
        }
        self.upsert_products().await;
        self.upsert_products().await;
    }
}

/// Tells where a run broke, if it does.
struct Told {
    seed: u64,
    steps: Vec<&'static str>,
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last = self.steps.len().saturating_sub(10);
            println!("seed {}: {:?}", self.seed, &self.steps[last..]);
        }
    }
}

/// Drives a server of its own; gives the methods that answered.
async fn run(seed: u64) -> BTreeSet<String> {
    let mut told = Told {
        seed,
        steps: Vec::new(),
    };
    let mut run = Run::new(seed).await;
    run.check().await;
    for _ in 0..ROUNDS {
        let often = STEPS
            .iter()
            .flat_map(|step| std::iter::repeat_n(step, step.1));
        let mut steps: Vec<_> = often.collect();
        steps.shuffle(&mut run.random);
        for (name, _, step) in steps {
            told.steps.push(name);
            step(&mut run).await;
            run.check().await;
        }
    }
    run.server.answered()
}

/// Paths of all methods of the contract.
fn contract() -> BTreeSet<String> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let services = pool.services();
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.map(|method| path(&method)).collect()
}

/// How many runs there are: two, or as many as the environment variable `PROMISES_RUNS` says.
fn runs() -> u64 {
    let said = std::env::var("PROMISES_RUNS").ok();
    said.map_or(2, |said| said.parse().unwrap())
}

#[test]
fn no_call_of_any_method_breaks_a_promise() {
    let threads: Vec<_> = (0..runs())
        .map(|seed| std::thread::spawn(move || Runtime::new().unwrap().block_on(run(seed))))
        .collect();
    let ended: Vec<_> = threads
        .into_iter()
        .map(std::thread::JoinHandle::join)
        .collect();
    let mut answered = BTreeSet::new();
    for methods in ended {
        answered.extend(methods.unwrap());
    }
    let mut missing = contract();
    for (method, reason) in EXCEPTIONS {
        assert!(missing.remove(*method), "{method} is none ({reason})");
        assert!(!answered.contains(*method), "{method} is no exception");
    }
    missing.retain(|method| !answered.contains(method));
    assert!(missing.is_empty(), "nobody drives {missing:#?}");
}
