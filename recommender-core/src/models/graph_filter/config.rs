//! Which graph is filtered, by which response, and what the published settings are.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What the polynomial filter makes of an eigenvalue λ of the item graph, from 0 (noise) to 1 (what all share).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// λ itself: one step over the graph.
    Linear,
    /// A curve that rises from 0 to 1 with a plateau about λ = ½, `½ ± ½|2λ − 1|^flatness`, by its Chebyshev
    /// interpolation of degree [`GraphFilterConfig::order`] (ChebyCF).
    #[default]
    Plateau,
    /// `Σ_k c_k λ^k` with the numbers of [`GraphFilterConfig::coefficients`], the constant first.
    Polynomial,
}

/// Published settings to start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// GF-CF (Shen 2021): one step over the graph, and 0.3 times the ideal low-pass filter of rank 256.
    GfCf,
    /// Turbo-CF (Park 2024), its first filter, as tuned for Gowalla: one step over a graph whose weights are raised
    /// to the power 0.7, no factors.
    TurboCf,
    /// BSPM (Choi 2023), the variant with early merge, as tuned for Gowalla: GF-CF of rank 448, sharpened for 2.5
    /// units of time.
    Bspm,
    /// ChebyCF (Kim 2025) as tuned for Gowalla.
    ChebyCf,
}

/// Settings of [`GraphFilter`](super::GraphFilter).
///
/// In a file or on the command line `preset` (`gf_cf`, `turbo_cf`, `bspm`, `cheby_cf`) sets all fields to published
/// settings, and each field that is given stands over it; without `preset` they stand over the defaults. A saved
/// configuration has every field and no `preset`.
///
/// | field | default | range | `gf_cf` | `turbo_cf` | `bspm` | `cheby_cf` |
/// |---|---|---|---|---|---|---|
/// | `user_exponent` | 0.5 | 0..=2 | 0.5 | 0.6 | 0.5 | 0.5 |
/// | `item_exponent` | 0.5 | 0..=2 | 0.5 | 0.4 | 0.5 | 0.5 |
/// | `similarity_power` | 1 | 0.1..=10 | 1 | 0.7 | 1 | 1 |
/// | `response` | `plateau` | | `linear` | `linear` | `linear` | `plateau` |
/// | `order` | 8 | 1..=64 | 8 | 8 | 8 | 8 |
/// | `flatness` | 3 | 0.1..=1,000 | 1.5 | 1.5 | 1.5 | 1.5 |
/// | `coefficients` | none | finite, at most 65 | none | none | none | none |
/// | `degree_exponent` | 0.3 | −2..=2 | 0 | 0 | 0 | 0.4 |
/// | `rank` | 512 | 0..=65,536 | 256 | 0 | 448 | 512 |
/// | `rank_share` | 0.1 | 0..=1 | 1 | 1 | 1 | 1 |
/// | `ideal_weight` | 0.2 | 0..=1,000 | 0.3 | 0 | 0.2 | 0.2 |
/// | `ideal_exponent` | 0.3 | −2..=2 | 0.5 | 0 | 0.5 | 0.4 |
/// | `sharpening` | 0 | 0..=10 | 0 | 0 | 2.5 | 0 |
/// | `max_memory_bytes` | 8 GiB | none: no limit | | | | |
///
/// ```
/// use recommender_core::models::GraphFilterConfig;
/// let config: GraphFilterConfig = serde_json::from_str(r#"{ "preset": "gf_cf", "rank": 64 }"#)?;
/// assert_eq!((config.rank, config.ideal_weight), (64, 0.3));
/// assert!(config.validate().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Settings")]
pub struct GraphFilterConfig {
    /// α of `D_U^{-α} X D_I^{-β'}`: how little a user with many interactions says of each.
    pub user_exponent: f64,
    /// β' of `D_U^{-α} X D_I^{-β'}`: how little an item with many interactions says.
    pub item_exponent: f64,
    /// The power each weight of the item graph is raised to. Anything but 1 keeps the whole item graph, which is far
    /// larger than the interactions, and allows no [`Response::Plateau`] and no sharpening.
    pub similarity_power: f64,
    /// The response of the polynomial filter.
    pub response: Response,
    /// Degree of the polynomial for [`Response::Plateau`].
    pub order: usize,
    /// Exponent φ of [`Response::Plateau`]: 1 is a straight line, the larger the flatter about the middle.
    pub flatness: f64,
    /// The polynomial of [`Response::Polynomial`].
    pub coefficients: Vec<f64>,
    /// b of `D^b f(P) D^{-b}`: above 0, popular items gain in the polynomial part.
    pub degree_exponent: f64,
    /// Singular vectors of the ideal low-pass filter; at most as many as the matrix has are kept. 0 goes without.
    pub rank: usize,
    /// The most singular vectors as a share of the users or the items, whichever are fewer: what is a tenth of the
    /// spectrum of a large catalogue is most of the noise of a small one.
    pub rank_share: f64,
    /// Weight a of the ideal low-pass filter beside the polynomial one.
    pub ideal_weight: f64,
    /// β of `D^β V Vᵀ D^{-β}`: above 0, popular items gain in the ideal part.
    pub ideal_exponent: f64,
    /// Time over which both parts are sharpened: one Runge-Kutta step of `y' = −y P`. 0 does not sharpen.
    pub sharpening: f64,
    /// The fit is refused, before it takes the memory, if it would need more than so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory_bytes: Option<u64>,
}

impl Default for GraphFilterConfig {
    fn default() -> Self {
        Self {
            flatness: 3.0,
            degree_exponent: 0.3,
            rank_share: 0.1,
            ideal_exponent: 0.3,
            ..Self::preset(Preset::ChebyCf)
        }
    }
}

impl GraphFilterConfig {
    /// The settings published under a name.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let cheby_cf = Self {
            user_exponent: 0.5,
            item_exponent: 0.5,
            similarity_power: 1.0,
            response: Response::Plateau,
            order: 8,
            flatness: 1.5,
            coefficients: Vec::new(),
            degree_exponent: 0.4,
            rank: 512,
            rank_share: 1.0,
            ideal_weight: 0.2,
            ideal_exponent: 0.4,
            sharpening: 0.0,
            max_memory_bytes: Some(8 << 30),
        };
        let gf_cf = Self {
            response: Response::Linear,
            degree_exponent: 0.0,
            rank: 256,
            ideal_weight: 0.3,
            ideal_exponent: 0.5,
            ..cheby_cf.clone()
        };
        match preset {
            Preset::ChebyCf => cheby_cf,
            Preset::GfCf => gf_cf,
            Preset::TurboCf => Self {
                user_exponent: 0.6,
                item_exponent: 0.4,
                similarity_power: 0.7,
                rank: 0,
                ideal_weight: 0.0,
                ideal_exponent: 0.0,
                ..gf_cf
            },
            Preset::Bspm => Self {
                rank: 448,
                ideal_weight: 0.2,
                sharpening: 2.5,
                ..gf_cf
            },
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first setting out of range.
    pub fn validate(&self) -> Result<()> {
        within("user_exponent", self.user_exponent, (0.0, 2.0))?;
        within("item_exponent", self.item_exponent, (0.0, 2.0))?;
        within("similarity_power", self.similarity_power, (0.1, 10.0))?;
        within("flatness", self.flatness, (0.1, 1000.0))?;
        within("degree_exponent", self.degree_exponent, (-2.0, 2.0))?;
        within("rank_share", self.rank_share, (0.0, 1.0))?;
        within("ideal_weight", self.ideal_weight, (0.0, 1000.0))?;
        within("ideal_exponent", self.ideal_exponent, (-2.0, 2.0))?;
        within("sharpening", self.sharpening, (0.0, 10.0))?;
        if !(1..=64).contains(&self.order) {
            return Err(wrong("order", "a whole number from 1 to 64", self.order));
        }
        if self.rank > 65_536 {
            return Err(wrong("rank", "a whole number from 0 to 65,536", self.rank));
        }
        self.validate_polynomial()?;
        self.validate_power()
    }

    fn validate_polynomial(&self) -> Result<()> {
        let coefficients = &self.coefficients;
        let wanted = self.response == Response::Polynomial;
        let finite = coefficients.iter().all(|it| it.is_finite());
        if coefficients.len() > 65 || !finite || coefficients.is_empty() == wanted {
            let expected =
                "1 to 65 finite numbers for response \"polynomial\", none for any other response";
            return Err(wrong("coefficients", expected, format!("{coefficients:?}")));
        }
        Ok(())
    }

    fn validate_power(&self) -> Result<()> {
        let plain = self.response != Response::Plateau && self.sharpening == 0.0;
        if self.raises_similarities() && !plain {
            let expected = "1, or response \"linear\" or \"polynomial\" and no sharpening";
            return Err(wrong("similarity_power", expected, self.similarity_power));
        }
        Ok(())
    }

    /// How many singular vectors are looked for in a matrix of `users` × `items`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of rows"
    )]
    pub(super) fn rank_within(&self, users: usize, items: usize) -> usize {
        let share = self.rank_share * users.min(items) as f64;
        self.rank.min(share.ceil() as usize)
    }

    /// Whether the item graph has to be made.
    pub(super) fn raises_similarities(&self) -> bool {
        (self.similarity_power - 1.0).abs() > f64::EPSILON
    }
}

fn within(field: &str, value: f64, (least, most): (f64, f64)) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let expected = format!("a number from {least} to {most}");
    Err(wrong(field, &expected, value))
}

fn wrong(field: &str, expected: &str, found: impl std::fmt::Display) -> Error {
    Error::config(format!("graph_filter.{field}"), expected, found)
}

/// What a file or a command line says: a preset, and what stands over it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    preset: Option<Preset>,
    user_exponent: Option<f64>,
    item_exponent: Option<f64>,
    similarity_power: Option<f64>,
    response: Option<Response>,
    order: Option<usize>,
    flatness: Option<f64>,
    coefficients: Option<Vec<f64>>,
    degree_exponent: Option<f64>,
    rank: Option<usize>,
    rank_share: Option<f64>,
    ideal_weight: Option<f64>,
    ideal_exponent: Option<f64>,
    sharpening: Option<f64>,
    max_memory_bytes: Option<u64>,
}

impl From<Settings> for GraphFilterConfig {
    fn from(given: Settings) -> Self {
        let base = given.preset.map_or_else(Self::default, Self::preset);
        Self {
            user_exponent: given.user_exponent.unwrap_or(base.user_exponent),
            item_exponent: given.item_exponent.unwrap_or(base.item_exponent),
            similarity_power: given.similarity_power.unwrap_or(base.similarity_power),
            response: given.response.unwrap_or(base.response),
            order: given.order.unwrap_or(base.order),
            flatness: given.flatness.unwrap_or(base.flatness),
            coefficients: given.coefficients.unwrap_or(base.coefficients),
            degree_exponent: given.degree_exponent.unwrap_or(base.degree_exponent),
            rank: given.rank.unwrap_or(base.rank),
            rank_share: given.rank_share.unwrap_or(base.rank_share),
            ideal_weight: given.ideal_weight.unwrap_or(base.ideal_weight),
            ideal_exponent: given.ideal_exponent.unwrap_or(base.ideal_exponent),
            sharpening: given.sharpening.unwrap_or(base.sharpening),
            max_memory_bytes: given.max_memory_bytes.or(base.max_memory_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<GraphFilterConfig, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn a_preset_is_stood_over_field_by_field_and_saved_whole() {
        let config = parse(r#"{ "preset": "bspm", "rank": 7 }"#).unwrap();
        let expected = GraphFilterConfig {
            rank: 7,
            ..GraphFilterConfig::preset(Preset::Bspm)
        };
        assert_eq!(config, expected);
        let saved = serde_json::to_string(&config).unwrap();
        assert!(!saved.contains("preset") && saved.contains("\"sharpening\":2.5"));
        assert_eq!(parse(&saved).unwrap(), config);
        assert_eq!(parse("{}").unwrap(), GraphFilterConfig::default());
    }

    #[test]
    fn what_is_unknown_or_out_of_range_is_refused_by_name() {
        let unknown = parse(r#"{ "ranks": 7 }"#).unwrap_err().to_string();
        assert!(unknown.contains("ranks") && unknown.contains("ideal_weight"));
        assert!(parse(r#"{ "preset": "gfcf" }"#).is_err());
        for (field, text) in [
            ("rank", r#"{ "rank": 65537 }"#),
            ("order", r#"{ "order": 0 }"#),
            ("ideal_weight", r#"{ "ideal_weight": -0.1 }"#),
            ("coefficients", r#"{ "response": "polynomial" }"#),
            ("coefficients", r#"{ "coefficients": [0, 1] }"#),
            (
                "similarity_power",
                r#"{ "preset": "turbo_cf", "sharpening": 1 }"#,
            ),
            ("similarity_power", r#"{ "similarity_power": 0.7 }"#),
        ] {
            let error = parse(text).unwrap().validate().unwrap_err().to_string();
            assert!(error.contains(&format!("graph_filter.{field}")), "{error}");
        }
    }
}
