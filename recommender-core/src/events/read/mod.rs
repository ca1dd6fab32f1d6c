//! Reading events from files of any format.

mod field;
mod map;
mod plan;

pub use field::EventField;
pub use map::{Anonymous, Constants, EventMap, QuantityChange, SetRule, Times};

use std::io::Read;

use bytes::Bytes;

use crate::error::Result;
use crate::events::read::plan::{Plan, Reading};
use crate::events::{Event, EventTable};
use crate::rows::{BadRows, Format, Input, ReadReport, RowSource, Step, Tally, open};

/// Reads events of one format, by one map.
///
/// ```
/// use recommender_core::events::EventTable;
/// use recommender_core::events::read::EventReader;
/// use recommender_core::rows::Format;
/// let csv = "visitor,item,kind,time\nann,cup,purchase,2024-05-01\nann,pot,view,2024-05-02\n";
/// let mut table = EventTable::new();
/// let report = EventReader::new(Format::Csv).read("events.csv", csv.as_bytes(), &mut table)?;
/// assert_eq!((report.rows, report.kept, table.len()), (2, 2, 2));
/// # Ok::<(), recommender_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EventReader {
    format: Format,
    map: EventMap,
    bad_rows: BadRows,
}

impl EventReader {
    /// A reader that expects canonical column names and refuses bad rows.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            map: EventMap::default(),
            bad_rows: BadRows::default(),
        }
    }

    /// Reads columns by `map`.
    #[must_use]
    pub fn with_map(mut self, map: EventMap) -> Self {
        self.map = map;
        self
    }

    /// Treats rows that can't be understood as `bad_rows` says.
    #[must_use]
    pub fn with_bad_rows(mut self, bad_rows: BadRows) -> Self {
        self.bad_rows = bad_rows;
        self
    }

    /// Reads all of `input` into `table`; `origin` names it in errors. Gzip and a byte-order mark are taken off.
    /// Parquet is taken into memory first; [`EventReader::read_bytes`] saves the copy.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the input can't be read, lacks a column, or has a bad row where those are refused:
    /// `table` then holds the rows before it. [`crate::Error::Config`] if the map is wrong.
    pub fn read(
        &self,
        origin: &str,
        input: impl Read,
        table: &mut EventTable,
    ) -> Result<ReadReport> {
        self.read_input(origin, Input::Stream(Box::new(input)), table)
    }

    /// As [`EventReader::read`], from memory.
    ///
    /// # Errors
    /// As [`EventReader::read`].
    pub fn read_bytes(
        &self,
        origin: &str,
        bytes: Bytes,
        table: &mut EventTable,
    ) -> Result<ReadReport> {
        self.read_input(origin, Input::Bytes(bytes), table)
    }

    fn read_input(
        &self,
        origin: &str,
        input: Input<'_>,
        table: &mut EventTable,
    ) -> Result<ReadReport> {
        let mut map = self.map.clone();
        if !self.format.has_times() && !map.columns.contains_key(&EventField::Time) {
            map.times = Times::Optional;
        }
        map.validate()?;
        let mut source = open(self.format, &map.layout, origin, input)?;
        let plan = Plan::bind(&map, origin, &mut *source)?;
        let reasons = map.drop.iter().map(|rule| rule.reason.clone());
        let tally = Tally::new(self.bad_rows, reasons);
        read_rows(&mut *source, plan, tally, table)
    }
}

fn read_rows(
    source: &mut dyn RowSource,
    mut plan: Plan<'_>,
    mut tally: Tally,
    table: &mut EventTable,
) -> Result<ReadReport> {
    let before = table.report().clone();
    let mut event = Event::default();
    loop {
        match source.advance()? {
            Step::End => break,
            Step::Row => {
                tally.report.rows += 1;
                match plan.read(source, &mut event) {
                    Ok(Reading::Event) => {
                        let kept = table.push(&event)?;
                        tally.report.without_time += u64::from(kept && event.time.is_none());
                    }
                    Ok(Reading::Dropped(rule)) => tally.drop_row(rule),
                    Err(error) => tally.bad_row(error)?,
                }
            }
            Step::Bad(error) => {
                tally.report.rows += 1;
                tally.bad_row(error)?;
            }
        }
    }
    source.finish()?;
    let (mut report, after) = (tally.finish(), table.report());
    report.kept = after.kept - before.kept;
    report.duplicates = after.duplicates - before.duplicates;
    report.refused_consent = after.refused_consent - before.refused_consent;
    report.without_item = after.without_item - before.without_item;
    Ok(report)
}

#[cfg(test)]
mod tests;
