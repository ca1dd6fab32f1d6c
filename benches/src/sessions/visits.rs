//! Files of sessions.

use std::path::Path;

use recommender_core::events::read::{EventField, Times};
use recommender_core::events::{Event, EventKind, EventTable};
use recommender_core::rows::Format;
use recommender_core::sessions::{SessionConfig, Sessions};
use recommender_core::{Dataset, DenseIndex, InteractionConfig, ItemIx, Query, Result, Timestamp};
use recommender_files::{EventOptions, read_events};

/// A visit up to a moment, and what came next.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Items so far, oldest first.
    pub visit: Vec<ItemIx>,
    /// The item that came next.
    pub next: ItemIx,
    /// When the visit began, where the data has times.
    pub time: Option<Timestamp>,
}

impl Case {
    /// The question at that moment.
    #[must_use]
    pub fn query(&self, limit: usize) -> Query {
        let mut query = Query::new(limit);
        query.session.clone_from(&self.visit);
        query.time = self.time;
        query
    }
}

/// Sessions to learn from, and every prefix of others.
#[derive(Debug)]
pub struct Visits {
    /// What is learned from.
    pub train: Dataset,
    /// What is asked.
    pub cases: Vec<Case>,
}

impl Visits {
    /// Two files with the columns `SessionId`, `ItemId` and `Time`, tab separated.
    ///
    /// # Errors
    /// As [`read_events`], and if a file holds no event.
    pub fn of_tables(train: &Path, test: &Path) -> Result<Self> {
        let mut table = EventTable::new();
        read_table(train, &mut table)?;
        let first_test_row = table.len();
        read_table(test, &mut table)?;
        let (train, test) = halves(table, first_test_row)?;
        let cases = prefixes(&test, table_has_times(&test))?;
        Ok(Self { train, cases })
    }

    /// Sessions one a line, items separated by blanks, and either pairs of a prefix and what came next, separated by a
    /// tab, or none: then every prefix of the last tenth of the lines is asked, and the others are learned from.
    ///
    /// # Errors
    /// As [`read_events`], and if a file holds no event.
    pub fn of_lines(train: &Path, pairs: Option<&Path>) -> Result<Self> {
        let mut table = EventTable::new();
        let lines = read_lines(train, &["session"])?;
        let learned = lines.len() - lines.len() / 10;
        for (number, (line, _)) in lines.iter().enumerate() {
            if number == learned && pairs.is_none() {
                break;
            }
            push_line(&mut table, number, line)?;
        }
        let first_test_row = table.len();
        let Some(pairs) = pairs else {
            for (number, (line, _)) in lines.iter().enumerate().skip(learned) {
                push_line(&mut table, number, line)?;
            }
            let (train, test) = halves(table, first_test_row)?;
            let cases = prefixes(&test, false)?;
            return Ok(Self { train, cases });
        };
        let (train, _) = halves(table, first_test_row)?;
        let cases = read_pairs(pairs, &train)?;
        Ok(Self { train, cases })
    }
}

impl Visits {
    /// What is learned from as a file with the columns `SessionId`, `ItemId` and `Time`: sessions by recency, each item
    /// once and all at the second of the session's end. A last session, of an item of its own, stands behind them:
    /// Serenade leaves out the last of a file.
    ///
    /// # Errors
    /// As [`Sessions::of`].
    pub fn train_table(&self) -> Result<String> {
        let sessions = Sessions::of(&self.train, &SessionConfig::default())?;
        let mut text = String::from("SessionId\tItemId\tTime\n");
        let mut put = |session: usize, item: &str, seconds: i64| {
            text += &format!("{session}\t{item}\t{seconds}\n");
        };
        let mut end = 0;
        for session in 0..sessions.len() {
            end = (sessions.end(session).0 + 500).div_euclid(1000);
            let items = sessions.items(session);
            for (place, &item) in items.iter().enumerate() {
                if !items[..place].contains(&item) {
                    put(session, self.train.items().key(item), end);
                }
            }
        }
        put(sessions.len(), LAST_ITEM, end + 1);
        Ok(text)
    }
}

/// An item that no file knows.
const LAST_ITEM: &str = "4000000000";

/// Reads a file with the columns `SessionId`, `ItemId` and `Time` into `table`.
///
/// # Errors
/// As [`read_events`].
pub(super) fn read_table(path: &Path, table: &mut EventTable) -> Result<()> {
    let mut options = EventOptions {
        format: Some(Format::Tsv),
        ..EventOptions::default()
    };
    options.map.constants.kind = Some(EventKind::View);
    read_events(path, &options, table).map(|_| ())
}

fn table_has_times(dataset: &Dataset) -> bool {
    dataset.table().has_times()
}

fn push_line(table: &mut EventTable, number: usize, line: &str) -> Result<()> {
    for item in line.split_whitespace() {
        table.push(&Event {
            visitor: number.to_string(),
            item: Some(item.into()),
            kind: EventKind::View,
            quantity: 1.0,
            ..Event::default()
        })?;
    }
    Ok(())
}

/// The rows before `place`, and the others or, if there is none, the first one again.
fn halves(table: EventTable, place: usize) -> Result<(Dataset, Dataset)> {
    let table = std::sync::Arc::new(table);
    let part = |rows: std::ops::Range<usize>| {
        let rows = rows.map(|row| ItemIx::at(row).0).collect();
        Dataset::of_rows(
            table.clone(),
            rows,
            Vec::new(),
            InteractionConfig::default(),
        )
    };
    let rest = if place < table.len() {
        part(place..table.len())?
    } else {
        part(0..1)?
    };
    Ok((part(0..place)?, rest))
}

fn prefixes(test: &Dataset, timed: bool) -> Result<Vec<Case>> {
    let sessions = Sessions::of(test, &SessionConfig::default())?;
    let mut cases = Vec::new();
    for session in 0..sessions.len() {
        let items = sessions.items(session);
        for place in 1..items.len() {
            cases.push(Case {
                visit: items[..place].to_vec(),
                next: items[place],
                time: timed.then(|| sessions.end(session)),
            });
        }
    }
    Ok(cases)
}

fn read_pairs(path: &Path, train: &Dataset) -> Result<Vec<Case>> {
    let unknown = ItemIx::at(train.items().len());
    let item = |key: &str| train.items().get(key).unwrap_or(unknown);
    let case = |(prefix, next): &(String, String)| Case {
        visit: prefix.split_whitespace().map(item).collect(),
        next: item(next),
        time: None,
    };
    Ok(read_lines(path, &["prefix", "next"])?
        .iter()
        .map(case)
        .collect())
}

/// The first and the last column of a file without a header line, which may be one.
fn read_lines(path: &Path, columns: &[&str]) -> Result<Vec<(String, String)>> {
    let mut options = EventOptions {
        format: Some(Format::Tsv),
        ..EventOptions::default()
    };
    options.map.layout.header = columns.iter().map(|&column| column.into()).collect();
    options.map.times = Times::Optional;
    let (first, last) = (columns[0], columns[columns.len() - 1]);
    options
        .map
        .columns
        .insert(EventField::Visitor, first.into());
    options.map.columns.insert(EventField::Item, last.into());
    let mut table = EventTable::new();
    read_events(path, &options, &mut table)?;
    let line = |row: usize| {
        let first = table.users().key(table.user(row)).to_owned();
        (first, table.items().key(table.item(row)).to_owned())
    };
    Ok((0..table.len()).map(line).collect())
}
