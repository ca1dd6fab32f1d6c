//! Rules as comma-separated values.

use std::io::{self, Write};

use ::csv::Writer;

use super::{MEASURES, Sheet};

/// Stands between the keys of one side.
const SEPARATOR: &str = "|";

pub(super) fn write(sheet: &Sheet<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = Writer::from_writer(out);
    let sides = ["antecedent", "consequent", "count"];
    let names = sheet.group_name().into_iter().chain(sides);
    writer.write_record(names.chain(MEASURES.map(|(name, _)| name)))?;
    for row in sheet.rows() {
        if sheet.group_name().is_some() {
            writer.write_field(row.group.unwrap_or_default())?;
        }
        for side in [row.rule.antecedent, row.rule.consequent] {
            let keys: Vec<String> = sheet.keys(side).map(escaped).collect();
            writer.write_field(keys.join(SEPARATOR))?;
        }
        writer.write_field(row.rule.counts.both.to_string())?;
        // As short as reads back to the same number, with an exponent where that is shorter.
        let figures = MEASURES.map(|(_, measure)| format!("{:?}", measure(&row.rule.counts)));
        writer.write_record(figures)?;
    }
    writer.flush()
}

/// A key that is not taken for two.
fn escaped(key: &str) -> String {
    key.replace('\\', "\\\\").replace(SEPARATOR, "\\|")
}
