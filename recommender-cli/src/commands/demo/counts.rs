//! What the file holds before any rule has cleaned it.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use recommender_core::events::read::{EventField, EventMap, QuantityChange, SetRule};
use recommender_core::events::{EventKind, EventTable};
use recommender_core::rows::{Condition, KeyCase};
use recommender_files::EventOptions;

use crate::failure::Failure;

/// Counts the rows of the file and what they name.
pub(super) fn print(rows: &Path, map: &EventMap) -> Result<(), Failure> {
    let mut table = EventTable::new();
    let options = EventOptions {
        map: uncleaned(map.clone()),
        ..EventOptions::default()
    };
    let report = recommender_files::read_events(rows, &options, &mut table)?;
    let prefix = map
        .anonymous
        .as_ref()
        .map_or("", |anonymous| &anonymous.prefix);
    let anonymous: Vec<bool> = table
        .users()
        .iter()
        .map(|(_, key)| key.starts_with(prefix))
        .collect();
    let mut invoices = HashSet::new();
    let mut cancelled_invoices = HashSet::new();
    let (mut cancelled, mut without_customer) = (0, 0);
    for row in (0..table.len()).map(|row| table.row(row)) {
        invoices.insert(row.session);
        without_customer += u64::from(anonymous[row.user.0 as usize]);
        if row.kind == EventKind::Return {
            cancelled += 1;
            cancelled_invoices.insert(row.session);
        }
    }
    let customers = anonymous.iter().filter(|&&anonymous| !anonymous).count();
    writeln!(
        io::stdout(),
        "UCI Online Retail (Chen 2015, CC BY 4.0): {} invoice lines, {} invoices ({} cancellations, {cancelled} lines), \
         {} stock codes, {customers} customers, {} countries; {without_customer} lines without a customer",
        report.rows,
        invoices.len(),
        cancelled_invoices.len(),
        table.items().len(),
        table.places().len(),
    )?;
    Ok(())
}

/// The same columns with no rule applied: every line counts, whatever its price or the sign of its quantity.
fn uncleaned(mut map: EventMap) -> EventMap {
    map.drop.clear();
    map.item_case = KeyCase::default();
    map.columns.insert(EventField::Price, String::new());
    let quantity = map
        .columns
        .get(&EventField::Quantity)
        .cloned()
        .unwrap_or_default();
    map.set.push(SetRule {
        when: vec![Condition {
            column: quantity,
            less_than: Some(0.0),
            ..Condition::default()
        }],
        quantity: Some(QuantityChange::Absolute),
        ..SetRule::default()
    });
    map
}
