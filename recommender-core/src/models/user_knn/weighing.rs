//! A row of weights as a similarity wants it: a user's in the data and a shopper's in a query alike.

use crate::buffer::Buffer;
use crate::interactions::Interactions;
use crate::models::item_knn::Similarity;
use crate::models::user_knn::UserKnnConfig;

/// What weighing takes from the data and the configuration.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weighing {
    /// Per item: `ln(N / (1 + n_i))` without its sign; one with [`Similarity::Cosine`].
    pub(super) rarity: Buffer<f32>,
    pub(super) settings: Settings,
    /// The settings as they are stored.
    pub(super) stored: Buffer<f32>,
}

/// The numbers of a similarity, in the order they are stored in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Settings {
    pub(super) similarity: Similarity,
    pub(super) mean_length: f32,
    pub(super) shrinkage: f32,
    pub(super) saturation: f32,
    pub(super) length: f32,
}

impl Settings {
    /// How many numbers they are stored as.
    pub(super) const LEN: usize = 5;

    pub(super) fn to_array(self) -> [f32; Self::LEN] {
        let kind = match self.similarity {
            Similarity::Cosine => 0.0,
            Similarity::TfIdf => 1.0,
            Similarity::Bm25 => 2.0,
        };
        [
            kind,
            self.mean_length,
            self.shrinkage,
            self.saturation,
            self.length,
        ]
    }

    /// None if no settings are stored as these numbers.
    pub(super) fn from_array(array: [f32; Self::LEN]) -> Option<Self> {
        let [kind, mean_length, shrinkage, saturation, length] = array;
        let similarity = match kind {
            0.0 => Similarity::Cosine,
            1.0 => Similarity::TfIdf,
            2.0 => Similarity::Bm25,
            _ => return None,
        };
        let fits = |&value: &f32| value.is_finite() && value >= 0.0;
        array.iter().all(fits).then_some(Self {
            similarity,
            mean_length,
            shrinkage,
            saturation,
            length,
        })
    }
}

impl Weighing {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    pub(super) fn new(config: &UserKnnConfig, interactions: &Interactions) -> Self {
        let by_user = interactions.by_user();
        let users = by_user.iter_rows().filter(|row| !row.is_empty()).count() as f64;
        let rarity = |of_item: usize| (users / (1.0 + of_item as f64)).ln().abs() as f32;
        let rarity = interactions.by_item().iter_rows().map(|row| {
            if config.similarity == Similarity::Cosine {
                1.0
            } else {
                rarity(row.len())
            }
        });
        let sum = by_user.values().iter().map(|&x| f64::from(x)).sum::<f64>();
        let settings = Settings {
            similarity: config.similarity,
            mean_length: (sum / users.max(1.0)) as f32,
            shrinkage: config.shrinkage,
            saturation: config.bm25_saturation,
            length: config.bm25_length,
        };
        Self {
            rarity: rarity.collect::<Vec<_>>().into(),
            settings,
            stored: settings.to_array().to_vec().into(),
        }
    }

    /// The weight of each entry of a row of items below the number of items known.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    pub(super) fn weigh(&self, row: &[(u32, f32)]) -> Vec<(u32, f32)> {
        let Settings {
            mean_length,
            saturation,
            length,
            ..
        } = self.settings;
        let sum = row.iter().map(|&(_, x)| f64::from(x)).sum::<f64>();
        let (k1, b) = (f64::from(saturation), f64::from(length));
        let length = 1.0 - b + b * sum / f64::from(mean_length);
        let weight = |&(item, x): &(u32, f32)| {
            let rarity = f64::from(self.rarity[item as usize]);
            let x = f64::from(x);
            let weight = match self.settings.similarity {
                Similarity::Cosine => x,
                Similarity::TfIdf => x.sqrt() * rarity,
                Similarity::Bm25 => x * (k1 + 1.0) / (x + k1 * length) * rarity,
            };
            (item, weight as f32)
        };
        row.iter().map(weight).collect()
    }

    /// The norm of a weighed row; one where the similarity divides by none.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "weights are f32 throughout"
    )]
    pub(super) fn norm(&self, weighed: &[(u32, f32)]) -> f32 {
        if self.settings.similarity == Similarity::Bm25 {
            return 1.0;
        }
        let squares = weighed.iter().map(|&(_, x)| f64::from(x) * f64::from(x));
        squares.sum::<f64>().sqrt() as f32
    }

    /// How alike two rows are, given their dot product and their norms.
    pub(super) fn similarity(&self, dot: f32, norms: (f32, f32)) -> f32 {
        let bottom = norms.0 * norms.1 + self.settings.shrinkage;
        if bottom > 0.0 { dot / bottom } else { 0.0 }
    }
}
