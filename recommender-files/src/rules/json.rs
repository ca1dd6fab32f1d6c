//! Rules as a JSON array.

use std::io::{self, Write};

use serde_json::Value;

use super::{MEASURES, Row, Sheet};

pub(super) fn write(sheet: &Sheet<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut separator = "[\n";
    for row in sheet.rows() {
        write!(out, "{separator}{{")?;
        for (place, (name, value)) in fields(sheet, &row).enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(out, "{comma}\"{name}\": {value}")?;
        }
        write!(out, "}}")?;
        separator = ",\n";
    }
    let end = if separator == "[\n" { "[]\n" } else { "\n]\n" };
    out.write_all(end.as_bytes())
}

/// The fields of a rule in their order. A number without end is null.
fn fields<'a>(
    sheet: &Sheet<'a>,
    row: &Row<'a>,
) -> impl Iterator<Item = (&'static str, Value)> + use<'a> {
    let group = row.group.map(Value::from).unwrap_or_default();
    let group = sheet.group_name().map(|name| (name, group));
    let counts = row.rule.counts;
    let sides = [
        ("antecedent", sheet.keys(row.rule.antecedent).collect()),
        ("consequent", sheet.keys(row.rule.consequent).collect()),
        ("count", Value::from(counts.both)),
    ];
    let measures = MEASURES.map(|(name, measure)| (name, Value::from(measure(&counts))));
    group.into_iter().chain(sides).chain(measures)
}
