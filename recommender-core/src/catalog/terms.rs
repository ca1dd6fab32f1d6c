//! The terms of one product: what each of its fields says, named and counted.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use crate::catalog::features::FeatureConfig;
use crate::catalog::{AttributeValue, Product, tokens};

/// A part of a product that makes features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Title,
    Description,
    Categories,
    Brand,
    Tags,
    Attributes,
    Price,
}

impl Field {
    pub(crate) const ALL: [Self; 7] = [
        Self::Title,
        Self::Description,
        Self::Categories,
        Self::Brand,
        Self::Tags,
        Self::Attributes,
        Self::Price,
    ];

    /// The setting that holds its weight.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Categories => "categories",
            Self::Brand => "brand",
            Self::Tags => "tags",
            Self::Attributes => "attributes",
            Self::Price => "price",
        }
    }
}

/// A feature of one product, by name, with its term frequency `1 + ln(count)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    pub(crate) field: Field,
    pub(crate) name: String,
    pub(crate) frequency: f32,
}

/// The terms of `product`, field by field, each name once in a field. Fields of weight 0 are not read.
pub(crate) fn terms_of(product: &Product, config: &FeatureConfig, bins: &Bins) -> Vec<Term> {
    let mut terms = Vec::new();
    for field in Field::ALL {
        if config.weight(field) > 0.0 {
            let names = names_of(product, field, config, bins);
            count(field, names, &mut terms);
        }
    }
    terms
}

fn count(field: Field, mut names: Vec<String>, terms: &mut Vec<Term>) {
    names.sort_unstable();
    let counted = names.chunk_by(|a, b| a == b).map(|same| Term {
        field,
        name: same[0].clone(),
        frequency: 1.0 + (same.len() as f32).ln(),
    });
    terms.extend(counted);
}

fn names_of(product: &Product, field: Field, config: &FeatureConfig, bins: &Bins) -> Vec<String> {
    match field {
        Field::Title => words(&product.title, config.phrases),
        Field::Description => words(&product.description, false),
        Field::Categories => categories(&product.categories),
        Field::Brand => labels("brand", product.brand.iter()),
        Field::Tags => labels("tag", product.tags.iter()),
        Field::Attributes => product
            .attributes
            .iter()
            .filter_map(|(name, value)| attribute(name, value, bins))
            .collect(),
        Field::Price => product
            .price
            .map(|price| format!("price:{}", bin(&bins.price, price)))
            .into_iter()
            .collect(),
    }
}

fn words(text: &str, phrases: bool) -> Vec<String> {
    let words = tokens(text);
    let pairs = if phrases {
        words.len().saturating_sub(1)
    } else {
        0
    };
    let mut names: Vec<String> = Vec::with_capacity(words.len() + pairs);
    names.extend(words.iter().map(|word| format!("word:{word}")));
    let pairs = words.windows(2).take(pairs);
    names.extend(pairs.map(|pair| format!("phrase:{} {}", pair[0], pair[1])));
    names
}

/// One name per level of each path; a level that two paths share counts once.
fn categories(paths: &[Vec<String>]) -> Vec<String> {
    let mut names = Vec::new();
    for path in paths {
        let mut name = String::from("category:");
        for (depth, level) in path.iter().enumerate() {
            if depth > 0 {
                name.push_str(" > ");
            }
            name.push_str(level.trim());
            names.push(name.clone());
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn labels<'t>(kind: &str, texts: impl Iterator<Item = &'t String>) -> Vec<String> {
    texts
        .map(|text| plain(text))
        .filter(|text| !text.is_empty())
        .map(|text| format!("{kind}:{text}"))
        .collect()
}

fn attribute(name: &str, value: &AttributeValue, bins: &Bins) -> Option<String> {
    match value {
        AttributeValue::Number(number) => {
            let limits = bins.attributes.get(name)?;
            Some(format!("{name}={}", bin(limits, *number)))
        }
        AttributeValue::Text(text) => {
            let text = plain(text);
            (!text.is_empty()).then(|| format!("{name}={text}"))
        }
    }
}

/// NFKC, lower case, no space around.
fn plain(text: &str) -> String {
    text.trim().nfkc().flat_map(char::to_lowercase).collect()
}

/// Where the bins of the price and of every numeric attribute begin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bins {
    price: Vec<f64>,
    attributes: BTreeMap<String, Vec<f64>>,
}

impl Bins {
    /// Cuts every number that `products` have into at most `bins` bins of about equally many products.
    pub(crate) fn of<'p>(products: impl Iterator<Item = &'p Product>, bins: usize) -> Self {
        let mut prices = Vec::new();
        let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for product in products {
            prices.extend(product.price);
            for (name, value) in &product.attributes {
                if let AttributeValue::Number(number) = value {
                    values.entry(name).or_default().push(*number);
                }
            }
        }
        let attributes = values
            .into_iter()
            .map(|(name, values)| (name.to_owned(), limits(values, bins)));
        Self {
            price: limits(prices, bins),
            attributes: attributes.collect(),
        }
    }
}

/// The bin of `value` as `FROM..TO`, the end not included.
fn bin(limits: &[f64], value: f64) -> String {
    let bin = limits.partition_point(|&limit| limit <= value);
    let from = bin.checked_sub(1).map(|bin| limits[bin].to_string());
    let to = limits.get(bin).map(f64::to_string);
    format!("{}..{}", from.unwrap_or_default(), to.unwrap_or_default())
}

/// The values that begin the second and each later bin, ascending and distinct.
fn limits(mut values: Vec<f64>, bins: usize) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let mut limits: Vec<f64> = (1..bins)
        .filter_map(|bin| values.get(bin * values.len() / bins).copied())
        .filter(|&limit| Some(&limit) > values.first())
        .collect();
    limits.dedup();
    limits
}
