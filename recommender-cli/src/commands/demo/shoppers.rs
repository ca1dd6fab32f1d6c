//! Three shoppers: what they bought, what is recommended and why, and whether they took it.

use std::io::{self, Write};

use recommender_core::engine::{EngineRequest, Explanation, Recommended};
use recommender_core::{Engine, FitOptions, ItemIx, PipelineConfig};

use crate::commands::recommend::title;
use crate::failure::Failure;
use crate::trial::{Prepared, Trial};

/// How many shoppers are shown.
const SHOPPERS: usize = 3;
/// How many of a shopper's last purchases, and how many recommendations.
const LINES: usize = 5;
/// Shoppers with this many different items are neither strangers nor wholesalers of everything.
const HISTORY_ITEMS: std::ops::RangeInclusive<usize> = 15..=60;

/// Shows the shoppers with the pipeline `config` learned from the training part of `trial`.
pub(super) fn print(trial: &Trial, config: &PipelineConfig) -> Result<(), Failure> {
    let prepared = trial.prepare(&config.interactions)?;
    let engine = Engine::fit(config, &prepared.dataset, &FitOptions::default())?;
    let shown = (0..prepared.cases().len())
        .filter(|&case| HISTORY_ITEMS.contains(&prepared.cases().history_items(case)))
        .step_by(7)
        .take(SHOPPERS);
    for case in shown {
        print_shopper(&engine, &prepared, case)?;
    }
    writeln!(io::stdout(), "\n(* she took it in the month after)")?;
    Ok(())
}

fn print_shopper(engine: &Engine, prepared: &Prepared, case: usize) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let user = prepared.cases().user(case);
    let key = prepared.dataset.users().key(user);
    writeln!(out, "\nShopper {key} bought last:")?;
    for item in last_items(prepared, user) {
        let key = prepared.dataset.items().key(item);
        writeln!(out, "    {key:<8} {}", title(engine, key))?;
    }
    let request = EngineRequest {
        user: Some(key.to_owned()),
        explanation: Explanation::Contributions,
        limit: LINES,
        ..EngineRequest::default()
    };
    writeln!(out, "  and is recommended:")?;
    for result in engine.recommend(&request)?.results {
        let item = engine.items().get(&result.key);
        let taken = item.is_some_and(|item| prepared.cases().truth(case).contains(&item));
        let mark = if taken { '*' } else { ' ' };
        let title = title(engine, &result.key);
        writeln!(
            out,
            "  {mark} {:<8} {title:<36} {}",
            result.key,
            why(&result)
        )?;
    }
    Ok(())
}

/// The shopper's last items, latest first, each once.
fn last_items(prepared: &Prepared, user: recommender_core::UserIx) -> Vec<ItemIx> {
    let mut items: Vec<ItemIx> = Vec::new();
    for event in prepared.dataset.history_of(user).iter().rev() {
        if !items.contains(&event.item) {
            items.push(event.item);
        }
        if items.len() == LINES {
            break;
        }
    }
    items
}

/// The share of each source in the score, largest first.
fn why(result: &Recommended) -> String {
    let total: f32 = result.contributions.iter().map(|part| part.1).sum();
    let mut parts: Vec<&(String, f32)> = result.contributions.iter().collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let share = |part: &&(String, f32)| format!("{} {:.0} %", part.0, 100.0 * part.1 / total);
    parts.iter().map(share).collect::<Vec<_>>().join(", ")
}
