//! Association rules beside mlxtend: the same itemsets, the same figures, and the time of both.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::fs;
use std::path::Path;

use recommender_core::baskets::{BasketConfig, Baskets, UserBaskets};
use recommender_core::events::EventTable;
use recommender_core::rows::Format;
use recommender_core::rules::{Itemsets, MiningConfig, RuleCounts, Rules};
use recommender_core::{Dataset, Error, FitOptions, InteractionConfig, ItemIx, Result};
use recommender_files::{EventOptions, read_event_map, read_events};
use serde::Serialize;
use serde_json::json;

use crate::memory;
use crate::output::failed;
use crate::peers::duel::Ratio;
use crate::peers::process::{Peer, Seat};
use crate::peers::side::Side;

/// The peer's script.
const SCRIPT: &str = "mlxtend_rules.py";

/// Mining of one collection of baskets, ours and the peer's.
#[derive(Debug, Clone)]
pub struct MiningContest {
    /// What it is called in reports and by `--only`.
    pub name: String,
    /// What is mined; no rule is held back but by its confidence.
    pub config: MiningConfig,
    baskets: Baskets,
}

/// The share of the peer's time aimed at.
const TARGET: f64 = 0.2;

/// The least confidence of the rules compared. The peer divides shares where we divide counts, so that the two would
/// part at a confidence right at the bound; no share of two counts below a million lies so near to this one.
const CONFIDENCE: f64 = 0.100_001;

/// What figures may differ by, as a share of them: both sides round.
const ROUNDING: f64 = 1e-9;

impl MiningContest {
    /// Sets of up to `length` items in so many of `baskets`, and all rules of a confidence of a tenth and a little more.
    #[must_use]
    pub fn new(of: &str, baskets: Baskets, support: f64, length: usize) -> Self {
        let config = MiningConfig {
            support,
            least_baskets: 1,
            confidence: CONFIDENCE,
            lift: 0.0,
            log_likelihood_ratio: 0.0,
            length,
            consequent: length - 1,
            ..MiningConfig::default()
        };
        Self {
            name: format!("rules of {of} at {support}, length {length}, beside mlxtend"),
            config,
            baskets,
        }
    }

    /// Holds it on the current rayon pool; none without the peer.
    ///
    /// # Errors
    /// What either side gives, and [`Error::Data`] where their itemsets or figures differ.
    pub fn hold(&self, seat: &Seat<'_>, rounds: usize) -> Result<Option<MiningOutcome>> {
        let file = seat.directory.join("baskets");
        fs::write(&file, self.lines()).map_err(|error| failed(&file, &error))?;
        let seat = Seat {
            train: &file,
            ..seat.clone()
        };
        let Some(mut peer) = Peer::start(SCRIPT, &seat)? else {
            return Ok(None);
        };
        let (mut ours, mut theirs) = (Side::default(), Side::default());
        let settings = json!({
            "support": self.config.support,
            "length": self.config.length,
            "confidence": self.config.confidence,
        });
        let mut mined = None;
        for _ in 0..rounds {
            mined = Some(self.our_round(&mut ours)?);
            let reply = peer.fit(&settings)?;
            theirs.peak_memory_bytes = reply.peak_memory_bytes;
            for (stage, seconds) in reply.seconds {
                theirs.took(&stage, seconds);
            }
        }
        let Some((itemsets, rules)) = mined else {
            return Err(Error::config("--rounds", "at least 1", 0));
        };
        let difference = compare(&itemsets, &rules, &seat.directory.join("lists"))?;
        Ok(Some(MiningOutcome {
            name: self.name.clone(),
            peer: peer.name.clone(),
            baskets: self.baskets.len(),
            itemsets: itemsets.len(),
            rules: rules.len(),
            largest_difference: difference,
            threads: seat.threads,
            rounds,
            ratios: ratios(&ours, &theirs),
            peak_memory_bytes: [ours.peak_memory_bytes, theirs.peak_memory_bytes],
        }))
    }

    /// A line for each basket: its number, then its items.
    fn lines(&self) -> String {
        let mut text = String::new();
        for (number, basket) in self.baskets.iter().enumerate() {
            text += &number.to_string();
            for item in basket.items {
                let _ = write!(text, " {}", item.0);
            }
            text.push('\n');
        }
        text
    }

    fn our_round(&self, side: &mut Side) -> Result<(Itemsets, Rules)> {
        memory::reset_peak();
        let options = FitOptions::default();
        let mut whole = Side::default();
        let mined = whole.time("both", || {
            let mine = || self.config.itemsets(&self.baskets, &options);
            let itemsets = side.time("itemsets", mine)?;
            let rules = side.time("rules", || self.config.rules(&itemsets, &options))?;
            Ok((itemsets, rules))
        })?;
        side.took("both", whole.median("both").unwrap_or(f64::NAN));
        side.peak_memory_bytes = memory::peak_bytes().unwrap_or(0);
        Ok(mined)
    }
}

/// The invoices of the Online Retail data of this repository, cleaned as its event map says.
///
/// # Errors
/// [`Error::Input`] if the data set is not there.
pub fn online_retail() -> Result<Baskets> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/online-retail");
    let options = EventOptions {
        map: read_event_map(&folder.join("events.toml"))?,
        ..EventOptions::default()
    };
    baskets_of(&folder.join("online-retail.parquet"), &options)
}

/// The baskets of a file of one a line, items separated by blanks.
///
/// # Errors
/// [`Error::Input`] if it can't be read.
pub fn basket_lines(file: &Path) -> Result<Baskets> {
    let options = EventOptions {
        format: Some(Format::Sessions),
        ..EventOptions::default()
    };
    baskets_of(file, &options)
}

fn baskets_of(file: &Path, options: &EventOptions) -> Result<Baskets> {
    let mut table = EventTable::new();
    read_events(file, options, &mut table)?;
    let dataset = Dataset::new(table, vec![], InteractionConfig::default())?;
    Ok(UserBaskets::of(&dataset, &BasketConfig::default())?
        .all()
        .clone())
}

/// Our median seconds over theirs, by stage.
fn ratios(ours: &Side, theirs: &Side) -> Vec<Ratio> {
    let ratio = |stage: &str| {
        let (ours, theirs) = (ours.median(stage)?, theirs.median(stage)?);
        Some(Ratio {
            stage: stage.into(),
            ours,
            theirs,
            ratio: ours / theirs,
            target: (stage == "both").then_some(TARGET),
        })
    };
    ["itemsets", "rules", "both"]
        .into_iter()
        .filter_map(ratio)
        .collect()
}

/// Both sides of a rule.
type Sides = (Vec<u32>, Vec<u32>);

/// The largest difference between our figures and those the peer left at `out`, as a share.
fn compare(itemsets: &Itemsets, rules: &Rules, out: &Path) -> Result<f64> {
    let theirs: BTreeMap<Vec<u32>, f64> = read(&out.with_extension("itemsets"), |line| {
        let (count, items) = line.split_once(' ')?;
        Some((numbers(items)?, count.parse().ok()?))
    })?;
    let different = |what: &str, found: String| Error::data("peers", format!("{what}: {found}"));
    let ours: BTreeMap<Vec<u32>, f64> = itemsets
        .iter()
        .map(|(items, count)| (items.iter().map(|it| it.0).collect(), count.into()))
        .collect();
    if ours != theirs {
        let first = ours.iter().zip(&theirs).find(|(a, b)| a != b);
        let found = format!("{} ours, {} theirs, {first:?}", ours.len(), theirs.len());
        return Err(different("the itemsets differ", found));
    }
    let theirs: BTreeMap<Sides, Vec<f64>> = read(&out.with_extension("rules"), |line| {
        let mut fields = line.split('\t');
        let sides = (numbers(fields.next()?)?, numbers(fields.next()?)?);
        let figures = fields.map(|figure| figure.parse().ok());
        Some((sides, figures.collect::<Option<_>>()?))
    })?;
    if theirs.len() != rules.len() {
        let found = format!("{} ours, {} theirs", rules.len(), theirs.len());
        return Err(different("the rules differ", found));
    }
    let mut largest = 0.0f64;
    for rule in rules.iter() {
        let side = |items: &[ItemIx]| -> Vec<u32> { items.iter().map(|it| it.0).collect() };
        let sides = (side(rule.antecedent), side(rule.consequent));
        let Some(figures) = theirs.get(&sides) else {
            return Err(different("the peer lacks a rule", format!("{sides:?}")));
        };
        let difference = difference(&rule.counts, figures);
        if difference > ROUNDING {
            let found = format!("{sides:?}, {:?}, theirs {figures:?}", rule.counts);
            return Err(different("the figures of a rule differ", found));
        }
        largest = largest.max(difference);
    }
    Ok(largest)
}

/// The largest difference between the figures of `counts` and `theirs`, as a share or, of small ones, in full.
fn difference(counts: &RuleCounts, theirs: &[f64]) -> f64 {
    let ours = [
        counts.support(),
        counts.antecedent_support(),
        counts.consequent_support(),
        counts.confidence(),
        counts.lift(),
        counts.leverage(),
        counts.conviction(),
        counts.log_likelihood_ratio(),
        counts.p_value(),
    ];
    let apart = |(ours, theirs): (f64, &f64)| {
        if ours == *theirs {
            return 0.0;
        }
        let apart = (ours - theirs).abs() / ours.abs().max(1.0);
        if apart.is_nan() { f64::INFINITY } else { apart }
    };
    ours.into_iter().zip(theirs).map(apart).fold(0.0, f64::max)
}

fn numbers(text: &str) -> Option<Vec<u32>> {
    text.split(' ').map(|number| number.parse().ok()).collect()
}

fn read<K: Ord, V>(path: &Path, parse: impl Fn(&str) -> Option<(K, V)>) -> Result<BTreeMap<K, V>> {
    let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
    let line = |line: &str| parse(line).ok_or_else(|| failed(path, &format!("\"{line}\"")));
    text.lines().map(line).collect()
}

/// How a contest of miners ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MiningOutcome {
    /// The contest.
    pub name: String,
    /// Package and version of the peer.
    pub peer: String,
    /// Baskets mined.
    pub baskets: usize,
    /// Itemsets found, the same by both.
    pub itemsets: usize,
    /// Rules found, the same by both.
    pub rules: usize,
    /// The largest difference between a figure of ours and the peer's, as a share of it.
    pub largest_difference: f64,
    /// Threads of each side; mlxtend uses one.
    pub threads: usize,
    /// Rounds in turn.
    pub rounds: usize,
    /// By stage.
    pub ratios: Vec<Ratio>,
    /// The most memory held by us and by the peer, data included.
    pub peak_memory_bytes: [u64; 2],
}

impl fmt::Display for MiningOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} baskets, {} threads, median of {} rounds in turn\n\
             the same {} itemsets and {} rules; figures differ by {:.0e} at most",
            self.name,
            self.baskets,
            self.threads,
            self.rounds,
            self.itemsets,
            self.rules,
            self.largest_difference
        )?;
        let [ours, theirs, ratio, target] = ["ours", &self.peer, "ratio", "target"];
        writeln!(f, "{:<20}{ours:>12}{theirs:>18}{ratio:>9}{target:>9}", "")?;
        self.ratios.iter().try_for_each(|row| write!(f, "{row}"))?;
        let [ours, theirs] = self.peak_memory_bytes.map(|bytes| bytes >> 20);
        writeln!(f, "{:<20}{ours:>12}{theirs:>18}", "peak MiB")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_differ_are_told_and_infinities_are_equal() {
        let counts = RuleCounts {
            baskets: 10,
            antecedent: 2,
            consequent: 5,
            both: 2,
        };
        let same = [0.2, 0.2, 0.5, 1.0, 2.0, 0.1, f64::INFINITY];
        assert!(difference(&counts, &same) <= ROUNDING);
        for (place, wrong) in [(0, 0.3), (6, 7.0), (4, f64::NAN)] {
            let mut figures = same;
            figures[place] = wrong;
            assert!(difference(&counts, &figures) > ROUNDING, "{place}");
        }
    }
}
