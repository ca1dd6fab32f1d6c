//! The words of the command line.

mod persons;
mod rules;
mod store;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use recommender_core::FitOptions;
use recommender_core::evaluation::{
    BasketOptions, CaseOptions, Questions, SeenItems, SessionItems, SessionOptions,
};
use recommender_core::events::EventTable;

use crate::failure::Failure;
use crate::stored::Place;

pub(crate) use persons::{
    KeptStore, PersonCommand, PersonConsent, PersonErase, PersonExport, PersonLink, Receipts, Said,
};
pub(crate) use rules::{Rules, RulesBy};
pub(crate) use store::{Import, Store, StoreCommand, StoreCopy};

/// Product recommendations across web, app, store, call centre and till.
#[derive(Debug, Parser)]
#[command(name = "recommender", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train on the data set that comes along, show what it gives, and serve it.
    #[command(after_help = "Example:\n  recommender demo")]
    Demo(Demo),
    /// Write events and products from files into a store.
    #[command(
        after_help = "Examples:\n  recommender import --data store/ --events events.csv till/2026-01.parquet\n  recommender import --data store/ --events export/ --bad-rows bad.jsonl\n  recommender import --data store/ --catalog products.csv --currency EUR"
    )]
    Import(Import),
    /// Copy, check and look at a store, and do what persons ask for.
    #[command(
        after_help = "Examples:\n  recommender store export   --data store/ --out export/\n  recommender store snapshot --data store/ --out snapshot/\n  recommender store restore  --data new-store/ --from snapshot/\n  recommender store verify   --data store/\n  recommender store status   --data postgresql://shop@db.example/shop?password_file=/run/secrets/db --json\n  recommender store person   --data store/ --identifier loyalty:4711 --json person.json\n  recommender store erase    --data store/ --identifier loyalty:4711 --settings store.toml \\\n    --model model/ --export export/ --backup weekly-2026-11 --out receipt.json\n  recommender store receipts --data store/\n  recommender store expire   --data store/ --settings store.toml\n  recommender store link     --data store/ loyalty:4711 visitor:a81f --evidence 'call 815' --by support\n  recommender store unlink   --data store/ loyalty:4711 visitor:a81f --evidence 'call 816' --by support\n  recommender store consent  --data store/ --identifier loyalty:4711 --set denied --evidence 'call 817' --by support"
    )]
    Store(Store),
    /// Learn a pipeline from event files or a store, and save it.
    #[command(
        after_help = "Examples:\n  recommender train --events events.csv --config pipeline.toml --out model/\n  recommender train --data store/ --config pipeline.toml --out model/"
    )]
    Train(Train),
    /// Judge models on held-out events.
    #[command(
        after_help = "Examples:\n  recommender evaluate --train train.txt --test test.txt \\\n    --model popularity --model item_knn:neighbours=100 --at 20\n  recommender evaluate --events events.csv --split time:0.8 --model pipeline:pipeline.toml --at 10,20\n  recommender evaluate --task baskets --events baskets.csv --split time:0.8 \\\n    --model personal_frequency --model up_cf --at 10"
    )]
    Evaluate(Evaluate),
    /// Search the best settings of models on held-out events, and write the best pipeline.
    #[command(
        after_help = "Examples:\n  recommender tune --events events.csv --model item_knn --model ease --trials 30 --out best.toml\n  recommender tune --events events.csv --split time:0.8 --space space.toml --minutes 10 --log tune.jsonl --committee --out best.toml"
    )]
    Tune(Tune),
    /// Mine what is bought together from event files, as a table of association rules.
    #[command(
        after_help = "Examples:\n  recommender rules --events events.csv --out rules.csv\n  recommender rules --events till.csv --map receipt=visitor receipt=session --support 0.002 --by place --out rules.parquet"
    )]
    Rules(Rules),
    /// Ask a saved model for recommendations.
    #[command(
        after_help = "Examples:\n  recommender recommend --model model/ --user 17850 --limit 5\n  recommender recommend --model model/ --items 85123A 22423"
    )]
    Recommend(Recommend),
    /// Answer over gRPC.
    #[command(
        after_help = "Examples:\n  recommender serve --data store/ --config server.toml\n  recommender serve --model model/ --config server.toml"
    )]
    Serve(Serve),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder with the data sets.
    #[arg(long, value_name = "DIR")]
    pub(crate) datasets: Option<PathBuf>,
    /// Address to serve on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    pub(crate) listen: String,
    /// Stop after the first answer instead of serving until interrupted.
    #[arg(long)]
    pub(crate) once: bool,
}

/// How event files are read.
#[derive(Debug, Args)]
pub(crate) struct EventFormat {
    /// Format of the files: adjacency, csv, tsv, jsonl, parquet, movielens, sessions (one a line) or pairs (items, tab, next item); told by the extension if absent.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Which column holds which field: COLUMN=FIELD, more than once, or a file FILE.toml.
    #[arg(long, value_name = "COLUMN=FIELD", num_args = 1..)]
    pub(crate) map: Vec<String>,
    /// Count and report bad rows instead of refusing the file.
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,
}

/// Files of products and how they are read.
#[derive(Debug, Args)]
pub(crate) struct CatalogFormat {
    /// Files of products.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) catalog: Vec<PathBuf>,
    /// Which column of the catalogue holds which product field: a file FILE.toml.
    #[arg(long, value_name = "FILE", requires = "catalog")]
    pub(crate) catalog_map: Option<PathBuf>,
}

/// How the work is run.
#[derive(Debug, Args)]
pub(crate) struct Running {
    /// Worker threads; one per core if absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Seed of everything random.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

impl Running {
    /// The same, as the library takes it.
    pub(crate) fn fit_options(&self) -> FitOptions {
        FitOptions {
            seed: self.seed,
            threads: self.threads.map(usize::from),
            ..FitOptions::default()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// Folder of a store with the events, or the url of a PostgreSQL database with one.
    #[arg(long, value_name = "DIR|URL", required_unless_present = "events", conflicts_with_all = ["events", "format", "map", "skip_bad_rows"])]
    pub(crate) data: Option<Place>,
    /// Settings of the store, in TOML.
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(crate) settings: Option<PathBuf>,
    /// Files of events.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) events: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) format: EventFormat,
    #[command(flatten)]
    pub(crate) catalog: CatalogFormat,
    /// The pipeline, in TOML.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Folder to save the fitted pipeline in; must not exist yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) running: Running,
}

/// What is foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Task {
    /// All that a shopper takes in the test part.
    Items,
    /// What comes next in a session, after each of its events.
    Sessions,
    /// The next basket of each shopper, what she had before included.
    Baskets,
}

/// Which items of the session so far may be recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SessionProtocol {
    /// Any, also the current one.
    Allowed,
    /// Any but the current one.
    CurrentExcluded,
    /// None.
    AllExcluded,
}

impl SessionProtocol {
    /// The same, as the library takes it.
    pub(crate) fn items(self) -> SessionItems {
        match self {
            Self::Allowed => SessionItems::Allowed,
            Self::CurrentExcluded => SessionItems::CurrentExcluded,
            Self::AllExcluded => SessionItems::AllExcluded,
        }
    }
}

/// What is asked.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// What is foretold.
    #[arg(long, value_name = "TASK", value_enum, default_value = "items")]
    pub(crate) task: Task,
    /// Allow items the shopper already had in the answers; only for items, baskets always may hold them.
    #[arg(long)]
    pub(crate) allow_seen: bool,
    /// For sessions and baskets: minutes without an event after which the next begins, where rows name none; 30 and 60 if absent.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) gap_minutes: Option<f64>,
}

impl Asked {
    /// `table`, or, where baskets are asked about and carry no times, with times in the order of the file.
    pub(crate) fn timed(&self, table: EventTable) -> EventTable {
        match self.task {
            Task::Baskets => table.with_times_of_sessions(),
            Task::Items | Task::Sessions => table,
        }
    }

    /// The same, as the library takes it.
    pub(crate) fn questions(&self) -> Result<Questions, Failure> {
        if self.allow_seen && self.task != Task::Items {
            let message = "--allow-seen: only for --task items; see --session-items for sessions, and baskets may always hold what the shopper had";
            return Err(Failure::call(message));
        }
        Ok(match self.task {
            Task::Items => {
                let mut options = CaseOptions::default();
                if self.allow_seen {
                    options.seen = SeenItems::Allowed;
                }
                Questions::Items(options)
            }
            Task::Sessions => {
                let mut options = SessionOptions::default();
                options.gap_minutes = self.gap_minutes.unwrap_or(options.gap_minutes);
                Questions::Sessions(options)
            }
            Task::Baskets => {
                let mut options = BasketOptions::default();
                options.gap_minutes = self.gap_minutes.unwrap_or(options.gap_minutes);
                Questions::Baskets(options)
            }
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Events to learn from.
    #[arg(
        long,
        value_name = "FILE",
        requires = "test",
        required_unless_present = "events"
    )]
    pub(crate) train: Option<PathBuf>,
    /// Events to be foretold.
    #[arg(long, value_name = "FILE", requires = "train")]
    pub(crate) test: Option<PathBuf>,
    /// Format of the events to be foretold, if it is another.
    #[arg(long, value_name = "FORMAT", requires = "test")]
    pub(crate) test_format: Option<String>,
    /// Files of events to be split.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "split", conflicts_with = "train")]
    pub(crate) events: Vec<PathBuf>,
    /// How to split them: time:0.8, leave-last:1, leave-last-basket:1, users:0.1 or random:0.2; windows:5:30:2 for the mean over five windows of 30 days and 2; folds:5 for the mean over five fifths of the shoppers.
    #[arg(long, value_name = "SPLIT", requires = "events")]
    pub(crate) split: Option<String>,
    #[command(flatten)]
    pub(crate) format: EventFormat,
    #[command(flatten)]
    pub(crate) catalog: CatalogFormat,
    /// A model: NAME[:key=value,...], or pipeline:FILE.toml. More than once compares them.
    #[arg(long = "model", value_name = "MODEL", required = true)]
    pub(crate) models: Vec<String>,
    /// How lone models weigh events: a file FILE.toml with the fields that stand under interactions in a pipeline.
    #[arg(long, value_name = "FILE")]
    pub(crate) interactions: Option<PathBuf>,
    /// Lengths of list to judge.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "20",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) at: Vec<u32>,
    /// For sessions: which items of the session so far may be recommended, a row of results for each.
    #[arg(
        long,
        value_name = "WHICH",
        value_enum,
        value_delimiter = ',',
        default_value = "allowed,current-excluded"
    )]
    pub(crate) session_items: Vec<SessionProtocol>,
    /// Also write the results to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, Args)]
pub(crate) struct Tune {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Files of events.
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "train")]
    pub(crate) events: Vec<PathBuf>,
    /// How they will be split for the test, as in evaluate; its test part is not looked at.
    #[arg(long, value_name = "SPLIT", requires = "events")]
    pub(crate) split: Option<String>,
    /// Events to learn from, instead of --events.
    #[arg(long, value_name = "FILE", conflicts_with = "events")]
    pub(crate) train: Option<PathBuf>,
    /// Events to choose by; held out of the others if absent.
    #[arg(
        long,
        value_name = "FILE",
        requires = "train",
        conflicts_with = "validation"
    )]
    pub(crate) valid: Option<PathBuf>,
    /// How the events to choose by are held out: time:0.9 or, without times, random:0.1 if absent.
    #[arg(long, value_name = "SPLIT")]
    pub(crate) validation: Option<String>,
    #[command(flatten)]
    pub(crate) format: EventFormat,
    #[command(flatten)]
    pub(crate) catalog: CatalogFormat,
    /// A model, searched over its built-in space: NAME[:key=value,...] with settings that are fixed.
    #[arg(
        long = "model",
        value_name = "MODEL",
        required_unless_present = "space",
        conflicts_with = "space"
    )]
    pub(crate) models: Vec<String>,
    /// What is searched of which models, in TOML.
    #[arg(long, value_name = "FILE")]
    pub(crate) space: Option<PathBuf>,
    /// How events are weighed, which is then not searched: a file FILE.toml with the fields that stand under interactions in a pipeline.
    #[arg(long, value_name = "FILE")]
    pub(crate) interactions: Option<PathBuf>,
    /// Most trials of each model; the first takes the defaults.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) trials: u64,
    /// Most minutes of each model.
    #[arg(long, value_name = "M")]
    pub(crate) minutes: Option<f64>,
    /// Stop a model after so many trials in a row that brought nothing better.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) patience: Option<u64>,
    /// What is made as good as can be.
    #[arg(long, value_name = "METRIC", default_value = "ndcg@20")]
    pub(crate) metric: String,
    /// How settings are chosen: tpe or random.
    #[arg(long, value_name = "SAMPLER", default_value = "tpe")]
    pub(crate) sampler: String,
    /// Keep every trial in this file, and go on after those it holds.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Also blend the best of each model, with weights learned on the same held-out events; written if it is better.
    #[arg(long)]
    pub(crate) committee: bool,
    /// Write the best pipeline to this file, in TOML.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) running: Running,
}

#[derive(Debug, Args)]
pub(crate) struct Recommend {
    /// Folder of a saved model.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// The shopper; for a model of a store a person, such as loyalty:4711, or the key of a visitor.
    #[arg(long, value_name = "KEY", required_unless_present = "items")]
    pub(crate) user: Option<String>,
    /// Items she has just looked at, oldest first.
    #[arg(long, value_name = "KEY", num_args = 1..)]
    pub(crate) items: Vec<String>,
    /// Items that must not be answered.
    #[arg(long, value_name = "KEY", num_args = 1..)]
    pub(crate) exclude: Vec<String>,
    /// The store the answer is for.
    #[arg(long, value_name = "KEY")]
    pub(crate) place: Option<String>,
    /// Length of the list.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
    /// Allow items she already had.
    #[arg(long)]
    pub(crate) allow_seen: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Folder of a store, or the url of a PostgreSQL database with one; made if it is not there. Answers rest on it, and
    /// models are trained from it and kept in its folder "models", unless the settings say where.
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) data: Option<Place>,
    /// Settings of the store, in TOML: what persons may be, consent, pseudonyms.
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(crate) settings: Option<PathBuf>,
    /// Folder of a saved model, served as the serving config "default".
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Settings of the server, in TOML.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_words_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Arguments::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("recommender "), "{}", command.get_name());
        }
    }

    #[test]
    fn incomplete_calls_are_refused() {
        for call in [
            "recommender evaluate --model popularity",
            "recommender evaluate --train a --model popularity",
            "recommender evaluate --events a --model popularity",
            "recommender evaluate --train a --test b --model popularity --at 0",
            "recommender recommend --model m",
            "recommender train --config c --out o",
            "recommender train --data d --events e --config c --out o",
            "recommender import --events e",
            "recommender import --data d",
            "recommender store export --data d",
            "recommender store person --data d",
            "recommender store person --data d --identifier 4711",
            "recommender store erase --data d --identifier loyalty:1",
            "recommender store link --data d loyalty:1 --evidence e --by b",
            "recommender store unlink --data d loyalty:1 app:2 --by b",
            "recommender store consent --data d --identifier loyalty:1 --set denied",
            "recommender store consent --data d --identifier loyalty:1 --set maybe --evidence e --by b",
            "recommender rules --events a",
            "recommender rules --events a --out b --by shop",
        ] {
            assert!(
                Arguments::try_parse_from(call.split(' ')).is_err(),
                "{call}"
            );
        }
    }
}
