//! Reading events from files of any format.

mod attributes;
mod field;
mod map;
mod plan;

pub use field::EventField;
pub use map::{Anonymous, Constants, EventMap, QuantityChange, SetRule, Times};

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::events::read::plan::{Plan, Reading};
use crate::events::{Event, EventSink, Taken};
use crate::rows::{BadRows, Format, Input, RandomAccess, ReadReport, RowSource, Step, Tally, open};

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

    /// Reads all of `input` into `sink`, such as an [`EventTable`](crate::events::EventTable); `origin` names it in
    /// errors. Gzip and a byte-order mark are taken off. Parquet is taken into memory first;
    /// [`EventReader::read_random`] and [`EventReader::read_bytes`] save that.
    ///
    /// # Errors
    /// [`crate::Error::Input`] if the input can't be read, lacks a column, or has a bad row where those are refused:
    /// `sink` then has the rows before it. [`crate::Error::Config`] if the map is wrong. What `sink` says.
    pub fn read(
        &self,
        origin: &str,
        input: impl Read,
        sink: &mut dyn EventSink,
    ) -> Result<ReadReport> {
        self.read_input(origin, Input::Stream(Box::new(input)), sink)
    }

    /// As [`EventReader::read`], from memory.
    ///
    /// # Errors
    /// As [`EventReader::read`].
    pub fn read_bytes(
        &self,
        origin: &str,
        bytes: Bytes,
        sink: &mut dyn EventSink,
    ) -> Result<ReadReport> {
        self.read_input(origin, Input::Bytes(bytes), sink)
    }

    /// As [`EventReader::read`], from something that can be read anywhere: of Parquet, only one page of each column is
    /// in memory at a time, unless gzip is around the whole file.
    ///
    /// # Errors
    /// As [`EventReader::read`].
    pub fn read_random(
        &self,
        origin: &str,
        input: Arc<dyn RandomAccess>,
        sink: &mut dyn EventSink,
    ) -> Result<ReadReport> {
        self.read_input(origin, Input::Random(input), sink)
    }

    fn read_input(
        &self,
        origin: &str,
        input: Input<'_>,
        sink: &mut dyn EventSink,
    ) -> Result<ReadReport> {
        let mut map = self.map.clone();
        if !self.format.has_times() && !map.columns.contains_key(&EventField::Time) {
            map.times = Times::Optional;
        }
        map.validate()?;
        let mut source = open(self.format, &map.layout, origin, input)?;
        let plan = Plan::bind(&map, origin, &mut *source)?;
        let reasons = map.drop.iter().map(|rule| rule.reason.clone());
        let mut rows = Rows {
            plan,
            tally: Tally::new(self.bad_rows, reasons),
            sink,
        };
        let mut event = Event::default();
        while rows.take_next(&mut *source, &mut event)? {}
        source.finish()?;
        Ok(rows.tally.finish())
    }
}

/// Rows on their way to a sink.
struct Rows<'m, 's> {
    plan: Plan<'m>,
    tally: Tally,
    sink: &'s mut dyn EventSink,
}

impl Rows<'_, '_> {
    /// Takes the next row; false if there is none. The buffers of `event` are used again.
    fn take_next(&mut self, source: &mut dyn RowSource, event: &mut Event) -> Result<bool> {
        let read = match source.advance()? {
            Step::End => return Ok(false),
            Step::Row => self.plan.read(source, event),
            Step::Bad(error) => Err(error),
        };
        self.tally.report.rows += 1;
        let ordinal = self.tally.report.rows;
        let error = match read {
            Ok(Reading::Dropped(rule)) => {
                self.tally.drop_row(rule);
                return Ok(true);
            }
            Ok(Reading::Event) => {
                let taken = self.sink.take(ordinal, event)?;
                self.count(&taken, event);
                let Taken::Bad(wrong) = taken else {
                    return Ok(true);
                };
                self.plan.refused(source, wrong)
            }
            Err(error) => error,
        };
        self.sink.bad_row(ordinal, &error)?;
        self.tally.bad_row(error)?;
        Ok(true)
    }

    fn count(&mut self, taken: &Taken, event: &Event) {
        let report = &mut self.tally.report;
        match taken {
            Taken::Kept => {
                report.kept += 1;
                report.without_time += u64::from(event.time.is_none());
            }
            Taken::Duplicate => report.duplicates += 1,
            Taken::RefusedConsent => report.refused_consent += 1,
            Taken::WithoutItem => report.without_item += 1,
            Taken::Bad(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
