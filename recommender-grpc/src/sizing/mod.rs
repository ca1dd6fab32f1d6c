//! What a shop of some size takes: bytes of memory and disk, part by part.
//!
//! Each part is a formula over the numbers of a [`Shop`]; the tests hold the sums against measured memory. With *U* users, *I*
//! items, *P* interactions, *E* events, *L* stock levels, *k* bytes of a key and *t* bytes of a product's texts:
//!
//! | part | bytes |
//! |---|---|
//! | keys of *n* things | *n* × (*k* + 8) + 8 × the least power of two from 1.5 × *n* on, at least 16 |
//! | products of a model | *I* × (*t* + 280) |
//! | histories of a model | 28 × *E* + 8 × *U* |
//! | a model | that of its kind, in `models.rs` |
//! | products of the store | *I* × (4 × *t* + 4 × *k* + 1,900) |
//! | stock of the store | *L* × (4 × *k* + 600) |
//! | events of the store | (4 × *k* + 300) × the 250,000 events that were written last, and 2,000 × *U*, at most 256 MiB |
//! | answers to be explained | at most what the settings allow (`kept_answers_bytes`) |
//! | learning | events × (39 + *k* + 20) + 16 × *P* + the keys + the histories, and what the model takes while it is fitted |
//! | disk | 40 × *E* and 64 MiB of journal, *I* × (*t* + *k* + 700), *L* × (*k* + 60), and the models |

mod models;

pub(crate) use models::kinds;
use models::{fitted, served};

use crate::sizing::models::Model;

/// The size of a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shop {
    /// Shoppers whose history is known.
    pub(crate) users: u64,
    /// Products.
    pub(crate) items: u64,
    /// Different pairs of a shopper and a product.
    pub(crate) interactions: u64,
    /// Events.
    pub(crate) events: u64,
    /// Quantities and prices by place.
    pub(crate) stock_levels: u64,
    /// Bytes of a key.
    pub(crate) key_bytes: u64,
    /// Bytes of the texts of a product.
    pub(crate) product_bytes: u64,
    /// Most bytes of the answers that are kept to be explained.
    pub(crate) kept_answers_bytes: u64,
}

/// A model to be sized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Its kind, one of the library's names.
    pub(crate) kind: String,
    /// Neighbours kept; none is what the kind does by itself.
    pub(crate) neighbours: Option<u64>,
    /// Numbers of a vector; none is what the kind does by itself.
    pub(crate) factors: Option<u64>,
}

/// What a part takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Memory of a server.
    Serving,
    /// Memory while a model is learned, besides.
    Training,
    /// Disk.
    Disk,
}

/// What one part takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) used: Use,
    pub(crate) bytes: u64,
    pub(crate) formula: String,
}

/// Events that the store holds in memory as they were written, before they are sorted into a file.
const MEMORY_EVENTS: u64 = 250_000;

/// Most memory for the latest events of visitors.
const TAIL_BYTES: u64 = 256 << 20;

/// Bytes of a journal.
const JOURNAL: u64 = 64 << 20;

/// What a program takes that has nothing to do yet.
const PROGRAM: u64 = 24 << 20;

impl Shop {
    /// Everything that a server of this shop takes, with these models.
    pub(crate) fn parts(&self, shapes: &[Shape]) -> Vec<Part> {
        let mut parts = vec![self.program(), self.kept_answers()];
        parts.extend(self.of_models(shapes));
        parts.extend(self.of_store());
        parts.extend(self.of_disk(shapes));
        parts
    }

    fn program(&self) -> Part {
        part("program", Use::Serving, PROGRAM, "24 MiB")
    }

    fn kept_answers(&self) -> Part {
        let (name, formula) = ("kept answers", "at most kept_answers_bytes");
        part(name, Use::Serving, self.kept_answers_bytes, formula)
    }

    /// What models take that are served beside each other from artefacts of their own, and while one is learned.
    pub(crate) fn of_models(&self, shapes: &[Shape]) -> Vec<Part> {
        let mut parts = Vec::new();
        for shape in shapes {
            let Model { bytes, formula } = served(shape, self);
            parts.push(part(
                &format!("model {}", shape.kind),
                Use::Serving,
                bytes,
                &formula,
            ));
        }
        let least = u64::from(!shapes.is_empty());
        let keys = self.keys(self.items).saturating_add(self.keys(self.users));
        let known = "(items + users) x (key + 8) + 8 x the powers of two from 1.5 x each on";
        parts.push(part("keys", Use::Serving, least * keys, known));
        let products = self
            .items
            .saturating_mul(self.product_bytes.saturating_add(280));
        let formula = "items x (texts + 280)";
        parts.push(part(
            "products of the model",
            Use::Serving,
            least * products,
            formula,
        ));
        let histories = self.histories();
        let formula = "28 x events + 8 x users";
        parts.push(part(
            "histories of the model",
            Use::Serving,
            least * histories,
            formula,
        ));
        let dataset = self.dataset();
        let formula = "events x (key + 59) + 16 x interactions + keys + histories";
        parts.push(part(
            "events to learn from",
            Use::Training,
            least * dataset,
            formula,
        ));
        // One model is learned after the other: the largest counts.
        let fits = shapes.iter().map(|shape| (shape, fitted(shape, self)));
        if let Some((shape, model)) = fits.max_by_key(|(_, model)| model.bytes) {
            let name = format!("fit of {}", shape.kind);
            parts.push(part(&name, Use::Training, model.bytes, &model.formula));
        }
        parts
    }

    /// What the store holds in memory.
    pub(crate) fn of_store(&self) -> Vec<Part> {
        let (texts, key) = (self.product_bytes, self.key_bytes);
        let product = texts
            .saturating_add(key)
            .saturating_mul(4)
            .saturating_add(1900);
        let products = self.items.saturating_mul(product);
        let level = key.saturating_mul(4).saturating_add(600);
        let stock = self.stock_levels.saturating_mul(level);
        let event = key.saturating_mul(4).saturating_add(300);
        let latest = self.events.min(MEMORY_EVENTS).saturating_mul(event);
        let tails = self.users.saturating_mul(2000).min(TAIL_BYTES);
        let serving = |name, bytes, formula| part(name, Use::Serving, bytes, formula);
        vec![
            serving(
                "products of the store",
                products,
                "items x (4 x texts + 4 x key + 1900)",
            ),
            serving("stock", stock, "levels x (4 x key + 600)"),
            serving(
                "events not sorted yet",
                latest,
                "(4 x key + 300) x the last 250,000 events",
            ),
            serving(
                "histories asked for",
                tails,
                "2000 x users, at most 256 MiB",
            ),
        ]
    }

    fn of_disk(&self, shapes: &[Shape]) -> Vec<Part> {
        let (texts, key) = (self.product_bytes, self.key_bytes);
        let events = self.events.saturating_mul(40).saturating_add(JOURNAL);
        let product = texts.saturating_add(key).saturating_add(700);
        let facts = (self.items.saturating_mul(product))
            .saturating_add(self.stock_levels.saturating_mul(key.saturating_add(60)));
        let models = shapes.iter().map(|shape| {
            let own = served(shape, self).bytes;
            let besides = self.items.saturating_mul(texts.saturating_add(key + 120));
            own.saturating_add(besides).saturating_add(self.histories())
        });
        let models = models.fold(0, u64::saturating_add);
        let disk = |name, bytes, formula| part(name, Use::Disk, bytes, formula);
        vec![
            disk("events of the store", events, "40 x events + 64 MiB"),
            disk(
                "facts of the store",
                facts,
                "items x (texts + key + 700) + levels x (key + 60)",
            ),
            disk(
                "artefacts",
                models,
                "the models, and for each items x (texts + key + 120) + 28 x events + 8 x users",
            ),
        ]
    }

    /// What the keys of so many things take in a vocabulary, of which at most two thirds of the places are taken.
    fn keys(&self, count: u64) -> u64 {
        let places = count.saturating_mul(3).div_ceil(2).max(16);
        let places = places.checked_next_power_of_two().unwrap_or(u64::MAX / 8);
        let text = count.saturating_mul(self.key_bytes.saturating_add(8));
        text.saturating_add(places.saturating_mul(8))
    }

    fn histories(&self) -> u64 {
        let events = self.events.saturating_mul(28);
        events.saturating_add(self.users.saturating_mul(8))
    }

    fn dataset(&self) -> u64 {
        let events = self
            .events
            .saturating_mul(self.key_bytes.saturating_add(59));
        let keys = self.keys(self.items).saturating_add(self.keys(self.users));
        let pairs = self.interactions.saturating_mul(16);
        events
            .saturating_add(pairs)
            .saturating_add(keys)
            .saturating_add(self.histories())
    }
}

/// The sum of the parts that take up the same.
pub(crate) fn total(parts: &[Part], used: Use) -> u64 {
    let same = parts.iter().filter(|part| part.used == used);
    same.fold(0, |sum, part| sum.saturating_add(part.bytes))
}

fn part(name: &str, used: Use, bytes: u64, formula: &str) -> Part {
    Part {
        name: name.to_owned(),
        used,
        bytes,
        formula: formula.to_owned(),
    }
}

#[cfg(test)]
mod tests;
