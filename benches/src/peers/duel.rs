//! One contest held: rounds in turn, medians, ratios.

use std::fmt;
use std::sync::Arc;

use recommender_core::pipeline::ModelConfig;
use recommender_core::{Dataset, FitOptions, InteractionConfig, Query, Recommender, Result};
use serde::Serialize;
use serde_json::Value;

use crate::memory;
use crate::peers::contest::{Contest, Kind};
use crate::peers::ladder::{Rung, seconds_to_reach};
use crate::peers::process::{Peer, Seat};
use crate::peers::side::Side;
use crate::split::Split;

/// Users answered before the clock starts, on both sides.
const WARM_UP: usize = 64;

/// Epochs of the ladder's fits.
const RUNGS: [usize; 8] = [1, 2, 3, 4, 6, 8, 12, 16];

/// The share of the peer's best NDCG that counts as reached.
const NEAR: f64 = 0.99;

/// Our median seconds over theirs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ratio {
    /// What was timed.
    pub stage: String,
    /// Our seconds.
    pub ours: f64,
    /// Theirs.
    pub theirs: f64,
    /// Ours over theirs.
    pub ratio: f64,
    /// The ratio aimed at.
    pub target: Option<f64>,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.map_or(String::new(), |target| {
            let met = if self.ratio <= target { "" } else { " !" };
            format!("{target:.2}{met}")
        });
        let Self {
            stage,
            ours,
            theirs,
            ratio,
            ..
        } = self;
        writeln!(
            f,
            "{stage:<20}{ours:>11.3}s{theirs:>17.3}s{ratio:>9.2}  <= {target}"
        )
    }
}

/// What one side shows beside its times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Merit {
    /// Recall of its lists.
    pub recall: f64,
    /// NDCG of its lists.
    pub ndcg: f64,
    /// The most memory its process held, data included.
    pub peak_memory_bytes: u64,
    /// How far it gets in which time, where epochs are timed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<Rung>,
}

/// How a contest ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The contest.
    pub name: String,
    /// Package and version of the peer.
    pub peer: String,
    /// Users, items and interactions learned from.
    pub data: [usize; 3],
    /// Threads of each side.
    pub threads: usize,
    /// Rounds in turn.
    pub rounds: usize,
    /// By stage.
    pub ratios: Vec<Ratio>,
    /// Our lists and memory.
    pub ours: Merit,
    /// Theirs.
    pub theirs: Merit,
}

/// A contest on its data.
#[derive(Debug)]
pub struct Duel<'a> {
    /// Who meets whom.
    pub contest: &'a Contest,
    /// The data.
    pub split: &'a Split,
    /// One for each user of the training file.
    pub queries: &'a [Query],
    /// Where the peer sits.
    pub seat: Seat<'a>,
    /// How often each side runs.
    pub rounds: usize,
}

impl Duel<'_> {
    /// Holds it on the current rayon pool; none without the peer.
    ///
    /// # Errors
    /// [`recommender_core::Error::Config`] if our model refuses its settings, else what either side gives.
    pub fn hold(&self) -> Result<Option<Outcome>> {
        // Wrong settings are told before anything is started.
        self.config(1)?;
        let Some(mut peer) = Peer::start(self.contest.script, &self.seat)? else {
            return Ok(None);
        };
        let (mut ours, mut theirs) = (Side::default(), Side::default());
        for _ in 0..self.rounds {
            self.our_round(&mut ours)?;
            self.their_round(&mut peer, &mut theirs)?;
        }
        let ladders = self.ladders(&mut peer)?;
        Ok(Some(self.outcome(&peer.name, (ours, theirs), ladders)))
    }

    /// Our settings, with so many epochs where those are timed.
    fn config(&self, epochs: usize) -> Result<ModelConfig> {
        let mut settings = self.contest.ours.clone();
        if self.counts_epochs() {
            settings["epochs"] = epochs.into();
        }
        let settings = settings.as_object().cloned().unwrap_or_default();
        ModelConfig::from_settings(self.contest.model, settings)
    }

    fn their_settings(&self, epochs: usize) -> Value {
        let mut settings = self.contest.theirs.clone();
        if self.counts_epochs() {
            settings["iterations"] = epochs.into();
        }
        settings
    }

    fn counts_epochs(&self) -> bool {
        matches!(self.contest.kind, Kind::Epochs { .. })
    }

    fn our_round(&self, side: &mut Side) -> Result<()> {
        memory::reset_peak();
        let model = match self.contest.kind {
            Kind::Fit => self.our_fit(1, "fit", side)?,
            Kind::FitFromPairs => {
                self.our_fit_from_pairs(side)?;
                self.our_fit(1, "fit", side)?
            }
            Kind::Epochs { few, many } => {
                self.our_fit(few, "few epochs", side)?;
                let model = self.our_fit(many, "many epochs", side)?;
                took_an_epoch(side, many - few);
                model
            }
        };
        self.our_answers(&*model, side)?;
        side.peak_memory_bytes = memory::peak_bytes().unwrap_or(0);
        Ok(())
    }

    fn our_fit(&self, epochs: usize, stage: &str, side: &mut Side) -> Result<Box<dyn Recommender>> {
        let config = self.config(epochs)?;
        let fit = || config.fit(&self.split.dataset, &FitOptions::default());
        let model: Box<dyn Recommender> = side.time(stage, fit)?;
        Ok(model)
    }

    fn our_fit_from_pairs(&self, side: &mut Side) -> Result<()> {
        let config = self.config(1)?;
        let table = self.split.dataset.table();
        let pairs = self.split.dataset.events().len();
        side.time("fit from pairs", || {
            let rows = (0u32..).take(pairs).collect();
            let weights = InteractionConfig::binary();
            let dataset = Dataset::of_rows(Arc::clone(table), rows, vec![], weights)?;
            config.fit(&dataset, &FitOptions::default())
        })?;
        Ok(())
    }

    fn our_answers(&self, model: &dyn Recommender, side: &mut Side) -> Result<()> {
        model.recommend_batch(&self.queries[..WARM_UP.min(self.queries.len())])?;
        let answers = side.time("answers", || model.recommend_batch(self.queries))?;
        side.lists = answers
            .iter()
            .map(|answer| self.split.numbers(answer))
            .collect();
        Ok(())
    }

    fn their_round(&self, peer: &mut Peer, side: &mut Side) -> Result<()> {
        if let Kind::Epochs { few, many } = self.contest.kind {
            side.took(
                "few epochs",
                peer.fit(&self.their_settings(few))?.seconds["fit"],
            );
            let long = peer.fit(&self.their_settings(many))?;
            side.took("many epochs", long.seconds["fit"]);
            took_an_epoch(side, many - few);
        } else {
            for (stage, seconds) in peer.fit(&self.their_settings(1))?.seconds {
                side.took(&stage, seconds);
            }
        }
        let (reply, lists) = peer.answer()?;
        side.took("answers", reply.seconds["answers"]);
        side.lists = lists;
        side.peak_memory_bytes = reply.peak_memory_bytes;
        Ok(())
    }

    /// Fits of more and more epochs, ours and theirs, where epochs are timed.
    fn ladders(&self, peer: &mut Peer) -> Result<(Vec<Rung>, Vec<Rung>)> {
        let mut ladders = (Vec::new(), Vec::new());
        if !self.counts_epochs() {
            return Ok(ladders);
        }
        for epochs in RUNGS {
            let mut ours = Side::default();
            let model = self.our_fit(epochs, "fit", &mut ours)?;
            self.our_answers(&*model, &mut ours)?;
            ladders.0.push(self.rung(epochs, &ours));
            let mut theirs = Side::default();
            theirs.took(
                "fit",
                peer.fit(&self.their_settings(epochs))?.seconds["fit"],
            );
            theirs.lists = peer.answer()?.1;
            ladders.1.push(self.rung(epochs, &theirs));
        }
        Ok(ladders)
    }

    fn rung(&self, epochs: usize, side: &Side) -> Rung {
        Rung {
            epochs,
            seconds: side.median("fit").unwrap_or(f64::NAN),
            ndcg: side.accuracy(self.split, self.seat.limit).ndcg,
        }
    }

    fn outcome(
        &self,
        peer: &str,
        (ours, theirs): (Side, Side),
        ladders: (Vec<Rung>, Vec<Rung>),
    ) -> Outcome {
        let shared = ours.seconds.keys().filter_map(|stage| {
            Some(self.ratio(stage, ours.median(stage)?, theirs.median(stage)?))
        });
        let mut ratios: Vec<Ratio> = shared.collect();
        ratios.extend(self.ratio_to_ndcg(&ladders));
        let matrix = self.split.dataset.interactions().by_user();
        Outcome {
            name: self.contest.name.clone(),
            peer: peer.to_owned(),
            data: [self.queries.len(), matrix.cols(), matrix.nnz()],
            threads: self.seat.threads,
            rounds: self.rounds,
            ratios,
            ours: self.merit(&ours, ladders.0),
            theirs: self.merit(&theirs, ladders.1),
        }
    }

    fn ratio(&self, stage: &str, ours: f64, theirs: f64) -> Ratio {
        let mut targets = self.contest.targets.iter();
        Ratio {
            stage: stage.into(),
            ours,
            theirs,
            ratio: ours / theirs,
            target: targets.find(|(name, _)| *name == stage).map(|(_, t)| *t),
        }
    }

    /// The time to what the peer reaches at its best, but for a hundredth.
    fn ratio_to_ndcg(&self, (ours, theirs): &(Vec<Rung>, Vec<Rung>)) -> Option<Ratio> {
        let best = theirs.iter().map(|rung| rung.ndcg).max_by(f64::total_cmp)?;
        let reach = |rungs| seconds_to_reach(rungs, best * NEAR);
        Some(self.ratio(
            "to its NDCG",
            reach(ours).unwrap_or(f64::INFINITY),
            reach(theirs)?,
        ))
    }

    fn merit(&self, side: &Side, ladder: Vec<Rung>) -> Merit {
        let accuracy = side.accuracy(self.split, self.seat.limit);
        Merit {
            recall: accuracy.recall,
            ndcg: accuracy.ndcg,
            peak_memory_bytes: side.peak_memory_bytes,
            ladder,
        }
    }
}

/// The seconds of one of the `between` epochs by which the long fit of the last round exceeds its short one.
fn took_an_epoch(side: &mut Side, between: usize) {
    let last = |stage| side.seconds.get(stage).and_then(|all| all.last().copied());
    if let (Some(few), Some(many)) = (last("few epochs"), last("many epochs")) {
        side.took("an epoch", (many - few) / between as f64);
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [users, items, pairs] = self.data;
        writeln!(
            f,
            "{}: {users} users, {items} items, {pairs} interactions, {} threads, median of {} rounds in turn",
            self.name, self.threads, self.rounds
        )?;
        let heads = ["ours", &self.peer, "ratio", "target"];
        let [ours, theirs, ratio, target] = heads;
        writeln!(f, "{:<20}{ours:>12}{theirs:>18}{ratio:>9}{target:>9}", "")?;
        self.ratios.iter().try_for_each(|row| write!(f, "{row}"))?;
        let (ours, theirs) = (&self.ours, &self.theirs);
        writeln!(
            f,
            "{:<20}{:>12.4}{:>18.4}",
            "R@20", ours.recall, theirs.recall
        )?;
        writeln!(f, "{:<20}{:>12.4}{:>18.4}", "N@20", ours.ndcg, theirs.ndcg)?;
        let mebibytes = |bytes: u64| bytes >> 20;
        let (ours, theirs) = (ours.peak_memory_bytes, theirs.peak_memory_bytes);
        writeln!(
            f,
            "{:<20}{:>12}{:>18}",
            "peak MiB",
            mebibytes(ours),
            mebibytes(theirs)
        )
    }
}
