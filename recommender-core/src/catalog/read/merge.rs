//! Many rows about one product become one product.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::catalog::{AttributeValue, Product};
use crate::time::Timestamp;

/// Products in order of first appearance, each from all its rows.
#[derive(Debug, Default)]
pub(super) struct Merged {
    products: IndexMap<String, Draft, FxBuildHasher>,
}

/// What the rows about one product said so far.
#[derive(Debug, Default)]
struct Draft {
    product: Product,
    titles: Counted,
    descriptions: Counted,
    price_time: Option<Timestamp>,
}

/// Texts with how often each came, in order of first appearance.
type Counted = IndexMap<String, u64, FxBuildHasher>;

impl Merged {
    /// Adds what one row says, as a product of its own. Values it leaves empty change nothing.
    pub(super) fn add(&mut self, row: &Product, time: Option<Timestamp>) {
        let draft = match self.products.get_mut(&row.key) {
            Some(draft) => draft,
            None => self.products.entry(row.key.clone()).or_default(),
        };
        draft.add(row, time);
    }

    /// The products.
    pub(super) fn finish(self) -> Vec<Product> {
        let products = self.products.into_iter();
        products
            .map(|(key, draft)| Product {
                key,
                title: most_frequent(draft.titles),
                description: most_frequent(draft.descriptions),
                ..draft.product
            })
            .collect()
    }
}

impl Draft {
    fn add(&mut self, row: &Product, time: Option<Timestamp>) {
        count(&mut self.titles, &row.title);
        count(&mut self.descriptions, &row.description);
        let product = &mut self.product;
        if row.price.is_some() && time >= self.price_time {
            product.price = row.price;
            self.price_time = time;
        }
        if !row.categories.is_empty() {
            product.categories.clone_from(&row.categories);
        }
        if row.brand.is_some() {
            product.brand.clone_from(&row.brand);
        }
        if !row.tags.is_empty() {
            product.tags.clone_from(&row.tags);
        }
        for (name, value) in &row.attributes {
            let known: Option<&AttributeValue> = product.attributes.get(name);
            if known != Some(value) {
                product.attributes.insert(name.clone(), value.clone());
            }
        }
    }
}

fn count(texts: &mut Counted, text: &str) {
    if text.is_empty() {
        return;
    }
    match texts.get_mut(text) {
        Some(rows) => *rows += 1,
        None => {
            texts.insert(text.to_owned(), 1);
        }
    }
}

/// The most frequent text; of several, the one that came first.
fn most_frequent(texts: Counted) -> String {
    let mut best = (String::new(), 0);
    for (text, rows) in texts {
        if rows > best.1 {
            best = (text, rows);
        }
    }
    best.0
}
