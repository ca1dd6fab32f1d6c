//! Where events go as they are read.

use crate::error::{InputError, Result};
use crate::events::read::EventField;
use crate::events::{Event, EventTable};

/// Takes events one by one as a reader understands them, so that a file of any size need not be in memory.
///
/// ```
/// use recommender_core::events::read::EventReader;
/// use recommender_core::events::{Event, EventSink, Taken};
/// use recommender_core::rows::Format;
/// #[derive(Default)]
/// struct Dearest(f64);
/// impl EventSink for Dearest {
///     fn take(&mut self, _: u64, event: &Event) -> recommender_core::Result<Taken> {
///         self.0 = self.0.max(event.price.unwrap_or_default());
///         Ok(Taken::Kept)
///     }
/// }
/// let csv = "visitor,item,time,price\nann,cup,2024-05-01,2.5\nbob,pot,2024-05-01,9\n";
/// let mut dearest = Dearest::default();
/// EventReader::new(Format::Csv).read("events.csv", csv.as_bytes(), &mut dearest)?;
/// assert_eq!(dearest.0, 9.0);
/// # Ok::<(), recommender_core::Error>(())
/// ```
pub trait EventSink {
    /// Takes the event of the row that is the `ordinal`th of its input, counted from 1, bad and dropped ones included;
    /// says what became of it.
    ///
    /// # Errors
    /// If nothing further shall be read; the reader gives this error to its caller.
    fn take(&mut self, ordinal: u64, event: &Event) -> Result<Taken>;

    /// Told of each row that can't be understood, before it is refused or counted.
    ///
    /// # Errors
    /// As [`EventSink::take`].
    fn bad_row(&mut self, ordinal: u64, error: &InputError) -> Result<()> {
        let _ = (ordinal, error);
        Ok(())
    }
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It was taken.
    Kept,
    /// Its id had been seen before.
    Duplicate,
    /// Its person refused its use.
    RefusedConsent,
    /// It names no item.
    WithoutItem,
    /// It can't be used: the row counts as a bad one.
    Bad(WrongField),
}

/// What is wrong with an event that its reader could understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongField {
    /// Which field.
    pub field: EventField,
    /// What would have been right.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl EventSink for EventTable {
    fn take(&mut self, _ordinal: u64, event: &Event) -> Result<Taken> {
        self.offer(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::events::read::EventReader;
    use crate::rows::{BadRows, Format};

    /// Takes what costs less than ten; stops at a free one.
    #[derive(Default)]
    struct Cheap {
        taken: Vec<u64>,
        bad: Vec<u64>,
    }

    impl EventSink for Cheap {
        fn take(&mut self, ordinal: u64, event: &Event) -> Result<Taken> {
            let price = event.price.unwrap_or_default();
            if price == 0.0 {
                return Err(Error::Cancelled);
            }
            if price < 10.0 {
                self.taken.push(ordinal);
                return Ok(Taken::Kept);
            }
            Ok(Taken::Bad(WrongField {
                field: EventField::Price,
                expected: "a price below 10".into(),
                found: price.to_string(),
            }))
        }

        fn bad_row(&mut self, ordinal: u64, _: &InputError) -> Result<()> {
            self.bad.push(ordinal);
            Ok(())
        }
    }

    const CSV: &str =
        "visitor,item,time,price\nann,cup,1,5\nann,cup,soon,5\nann,pot,2,50\nbob,cup,3,6\n";

    #[test]
    fn rows_that_the_sink_can_not_use_are_bad_rows_of_the_file() {
        let reader = EventReader::new(Format::Csv).with_bad_rows(BadRows::Count);
        let mut sink = Cheap::default();
        let report = reader.read("in", CSV.as_bytes(), &mut sink).unwrap();
        assert_eq!((sink.taken, sink.bad), (vec![1, 4], vec![2, 3]));
        assert_eq!((report.rows, report.kept, report.bad_rows()), (4, 2, 2));
        let error = EventReader::new(Format::Csv)
            .read(
                "in",
                CSV.replace("soon", "2").as_bytes(),
                &mut Cheap::default(),
            )
            .unwrap_err();
        let expected = "in, row 4, field \"price\": expected a price below 10, found 50";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_sink_stops_the_reading() {
        let text = CSV.replace(",50", ",0");
        let reader = EventReader::new(Format::Csv).with_bad_rows(BadRows::Count);
        let mut sink = Cheap::default();
        let error = reader.read("in", text.as_bytes(), &mut sink).unwrap_err();
        assert!(matches!(error, Error::Cancelled));
        assert_eq!(sink.taken, [1]);
    }
}
