//! A shop with twenty visitors and Ann, an export and two artefacts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recommender_core::events::{Consent, Event, EventKind};
use recommender_core::{FitOptions, PipelineConfig, Timestamp};
use recommender_files::save_engine;
use recommender_store::erasure::ErasureRequest;
use recommender_store::exchange::{self, ExportOptions};
use recommender_store::identity::{Identifier, Link};
use recommender_store::join::{Training, training_set};
use recommender_store::privacy::ConsentRecord;
use recommender_store::store::{Submission, SubmissionOutcome};
use recommender_store::{Engine, Store, StoreConfig};

/// What stands in every key of the person who is forgotten.
pub(crate) const ANN: &str = "ann-of-clause-17";

/// Recipes of the artefacts: one that can be down-dated, and one that learns from places.
const RECIPES: [(&str, &str); 2] = [
    (
        "linear",
        r#"
            sources = [{ model = { kind = "ease", regularization = 4.0 } }]
            fallback = { model = { kind = "popularity", per_place = false } }
        "#,
    ),
    (
        "placed",
        r#"sources = [{ model = { kind = "popularity" } }]"#,
    ),
];

pub(crate) fn identifier(text: &str) -> Identifier {
    text.parse().unwrap()
}

pub(crate) struct Shop {
    pub(crate) store: Store,
    root: PathBuf,
}

impl Shop {
    pub(crate) fn open(engine: Arc<dyn Engine>, root: &Path) -> Self {
        fs::create_dir_all(root).unwrap();
        Self {
            store: Store::open(engine, config(root)).unwrap(),
            root: root.to_owned(),
        }
    }

    /// Another server on the same engine.
    pub(crate) fn beside(shop: &Self) -> Store {
        Store::open(Arc::clone(shop.store.engine()), config(&shop.root)).unwrap()
    }

    pub(crate) fn exported(&self) -> PathBuf {
        self.root.join("export")
    }

    pub(crate) fn artefact(&self, recipe: &str) -> PathBuf {
        self.root.join(recipe)
    }

    /// Ann and the others, with an export and the artefacts.
    pub(crate) fn fill(&self) {
        self.sell_to_others();
        for number in 0..4 {
            self.buy(&format!("{ANN}-web"), number);
            self.buy(&format!("{ANN}-till"), 3 * number + 1);
        }
        self.buy(&format!("{ANN}-app"), 8);
        let account = format!("account:{ANN}");
        for visitor in ["web", "till", "app"] {
            self.link(&format!("visitor:{ANN}-{visitor}"), &account);
        }
        // Linked by another way too, and taken back: the pair stays known until she is forgotten.
        let mistaken = link(&format!("visitor:{ANN}-app"), &account);
        self.store.unlink(mistaken).unwrap().wait().unwrap();
        self.link(&format!("visitor:{ANN}-app"), &account);
        let consent = ConsentRecord {
            consent: Consent::Granted,
            time: Timestamp(5),
            by: "web".into(),
            evidence: String::new(),
        };
        self.store
            .set_consent(&identifier(&account), consent)
            .unwrap()
            .wait()
            .unwrap();
        self.export();
        self.train();
    }

    /// The others alone.
    pub(crate) fn fill_without_ann(&self) {
        self.sell_to_others();
        self.train();
    }

    fn sell_to_others(&self) {
        for visitor in 0..20 {
            for step in 0..5 {
                self.buy(&format!("v{visitor}"), visitor * 5 + step * step);
            }
        }
    }

    pub(crate) fn buy(&self, visitor: &str, number: u32) {
        let event = Event {
            id: Some(format!("{visitor} {number}")),
            visitor: visitor.into(),
            item: Some(format!("item {}", number % 13)),
            kind: EventKind::Purchase,
            place: Some(format!("place {}", number % 2)),
            quantity: 1.0,
            time: Some(Timestamp::from_seconds(i64::from(number) * 60)),
            ..Event::default()
        };
        let written = self.store.write_events(vec![Submission::from(event)]);
        let outcomes = written.unwrap().wait().unwrap().outcomes;
        assert_eq!(outcomes, [SubmissionOutcome::Stored]);
    }

    pub(crate) fn link(&self, a: &str, b: &str) {
        self.store.link(vec![link(a, b)]).unwrap().wait().unwrap();
    }

    fn export(&self) {
        exchange::export(
            &**self.store.engine(),
            &self.exported(),
            &ExportOptions::default(),
        )
        .unwrap();
    }

    fn train(&self) {
        for (name, recipe) in RECIPES {
            let config = PipelineConfig::from_toml(recipe).unwrap();
            let training = Training {
                person: &|visitor| self.store.person_of_visitor(visitor),
                ..Training::default()
            };
            let engine = &**self.store.engine();
            let dataset =
                training_set(engine, &training, vec![], config.interactions.clone()).unwrap();
            let fitted =
                recommender_core::Engine::fit(&config, &dataset, &FitOptions::default()).unwrap();
            save_engine(&fitted, &Default::default(), &self.artefact(name)).unwrap();
        }
    }

    pub(crate) fn erasure_of_ann(&self) -> ErasureRequest {
        ErasureRequest {
            exports: vec![self.exported()],
            artefacts: RECIPES.map(|(name, _)| self.artefact(name)).to_vec(),
            retained_backups: vec!["weekly-2026-11".into()],
            ..ErasureRequest::new(identifier(&format!("account:{ANN}")), "support")
        }
    }
}

fn config(root: &Path) -> StoreConfig {
    StoreConfig {
        receipt_key_file: Some(root.join("receipts.key")),
        ..StoreConfig::default()
    }
}

fn link(a: &str, b: &str) -> Link {
    Link {
        a: identifier(a),
        b: identifier(b),
        evidence: "logged in".into(),
        since: Timestamp(0),
        by: "web".into(),
    }
}
